"""An operator's own order of kernels: no public API, so the first test fails where OpenVINO no longer follows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest

from autotune.graph.inspect import candidate_digest, clone
from autotune.graph.kernels import prefer_direct, prefers_direct
from autotune.measure.compiled import compile_model
from autotune.measure.direct import has_direct_kernels, not_direct
from autotune.record import OperatorRun


def chain() -> ov.Model:
    """Three channels, as of an image: OpenVINO begins such a network in the layout of the direct kernels."""
    random = np.random.default_rng(0)
    image = ops.parameter([1, 3, 8, 8], np.float32, name="image")
    node = image
    for name, channels in (("first", 3), ("second", 32), ("third", 32)):
        weights = ops.constant(random.normal(size=(32, channels, 3, 3)).astype(np.float32) / 10)
        node = ops.relu(ops.convolution(node, weights, [1, 1], [1, 1], [1, 1], [1, 1], name=name))
    return ov.Model([node], [image])


def convolutions(model: ov.Model) -> list[ov.Node]:
    return [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]


def kernels(model: ov.Model) -> list[str]:
    return [node.kernel for node in compile_model(model, "f32", 1).nodes() if node.type == "Convolution"]


def direct() -> ov.Model:
    model = chain()
    for node in convolutions(model):
        prefer_direct(node)
    return model


def test_convolutions_run_in_the_kernels_that_they_ask_for() -> None:
    found = kernels(direct())
    assert len(found) == 3
    assert all(kernel.startswith("jit_avx") for kernel in found), found


def test_results_are_equal_but_for_the_order_of_sums() -> None:
    image = np.random.default_rng(1).normal(size=(1, 3, 8, 8)).astype(np.float32)
    one, other = (compile_model(model, "f32", 1).infer({"image": image}) for model in (named(chain()), named(direct())))
    np.testing.assert_allclose(*(next(iter(values.values())) for values in (one, other)), rtol=1e-4, atol=1e-4)


def named(model: ov.Model) -> ov.Model:
    model.inputs[0].get_tensor().set_names({"image"})
    return model


def test_the_wish_outlives_copies_and_files(tmp_path: Path) -> None:
    model = direct()
    ov.save_model(model, tmp_path / "m.xml", compress_to_fp16=False)
    for other in (model, clone(model), ov.Core().read_model(tmp_path / "m.xml")):
        assert [prefers_direct(node) for node in convolutions(other)] == [True] * 3
        assert candidate_digest(other) == candidate_digest(model)
    assert not any(map(prefers_direct, convolutions(chain())))


def test_candidates_in_other_kernels_are_others() -> None:
    one = chain()
    before = candidate_digest(one)
    prefer_direct(convolutions(one)[1])
    assert candidate_digest(one) != before


def test_probe_agrees_with_a_model() -> None:
    if has_direct_kernels():
        assert any(k.startswith("brgconv") for k in kernels(chain())), "float convolutions have both here"
    else:
        assert kernels(chain()) == kernels(direct())


@pytest.mark.parametrize(("kernel", "missed"), [("brgconv_avx512_f32", ["c (brgconv_avx512_f32)"]), ("jit_f32", [])])
def test_what_runs_as_products_all_the_same_is_named(kernel: str, missed: list[str]) -> None:
    run = OperatorRun("c", "Convolution", "float", kernel, "f32", 1.0)
    assert not_direct(["c", "fused into another"], [run]) == missed
