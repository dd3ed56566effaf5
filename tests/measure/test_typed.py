"""Regions in bf16: what OpenVINO makes of the types in the graph."""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from conftest import convolution_net

from autotune.graph.typing import type_bf16
from autotune.measure.compiled import compile_model, probe_precisions
from autotune.measure.typed import executed_bf16

pytestmark = pytest.mark.skipif("bf16" not in probe_precisions(), reason="this CPU does not compute in bf16")


def linear(x: ov.Node, width: int, name: str) -> ov.Node:
    rng = np.random.default_rng(len(name))
    weights = rng.standard_normal((width, x.get_output_shape(0)[-1]), dtype=np.float32) / 8
    product = ops.matmul(x, ops.constant(weights), False, True, name=name)
    return ops.add(product, ops.constant(rng.standard_normal((1, 1, width), dtype=np.float32)), name=f"{name}/bias")


def encoder() -> ov.Model:
    """One block of a transformer: attention, layer norm, feed-forward."""
    x = ops.parameter([1, 16, 64], np.float32, name="x")
    x.output(0).set_names({"x"})

    def heads(y: ov.Node) -> ov.Node:
        return ops.transpose(ops.reshape(y, np.array([1, 16, 4, 16]), False), np.array([0, 2, 1, 3]))

    query, key, value = (heads(linear(x, 64, name)) for name in ("query", "key", "value"))
    scores = ops.divide(ops.matmul(query, key, False, True, name="scores"), np.float32(4), name="scaled")
    mixed = ops.matmul(ops.softmax(scores, -1, name="chances"), value, False, False, name="mixed")
    merged = ops.reshape(ops.transpose(mixed, np.array([0, 2, 1, 3])), np.array([1, 16, 64]), False, name="merged")
    normed = ops.mvn(ops.add(x, linear(merged, 64, "projection")), np.array([-1]), True, 1e-6, "inside_sqrt")
    hidden = ops.gelu(linear(normed, 128, "up"), "erf", name="gelu")
    y = linear(hidden, 64, "down")
    y.output(0).set_names({"y"})
    return ov.Model([y], [x], "encoder")


OPERATORS = ("query", "key", "value", "scores", "mixed", "projection", "up", "down")


def test_all_operators_of_a_transformer_are_seen_in_bf16() -> None:
    """That of the scores is named after its scale, with which it was fused."""
    probe = executed_bf16(encoder(), OPERATORS, 1)
    assert (probe.executed, probe.alone) == (OPERATORS, ())


def test_nothing_is_converted_between_neighbours() -> None:
    model = encoder()
    type_bf16(model, OPERATORS)
    nodes = compile_model(model, "f32", 1).nodes()
    converting = {name for node in nodes for name in node.originals if name.endswith(("/to_bf16", "/to_f32"))}
    into = {name for name in converting if name.endswith("/to_bf16")}
    assert len(into) == 3, into  # x, chances, and what is normalised
    assert len(converting - into) == 3, converting - into  # scores, projection and y
    assert not any(node.type == "Reorder" for node in nodes)
    kernels = {node.precision for node in nodes if node.type in ("FullyConnected", "MatMul")}
    assert kernels == {"bf16"}


def test_outputs_differ_by_rounding_only() -> None:
    sample = {"x": np.random.default_rng(0).standard_normal((1, 16, 64), dtype=np.float32)}
    expected = compile_model(encoder(), "f32", 1).infer(sample)["y"]
    model = encoder()
    type_bf16(model, OPERATORS)
    got = compile_model(model, "f32", 1).infer(sample)["y"]
    assert 0 < np.linalg.norm(got - expected) < 0.01 * np.linalg.norm(expected)


def test_an_operator_that_is_not_there_is_not_seen() -> None:
    model = convolution_net()
    model.reshape([1, 3, 16, 16])
    probe = executed_bf16(model, ("conv1", "gone"), 1)
    assert probe.executed == probe.alone == ("conv1",)


def test_why_nothing_could_be_found_out() -> None:
    probe = executed_bf16(encoder(), OPERATORS, -2)
    assert probe.executed == () and probe.failure.startswith("RuntimeError: ")
