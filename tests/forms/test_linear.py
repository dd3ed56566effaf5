"""Linear layers become convolutions that compute the same, with few changes of layout."""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from form_graphs import (
    assert_equal,
    constant,
    infer,
    layer_norm,
    linear,
    model_of,
    operators,
    parameter,
    transformer_block,
)

from autotune.forms import FORMS, apply_forms
from autotune.graph.inspect import candidate_digest

NAME = "linear-as-convolution"
FORM = FORMS[NAME]


def formed(model: ov.Model, *groups: str) -> ov.Model:
    return apply_forms(model, {NAME: groups or list(FORM.groups(model))})


def count(model: ov.Model, kind: str) -> int:
    return list(operators(model).values()).count(kind)


def test_groups_of_a_transformer_block() -> None:
    assert FORM.groups(transformer_block()) == {
        "q": ("q", "k", "v"),
        "projection": ("projection",),
        "up": ("up", "down"),
    }


def test_no_linear_layer_no_group() -> None:
    x = parameter(1, 4, 8)
    assert not FORM.groups(model_of(ops.matmul(x, x, False, True), x=x))


def test_the_whole_block() -> None:
    model = transformer_block()
    before = candidate_digest(model)
    other = formed(model)
    assert_equal(model, other)
    kinds = operators(other)
    assert {name for name, kind in kinds.items() if kind == "Convolution"} == {
        "q",
        "k",
        "v",
        "projection",
        "up",
        "down",
    }
    assert {name for name, kind in kinds.items() if kind == "MatMul"} == {"scores", "context"}
    assert operators(model).items() <= {**kinds, **dict.fromkeys(FORM.groups(model)["q"], "MatMul")}.items() | {
        (name, "MatMul") for name in ("projection", "up", "down")
    }
    assert candidate_digest(model) == before


def test_only_what_was_chosen() -> None:
    model = transformer_block()
    other = formed(model, "up")
    assert_equal(model, other)
    assert {name for name, kind in operators(other).items() if kind == "Convolution"} == {"up", "down"}


def test_a_feed_forward_block_changes_layout_once_each_way() -> None:
    x = parameter(1, 6, 8)
    hidden = linear(layer_norm(x, 8, "norm"), 8, 16, "up")
    # The decomposed GELU of ONNX exporters.
    erf = ops.erf(ops.divide(hidden, ops.constant(np.float32(1.41421356)), name="divide"), name="erf")
    gelu = ops.multiply(hidden, ops.add(erf, ops.constant(np.ones((1, 1, 1), np.float32)), name="plus"), name="times")
    half = ops.multiply(gelu, ops.constant(np.float32(0.5)), name="half")
    model = model_of(linear(half, 16, 8, "down"), x=x)
    assert FORM.groups(model) == {"up": ("up", "down")}
    other = formed(model)
    assert_equal(model, other)
    assert count(other, "Transpose") == count(other, "Reshape") == 2
    assert count(other, "MatMul") == 0


def test_the_residual_of_a_block_stays_as_it_is() -> None:
    x = parameter(1, 6, 8)
    norm = layer_norm(x, 8, "norm")
    down = linear(ops.relu(linear(norm, 8, 16, "up"), name="relu"), 16, 8, "down")
    model = model_of(ops.add(down, norm, name="residual"), x=x)
    other = formed(model)
    assert_equal(model, other)
    assert count(other, "Transpose") == 2
    residual = next(node for node in other.get_ops() if node.get_friendly_name() == "residual")
    assert list(residual.get_output_shape(0)) == [1, 6, 8]


def test_tensors_read_on_both_sides_of_the_border() -> None:
    x = parameter(1, 6, 8)
    relu = ops.relu(linear(x, 8, 16, "up"), name="relu")
    model = model_of(linear(relu, 16, 8, "down"), ops.softmax(relu, 1, name="softmax"), relu, x=x)
    other = formed(model)
    assert_equal(model, other)
    assert count(other, "Transpose") == 2 + 1


@pytest.mark.parametrize("shape", [(1, 8), (5, 8), (1, 1, 8), (3, 4, 8), (1, 2, 3, 8), (2, 2, 3, 8)])
def test_any_rank(shape: tuple[int, ...]) -> None:
    x = parameter(*shape)
    scale = constant(*shape[:-1], 4, name="by_row")
    model = model_of(ops.multiply(linear(x, 8, 4, "linear"), scale, name="scaled"), x=x)
    other = formed(model)
    value = {"x": np.random.default_rng(1).normal(size=shape).astype(np.float32)}
    (one,), (two,) = infer(model, value), infer(other, value)
    np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5)
    assert operators(other)["linear"] == "Convolution"
    assert count(other, "Transpose") == (0 if shape[:-1] in ((1,), (1, 1)) else 2)


def test_constants_on_either_side_and_of_any_rank() -> None:
    x = parameter(1, 6, 8)
    node = ops.subtract(constant(8), linear(x, 8, 8, "linear"), name="from")
    node = ops.multiply(ops.constant(np.float32(2)), node, name="twice")
    node = ops.add(node, constant(1, 6, 1), name="by_row")
    node = ops.hard_sigmoid(node, np.float32(0.3), np.float32(0.4), name="hard")
    model = model_of(node, x=x)
    other = formed(model)
    assert_equal(model, other)
    assert count(other, "Transpose") == 2


def test_half_weights_are_read() -> None:
    x = parameter(1, 6, 8)
    weights = ops.convert(ops.constant(np.eye(8, dtype=np.float16)), ov.Type.f32)
    model = model_of(ops.matmul(x, weights, False, False, name="linear"), x=x)
    assert_equal(model, formed(model))


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match="linear-as-convolution has no group 'nowhere'"):
        apply_forms(transformer_block(), {NAME: ["nowhere"]})
    with pytest.raises(ValueError, match=r"there is no form 'nothing'; there are .*linear-as-convolution"):
        apply_forms(transformer_block(), {"nothing": []})
