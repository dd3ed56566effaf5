"""Graph forms inside candidates: placed anew, observed once, and as NNCF's own smoothing."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import nncf
import numpy as np
import openvino as ov
import pytest
from perceptron_graph import perceptron_graph
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from small_graphs import convolutional, images

sys.path.insert(0, str(Path(__file__).parents[1] / "forms"))
from form_graphs import transformer_block

from autotune import hardware, memory
from autotune.configuration import Compression, Configuration, FormChoice, Quantization
from autotune.data import Dataset
from autotune.graph.inspect import candidate_digest
from autotune.graph.kernels import prefers_direct
from autotune.graph.normalise import normalise
from autotune.measure.compiled import compile_model
from autotune.quantize.factory import BuildError
from autotune.quantize.variants import Variants

SAMPLES = Dataset(
    {"x": (np.random.default_rng(3).standard_normal((24, 6, 8)) * np.geomspace(0.2, 30, 8)).astype(np.float32)}
)
TRANSFORMER = Quantization("transformer", "mixed", bias_correction=False, overflow_fix="first-layer")


@pytest.fixture(scope="module")
def model() -> ov.Model:
    return normalise(transformer_block())[0]


def variants(model: ov.Model, folder: Path) -> Variants:
    made = Variants(model, SAMPLES, folder, threads=2)
    made.observe()
    return made


def quantised(model: ov.Model) -> tuple[list[tuple[float, float]], dict[str, np.ndarray]]:
    """Input ranges of the activation quantisers, sorted, and the stored int8 weights by operator."""
    ranges, weights = [], {}
    for node in model.get_ordered_ops():
        if node.get_type_name() == "FakeQuantize":
            low, high = (float(np.min(node.input_value(i).get_node().data)) for i in (1, 2))
            ranges.append((low, high))
        if node.get_type_name() == "Constant" and node.get_element_type() in (ov.Type.i8, ov.Type.u8):
            reader = node
            while reader.get_type_name() != "MatMul":
                reader = next(iter(reader.output(0).get_target_inputs())).get_node()
            weights[reader.get_friendly_name()] = np.array(node.data)
    return sorted(ranges), weights


def test_the_transformer_setting_with_smoothing_is_nncf_s_default(model: ov.Model, tmp_path: Path) -> None:
    made = variants(model, tmp_path)
    groups = tuple(made.groups["smoothing"])
    ours = made.build(Configuration("f32", TRANSFORMER, (FormChoice("smoothing", groups, 0.95),)))
    theirs = nncf.quantize(
        model,
        nncf.Dataset([SAMPLES.row(i) for i in range(len(SAMPLES))]),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(SAMPLES),
        advanced_parameters=nncf.AdvancedQuantizationParameters(disable_bias_correction=True),
    )
    our_ranges, our_weights = quantised(ours)
    their_ranges, their_weights = quantised(theirs)
    np.testing.assert_allclose(our_ranges, their_ranges, rtol=1e-5)
    assert our_weights.keys() == their_weights.keys()
    for name, values in our_weights.items():
        # A weight exactly between two steps may be rounded either way: the scales were multiplied in another order.
        assert (values != their_weights[name]).mean() < 0.01, name
        assert np.abs(values.astype(int) - their_weights[name]).max() <= 1


def test_another_alpha_is_placed_without_nncf(model: ov.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = variants(model, tmp_path)
    groups = tuple(made.groups["smoothing"])
    made.build(Configuration("f32", TRANSFORMER, (FormChoice("smoothing", groups, 0.95),)))
    monkeypatch.setattr("autotune.quantize.nncf_private.PrivateSolver.__init__", None)
    monkeypatch.setattr("autotune.quantize.nncf_private.PrivateSolver.solve", None)
    again = made.build(Configuration("f32", TRANSFORMER, (FormChoice("smoothing", groups, 0.5),)))
    monkeypatch.undo()
    alone = variants(model, tmp_path / "alone")
    same = alone.build(Configuration("f32", TRANSFORMER, (FormChoice("smoothing", groups, 0.5),)))
    assert candidate_digest(again) == candidate_digest(same)


def test_a_formed_candidate_runs_and_a_form_is_observed_once(model: ov.Model, tmp_path: Path) -> None:
    made = variants(model, tmp_path)
    linear = FormChoice("linear-as-convolution", tuple(made.groups["linear-as-convolution"]))
    formed = made.build(Configuration(forms=(linear,)))
    assert "Convolution" in {node.get_type_name() for node in formed.get_ops()}
    saturates = hardware.can_saturate(hardware.flags(), hardware.instruction_set())
    safe = Quantization(overflow_fix="all" if saturates else "off")
    first = made.build(Configuration("f32", safe, (linear,)))
    spent = made.observing
    assert spent > 0
    made.build(Configuration("f32", Quantization(preset="mixed"), (linear,)))
    assert made.observing == spent
    run = ov.Core().compile_model(first, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    expected = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    got, wanted = (c(SAMPLES.row(0))[0].ravel() for c in (run, expected))
    assert np.corrcoef(got, wanted)[0, 1] > (0.97 if saturates else 0.98)


def test_operators_kept_float_are_named_alike_in_every_form(model: ov.Model, tmp_path: Path) -> None:
    made = variants(model, tmp_path)
    linear = FormChoice("linear-as-convolution", tuple(made.groups["linear-as-convolution"]))
    candidate = made.build(Configuration("f32", Quantization(float_operators=("up", "down")), (linear,)))
    stored = {
        node.get_friendly_name()
        for node in candidate.get_ordered_ops()
        if node.get_type_name() in ("Convolution", "MatMul")
        and node.input_value(1).get_node().get_type_name() != "Constant"
    }
    assert {"q", "k", "v", "projection"} <= stored
    assert not {"up", "down"} & stored


def test_a_child_that_replaces_another_observes_when_it_must(model: ov.Model, tmp_path: Path) -> None:
    first, second = variants(model, tmp_path), Variants(model, SAMPLES, tmp_path, threads=1)
    smooth = Configuration("f32", TRANSFORMER, (FormChoice("smoothing", ("q",), 0.5),))
    a, b = first.build(smooth), second.build(smooth)
    assert quantised(a)[0] == quantised(b)[0]


def test_a_large_model_is_built_the_same_with_one_formed_model_at_a_time(
    model: ov.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = variants(model, tmp_path / "small")
    groups = tuple(made.groups["smoothing"])
    asked = [Configuration(forms=(FormChoice("smoothing", groups, alpha),)) for alpha in (0.5, 0.9)]
    asked += [replace(one, quantization=TRANSFORMER) for one in asked]
    expected = [candidate_digest(made.build(one)) for one in asked]
    monkeypatch.setattr(memory, "LARGE", 1)
    large = variants(model, tmp_path / "large")
    assert [candidate_digest(large.build(one)) for one in asked] == expected
    assert len(large._models) == len(large._factories) == 1
    assert not [*(tmp_path / "large").glob("form-*")]


def test_an_unknown_group(model: ov.Model, tmp_path: Path) -> None:
    made = Variants(model, SAMPLES, tmp_path, threads=1)
    with pytest.raises(ValueError, match="no group 'z'"):
        made.build(Configuration(forms=(FormChoice("linear-as-convolution", ("z",)),)))


def test_operators_in_bf16_are_typed_in_float_and_in_int8_candidates(model: ov.Model, tmp_path: Path) -> None:
    made = variants(model, tmp_path)
    kept, *others = [name for name, kind in made.base.operators.items() if kind == "MatMul"]
    mixed = Configuration("f32", replace(TRANSFORMER, float_operators=(kept,)), bf16_operators=(kept,))
    for configuration in (Configuration("f32", bf16_operators=(kept,)), mixed):
        types = {n.get_friendly_name(): n.get_output_element_type(0) for n in made.build(configuration).get_ops()}
        assert types[kept] == ov.Type.bf16
        assert all(types[name] == ov.Type.f32 for name in others)
    assert ov.Type.bf16 not in {n.get_output_element_type(0) for n in model.get_ops()}  # the source stays as it is
    with pytest.raises(BuildError, match="quantised"):
        made.build(Configuration("f32", TRANSFORMER, bf16_operators=(others[0],)))


@pytest.mark.parametrize("quantization", [None, Quantization()])
def test_kernels_are_asked_for_last_of_all(quantization: Quantization | None, tmp_path: Path) -> None:
    """The candidate is the same otherwise, nothing is observed or placed for it, and the source stays as it is."""
    source = normalise(convolutional())[0]
    made = Variants(source, images(8), tmp_path, threads=1)
    made.observe()
    plain = made.build(Configuration(quantization=quantization))
    before = made.observing, len(made._models)
    direct = (FormChoice("direct-convolution", ("depthwise",)),)
    other = made.build(Configuration(quantization=quantization, forms=direct))
    assert (made.observing, len(made._models)) == before
    assert {n.get_friendly_name() for n in other.get_ops() if prefers_direct(n)} == {"depthwise"}
    assert not any(prefers_direct(n) for model in (source, plain) for n in model.get_ops())
    assert candidate_digest(other) != candidate_digest(plain)
    image = {"image": images(1).row(0)["image"]}
    one, two = (next(iter(compile_model(m, "f32", 1).infer(image).values())) for m in (plain, other))
    np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match="no group 'z'"):
        made.build(Configuration(quantization=quantization, forms=(FormChoice("direct-convolution", ("z",)),)))


def test_static_and_compressed_layers_in_one_model(model: ov.Model, tmp_path: Path) -> None:
    """Those that have int8 weights are the static model's float ones; its own stay as they are."""
    made = variants(model, tmp_path)
    static = replace(TRANSFORMER, float_operators=("up", "down"))
    plain = made.build(Configuration("f32", static))
    both = made.build(Configuration("f32", static, compression=Compression(("up", "down"), "affine", 32)))
    before, after = quantised(plain), quantised(both)
    assert before[0] == after[0]
    assert set(after[1]) - set(before[1]) == {"up", "down"}
    for name, weights in before[1].items():
        np.testing.assert_array_equal(weights, after[1][name])
    runs = {run.name: run.scheme for run in compile_model(both, "f32", 1, 0).profile()}
    assert runs["up"] == runs["down"] == "int8-weights"
    assert runs["q"] == "int8-static"


@pytest.mark.parametrize("configuration", [
    Configuration(
        forms=(FormChoice("linear-as-convolution", ("up",)),), compression=Compression(("up",))
    ),
    Configuration("f32", TRANSFORMER, compression=Compression(("up",))),
])  # fmt: skip
def test_a_layer_that_is_something_else_cannot_have_int8_weights(
    model: ov.Model, tmp_path: Path, configuration: Configuration
) -> None:
    with pytest.raises(BuildError, match=r"^Weights cannot be integers: .*'?up'?"):
        variants(model, tmp_path).build(configuration)


def test_smoothing_keeps_a_perceptron_with_units_that_calibration_did_not_move(tmp_path: Path) -> None:
    """Borders of digits are always 0, and units behind them dead: alpha 0.95 once lost all but one class in ten."""
    digits = load_digits()
    pixels = (digits.data / 16).astype(np.float32)
    trained = MLPClassifier((64,), max_iter=30, random_state=0).fit(pixels[:900], digits.target[:900])
    calibration = Dataset({"pixels": pixels[840:900]})
    assert (pixels[840:900].max(axis=0) == 0).any() and (pixels[900:].max(axis=0) > 0).mean() > 0.9
    made = Variants(perceptron_graph(trained, 1), calibration, tmp_path, threads=1)
    made.observe()
    smoothed = FormChoice("smoothing", tuple(made.groups["smoothing"]), 0.95)
    model = compile_model(made.build(Configuration(quantization=Quantization(), forms=(smoothed,))), "f32", 1)
    said = np.array([model.infer({"pixels": row[None]})["scores"].argmax() for row in pixels[900:]])
    assert (said == trained.predict(pixels[900:])).mean() > 0.98
