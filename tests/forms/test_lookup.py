"""Products with one-hot rows become lookups, and what follows is folded into the table."""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from form_graphs import assert_equal, constant, linear, model_of, operators

from autotune.data import Dataset
from autotune.forms import FORMS, apply_forms

NAME = "one-hot-as-lookup"
FORM = FORMS[NAME]
# With ids outside 0 to 6, whose one-hot rows are zero.
IDS = Dataset({"ids": np.array([[0, 1, 6, 3], [-1, 7, 100, -100], [2**31 - 1, -(2**31), 5, 5]], np.int32)})


def ids(kind: type = np.int32) -> ov.Node:
    node = ops.parameter([1, 4], kind, name="ids")
    node.output(0).set_names({"ids"})
    return node


def compared(x: ov.Node, kind: type = np.int32) -> ov.Node:
    """One-hot as jax exports it."""
    column = ops.reshape(x, np.array([1, 4, 1]), False, name="column")
    return ops.convert(ops.equal(column, np.arange(7, dtype=kind).reshape(1, 1, 7), name="equal"), "f32", name="float")


def formed(model: ov.Model) -> ov.Model:
    assert FORM.groups(model) == {"linear": ("linear",)}
    return apply_forms(model, {NAME: ["linear"]})


@pytest.mark.parametrize("transpose_b", [True, False])
def test_bias_and_activation_go_into_the_table(transpose_b: bool) -> None:
    x = ids()
    biased = linear(compared(x), 7, 5, "linear", transpose_b)
    gelu = ops.gelu(biased, "tanh", name="gelu")
    model = model_of(ops.softmax(ops.multiply(gelu, biased, name="times"), 1, name="softmax"), x=x)
    other = formed(model)
    assert_equal(model, other, IDS)
    kinds = operators(other)
    assert kinds["times"] == "Gather"
    assert not {"MatMul", "Equal", "Gelu"} & set(kinds.values())


def test_one_hot_operator() -> None:
    x = ids()
    hot = ops.one_hot(x, ops.constant(np.int64(7)), ops.constant(np.float32(1)), ops.constant(np.float32(0)), -1)
    model = model_of(linear(hot, 7, 5, "linear"), x=x)
    # OneHot itself defines nothing for negative ids.
    assert_equal(model, formed(model), Dataset({"ids": np.abs(IDS.inputs["ids"] % 9)}))


def test_wide_ids() -> None:
    x = ids(np.int64)
    model = model_of(linear(compared(x, np.int64), 7, 5, "linear"), x=x)
    assert_equal(model, formed(model), Dataset({"ids": np.array([[0, 6, 2**40, -(2**40)]])}))


def test_what_differs_by_row_or_is_read_outside_stays() -> None:
    x = ids()
    biased = linear(compared(x), 7, 5, "linear")
    by_row = ops.add(biased, constant(1, 4, 1), name="by_row")
    relu = ops.relu(biased, name="relu")
    model = model_of(by_row, ops.softmax(relu, 1, name="softmax"), x=x)
    other = formed(model)
    assert_equal(model, other, IDS)
    kinds = operators(other)
    assert (kinds["by_row"], kinds["linear/bias"], kinds["relu"]) == ("Add", "Gather", "Gather")


def test_nothing_after_the_product() -> None:
    x = ids()
    model = model_of(ops.matmul(compared(x), constant(5, 7), False, True, name="linear"), x=x)
    other = formed(model)
    assert_equal(model, other, IDS)
    assert operators(other)["linear"] == "Gather"


def test_other_rows_are_left_alone() -> None:
    x = ids()
    column = ops.reshape(x, np.array([1, 4, 1]), False, name="column")
    numbers = np.array([0, 1, 2, 3, 4, 6, 5], np.int32).reshape(1, 1, 7)
    hot = ops.convert(ops.equal(column, numbers, name="equal"), "f32", name="float")
    assert not FORM.groups(model_of(linear(hot, 7, 5, "linear"), x=x))
    x = ids()
    hot = ops.one_hot(x, ops.constant(np.int64(7)), ops.constant(np.float32(2)), ops.constant(np.float32(0)), -1)
    assert not FORM.groups(model_of(linear(hot, 7, 5, "linear"), x=x))
