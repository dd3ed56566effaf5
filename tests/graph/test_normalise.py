"""Graphs are folded, keep what they compute, and name their operators the same in every process."""

from __future__ import annotations

from collections import Counter

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from openvino._offline_transformations import apply_moc_transformations

from autotune.graph.inspect import model_digest
from autotune.graph.normalise import normalise


def batch_norm_net(names: bool = True) -> ov.Model:
    """A convolution and a depthwise one, each with a batch norm that folds into it; then a foldable subgraph."""
    rng = np.random.default_rng(0)

    def named(node: ov.Node, name: str) -> ov.Node:
        if names:
            node.set_friendly_name(name)
        return node

    def normed(x: ov.Node, name: str) -> ov.Node:
        gamma, beta, mean, variance = (rng.uniform(0.5, 1.5, 4).astype(np.float32) for _ in range(4))
        return named(ops.batch_norm_inference(x, gamma, beta, mean, variance, 1e-5), name)

    x = ops.parameter([1, 3, 8, 8], np.float32, name="image")
    x.output(0).set_names({"image"})
    weights = rng.standard_normal((4, 3, 3, 3)).astype(np.float32)
    y = named(ops.convolution(x, weights, [1, 1], [1, 1], [1, 1], [1, 1]), "conv")
    y = ops.relu(normed(y, "norm"))
    depthwise = rng.standard_normal((4, 1, 1, 3, 3)).astype(np.float32)
    y = named(ops.group_convolution(y, depthwise, [1, 1], [1, 1], [1, 1], [1, 1]), "depthwise")
    y.output(0).set_names({"depthwise out"})
    y = normed(y, "norm2")
    shape = ops.concat([ops.constant(np.array([1])), ops.constant(np.array([-1]))], 0)
    y = named(ops.reshape(y, shape, False), "flat")
    y.output(0).set_names({"scores"})
    return ov.Model([y], [x], "net")


def run(model: ov.Model) -> np.ndarray:
    image = np.random.default_rng(1).standard_normal((1, 3, 8, 8)).astype(np.float32)
    return ov.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(image)[0]


def test_constants_and_batch_norms_are_folded_and_outputs_stay() -> None:
    source = batch_norm_net()
    expected, before = run(source), model_digest(source)
    folded, note = normalise(source)
    types = Counter(node.get_type_name() for node in folded.get_ops())
    assert note is None
    assert "BatchNormInference" not in types
    assert "Concat" not in types
    np.testing.assert_allclose(run(folded), expected, rtol=1e-4, atol=1e-4)
    assert model_digest(source) == before, "the source model was changed"


def test_a_folded_convolution_keeps_the_name_it_had() -> None:
    folded, _ = normalise(batch_norm_net())
    names = {node.get_type_name(): node.get_friendly_name() for node in folded.get_ordered_ops()}
    assert names["Convolution"] == "conv"
    assert names["GroupConvolution"] == "depthwise"


def test_names_do_not_depend_on_what_the_process_made_before() -> None:
    def names(model: ov.Model) -> list[str]:
        return [node.get_friendly_name() for node in normalise(model)[0].get_ordered_ops()]

    for given in (True, False):
        first = names(batch_norm_net(given))
        assert first == names(batch_norm_net(given))
        assert len(set(first)) == len(first)
    assert model_digest(normalise(batch_norm_net())[0]) == model_digest(normalise(batch_norm_net())[0])


def test_names_given_twice_are_told_apart() -> None:
    x = ops.parameter([1, 4], np.float32, name="x")
    y = ops.relu(ops.tanh(x, name="same"), name="same")
    y.output(0).set_names({"y"})
    folded, _ = normalise(ov.Model([y], [x], "twins"))
    names = [node.get_friendly_name() for node in folded.get_ops()]
    assert len(set(names)) == len(names)
    assert "same" in names


def test_nothing_is_remembered_that_is_not_written() -> None:
    """Marks of a transformation can decide how OpenVINO runs a graph; what is judged runs as what is written does."""
    model = batch_norm_net()
    marked = model.clone()
    apply_moc_transformations(marked, cf=True)
    assert any(list(node.get_rt_info()) for node in marked.get_ops()), "OpenVINO leaves no marks any more"
    normal, _ = normalise(model)
    assert not any(list(node.get_rt_info()) for node in normal.get_ops())
