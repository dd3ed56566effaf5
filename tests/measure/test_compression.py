"""What really runs with int8 weights, and on which activations: asked of OpenVINO by what comes out."""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest

from autotune import hardware
from autotune.configuration import WeightForm, WeightSymmetry
from autotune.graph.linear import Linear
from autotune.measure.compiled import Compiled, compile_model, deploy_properties
from autotune.measure.compression import executed_compression
from autotune.quantize.compress import compress

GROUPS = (128, 64, 32)
HAS_VNNI = not hardware.can_saturate(hardware.flags(), hardware.instruction_set())


def layer(rows: int, inputs: int, outputs: int) -> ov.Model:
    x = ops.parameter([rows, inputs], np.float32, name="x")
    x.output(0).set_names({"x"})
    weights = np.random.default_rng(0).standard_normal((outputs, inputs), np.float32)
    return ov.Model([ops.matmul(x, ops.constant(weights), False, True, name="layer")], [x], "one")


def test_where_activations_are_quantised() -> None:
    """Not without VNNI, and not in groups larger than a layer's inputs."""
    layers = [Linear("wide", 16, 256, 64, True), Linear("narrow", 16, 100, 64, True), Linear("tiny", 1, 16, 4, False)]
    found = executed_compression(layers, GROUPS, 1)
    if HAS_VNNI:
        assert found == {"wide": GROUPS, "narrow": (64, 32), "tiny": ()}
    else:
        assert found == {"wide": (), "narrow": (), "tiny": ()}


def test_finer_forms_of_the_weights() -> None:
    """With 8 bits the dynamic groups that quantise are those that the weights' groups are whole numbers of."""
    layers = [Linear("wide", 16, 256, 64, True)]
    eight = executed_compression(layers, GROUPS, 1, WeightForm(8, 64))
    four = executed_compression(layers, GROUPS, 1, WeightForm(4, 128))
    assert (eight, four) == (({"wide": (64, 32)}, {"wide": GROUPS}) if HAS_VNNI else ({"wide": ()}, {"wide": ()}))


@pytest.mark.parametrize("symmetry", ["symmetric", "affine"])
@pytest.mark.parametrize("form", [WeightForm(4, 32), WeightForm(8, 64)], ids=str)
def test_integers_are_kept_and_computed_with(form: WeightForm, symmetry: WeightSymmetry) -> None:
    model = compress(layer(16, 256, 64), {"layer": form}, symmetry)
    compiled = compile_model(model, "f32", 1, 0)
    (run,) = [run for run in compiled.profile() if run.name == "layer"]
    assert run.scheme == f"int{form.bits}-weights"
    dynamic = Compiled(model, deploy_properties("f32", 1, 32), ["layer"]).profile()
    assert f"int{form.bits}-dynamic" in {run.scheme for run in dynamic}
    x = {"x": np.random.default_rng(1).standard_normal((16, 256), np.float32)}
    plain = layer(16, 256, 64)
    (got,), (expected,) = (made.infer(x).values() for made in (compiled, compile_model(plain, "f32", 1)))
    assert np.abs(got - expected).max() / np.abs(expected).max() < (0.2 if form.bits == 4 else 0.01)


def test_no_layers_no_probe() -> None:
    assert executed_compression([], GROUPS, 1) == {}


def test_the_scheme_is_that_of_the_weights() -> None:
    model = compress(layer(16, 256, 64), {"layer": WeightForm()}, "affine")
    (run,) = [run for run in compile_model(model, "f32", 1, 0).profile() if run.name == "layer"]
    assert (run.scheme, run.type) == ("int8-weights", "FullyConnected")
    (before,) = [run for run in compile_model(layer(16, 256, 64), "f32", 1).profile() if run.name == "layer"]
    assert before.scheme == "float"


@pytest.mark.skipif(not HAS_VNNI, reason="this CPU has no VNNI: OpenVINO does not quantise activations at run time")
def test_the_group_is_said_and_changes_the_outputs() -> None:
    model = compress(layer(16, 256, 64), {"layer": WeightForm()}, "symmetric")
    x = {"x": np.random.default_rng(1).standard_normal((16, 256), np.float32)}
    outputs = {}
    for group in (0, 128):
        compiled = compile_model(model, "f32", 1, group)
        assert compiled.properties["DYNAMIC_QUANTIZATION_GROUP_SIZE"] == str(group)
        assert not compiled.notes
        (outputs[group],) = compiled.infer(x).values()
    error = np.abs(outputs[128] - outputs[0]).max() / np.abs(outputs[0]).max()
    assert 0 < error < 0.02


def test_without_compressed_layers_nothing_is_said_of_groups() -> None:
    assert "DYNAMIC_QUANTIZATION_GROUP_SIZE" not in deploy_properties("f32", 1)
