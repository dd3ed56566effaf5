"""Reshapes and transposes around convolutions are merged and moved; what is computed stays."""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from form_graphs import assert_equal, constant, model_of, operators, parameter

from autotune.forms import FORMS, apply_forms

NAME = "convolution-borders"
FORM = FORMS[NAME]


def reshape(x: ov.Node, *shape: int, name: str) -> ov.Node:
    return ops.reshape(x, np.array(shape), False, name=name)


def one_axis(x: ov.Node, rows: int, into: int, out: int) -> ov.Node:
    """A convolution over one axis of [1, rows, into], as jax exports it: the result is [1, out, rows - 2]."""
    wide = ops.transpose(reshape(x, 1, rows, into, 1, name="wide"), np.array([0, 2, 1, 3]), name="transpose")
    node = ops.convolution(wide, constant(out, into, 3, 1), [1, 1], [0, 0], [0, 0], [1, 1], name="conv")
    return reshape(node, 1, out, rows - 2, name="narrow")


def formed(model: ov.Model) -> ov.Model:
    assert FORM.groups(model) == {"conv": ("conv",)}
    other = apply_forms(model, {NAME: ["conv"]})
    assert_equal(model, other)
    return other


def order_of_kinds(model: ov.Model) -> list[str]:
    return [node.get_type_name() for node in model.get_ordered_ops() if node.get_type_name() != "Constant"]


@pytest.mark.parametrize("keep_dims", [True, False])
@pytest.mark.parametrize("reduce", [ops.reduce_max, ops.reduce_mean, ops.reduce_sum, ops.reduce_min])
def test_bias_activation_and_reduction_come_before_the_reshape(reduce: object, keep_dims: bool) -> None:
    x = parameter(1, 10, 4)
    node = ops.add(one_axis(x, 10, 4, 6), constant(6, 1), name="bias")
    node = ops.gelu(ops.multiply(node, constant(1, 1, 1), name="times"), "erf", name="gelu")
    node = reduce(node, np.array([-1]), keep_dims, name="reduced")
    other = formed(model_of(node, x=x))
    assert order_of_kinds(other)[:-3] == ["Parameter", "Reshape", "Transpose", "Convolution", "Add", "Multiply", "Gelu"]
    assert order_of_kinds(other)[-2:] == ["Reshape", "Result"]
    assert list(next(n for n in other.get_ops() if n.get_friendly_name() == "bias").get_output_shape(0)) == [1, 6, 8, 1]


def test_the_transpose_is_the_one_that_costs_nothing() -> None:
    x = parameter(1, 10, 4)
    other = formed(model_of(one_axis(x, 10, 4, 6), x=x))
    transpose = next(node for node in other.get_ops() if node.get_type_name() == "Transpose")
    assert transpose.input_value(1).get_node().get_data().tolist() == [0, 3, 1, 2]
    assert list(transpose.input_value(0).get_shape()) == [1, 10, 1, 4]
    assert transpose.input_value(0).get_node().input_value(0).get_node().get_friendly_name() == "x"


def test_a_transpose_that_moves_memory_stays() -> None:
    x = parameter(1, 10, 4)
    # Rows and channels swapped: the second transposition is a real one.
    wide = ops.transpose(reshape(x, 1, 4, 1, 10, name="wide"), np.array([0, 1, 3, 2]), name="transpose")
    node = ops.convolution(wide, constant(6, 4, 3, 1), [1, 1], [0, 0], [0, 0], [1, 1], name="conv")
    assert not FORM.groups(model_of(node, x=x))


def test_what_reads_the_narrow_tensor_otherwise_still_does() -> None:
    x = parameter(1, 10, 4)
    relu = ops.relu(one_axis(x, 10, 4, 6), name="relu")
    model = model_of(ops.softmax(relu, 1, name="softmax"), relu, ops.add(relu, constant(1, 6, 8), name="sum"), x=x)
    other = formed(model)
    assert operators(model).keys() - {"narrow", "wide", "transpose"} <= operators(other).keys()


def test_grouped_convolution() -> None:
    x = parameter(1, 4, 10)
    node = ops.group_convolution(
        reshape(x, 1, 4, 10, 1, name="wide"), constant(4, 1, 1, 3, 1), [1, 1], [0, 0], [0, 0], [1, 1], name="conv"
    )
    narrow = reshape(node, 1, 4, 8, name="narrow")
    other = formed(model_of(ops.add(narrow, constant(1, 4, 1), name="bias"), x=x))
    assert order_of_kinds(other) == ["Parameter", "Reshape", "GroupConvolution", "Add", "Reshape", "Result"]


def test_a_reshape_that_does_more_stays() -> None:
    x = parameter(1, 10, 4)
    wide = ops.transpose(reshape(x, 1, 10, 1, 4, name="wide"), np.array([0, 3, 1, 2]), name="transpose")
    node = ops.convolution(wide, constant(6, 4, 3, 1), [1, 1], [0, 0], [0, 0], [1, 1], name="conv")
    flat = reshape(node, 1, 48, name="flat")
    assert not FORM.groups(model_of(ops.relu(flat, name="relu"), x=x))
