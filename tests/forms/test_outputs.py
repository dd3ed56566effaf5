"""Neighbouring outputs become channels of a wider kernel; what is computed stays."""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from form_graphs import assert_equal, constant, model_of, parameter

from autotune.forms import FORMS, apply_forms
from autotune.forms.outputs import Blocking

NAME = "outputs-as-channels"
FORM = FORMS[NAME]


def convolution(x: ov.Node, out: int, into: int, *kernel: int, stride: int = 1, pad: int = 0) -> ov.Node:
    axes = len(kernel)
    pads = [0] * (axes - 1) + [pad]
    strides = [1] * (axes - 1) + [stride]
    return ops.convolution(x, constant(out, into, *kernel), strides, pads, pads, [1] * axes, name="conv")


def formed(model: ov.Model) -> ov.Model:
    assert FORM.groups(model) == {"conv": ("conv",)}
    other = apply_forms(model, {NAME: ["conv"]})
    assert_equal(model, other)
    return other


def kinds(model: ov.Model) -> list[str]:
    return [node.get_type_name() for node in model.get_ordered_ops() if node.get_type_name() != "Constant"]


@pytest.mark.parametrize(
    ("out", "kernel", "stride", "width"), [(1, 3, 1, 24), (3, 5, 2, 29), (8, 39, 1, 40), (1, 9, 2, 31)]
)
def test_convolutions_over_two_axes(out: int, kernel: int, stride: int, width: int) -> None:
    x = parameter(1, 4, 6, width)
    other = formed(model_of(convolution(x, out, 4, 3, kernel, stride=stride, pad=kernel // 2), x=x))
    made = next(node for node in other.get_ops() if node.get_type_name() == "Convolution")
    assert made.get_friendly_name() == "conv"
    assert made.output(0).get_shape()[1] >= 2 * out


def test_over_one_axis_and_without_pads() -> None:
    x = parameter(1, 1, 300)
    formed(model_of(convolution(x, 1, 1, 64, stride=2), x=x))


@pytest.mark.parametrize(("width", "kernel", "stride"), [(34, 9, 3), (31, 9, 4)])
def test_what_the_last_step_leaves_over(width: int, kernel: int, stride: int) -> None:
    """Without pads a stride may leave inputs at the end that no output depends on."""
    x = parameter(1, 2, 4, width)
    formed(model_of(convolution(x, 1, 2, 1, kernel, stride=stride), x=x))


def test_one_input_channel_keeps_more_than_one_place() -> None:
    """A convolution of one channel, strided, to one place in each of several rows gives wrong numbers in OpenVINO."""
    x = parameter(1, 1, 6, 15)
    other = formed(model_of(convolution(x, 1, 1, 3, 5, stride=2, pad=3), x=x))
    made = next(node for node in other.get_ops() if node.get_type_name() == "Convolution")
    assert made.output(0).get_shape()[-1] > 1


def test_over_three_axes() -> None:
    x = parameter(1, 2, 3, 4, 20)
    formed(model_of(convolution(x, 1, 2, 1, 2, 5, pad=2), x=x))


def test_bias_activation_and_what_varies_by_place_come_before_the_way_back() -> None:
    x = parameter(1, 8, 5, 22)
    node = ops.add(convolution(x, 2, 8, 3, 5, pad=2), constant(1, 2, 1, 1), name="bias")
    node = ops.multiply(ops.relu(node, name="relu"), constant(1, 1, 3, 22), name="window")
    node = ops.add(node, constant(1), name="shift")
    other = formed(model_of(ops.sigmoid(node, name="sigmoid"), x=x))
    assert kinds(other)[:7] == ["Parameter", "Convolution", "Add", "Relu", "Multiply", "Add", "Sigmoid"]
    assert kinds(other)[7:] == ["Transpose", "Reshape", "Slice", "Transpose", "Result"]


def test_what_reads_it_as_it_was_still_can() -> None:
    x = parameter(1, 4, 5, 24)
    node = convolution(x, 1, 4, 3, 3, pad=1)
    formed(model_of(ops.concat([ops.relu(node, name="relu"), node], 1, name="both"), x=x))


@pytest.mark.parametrize(
    "node",
    [
        lambda x: convolution(x, 16, 4, 3, 3),
        lambda x: convolution(x, 1, 4, 1, 1),
        lambda x: convolution(x, 9, 4, 1, 9),
        lambda x: ops.convolution(x, constant(1, 4, 3, 3), [1, 1], [0, 0], [0, 0], [1, 2], name="conv"),
    ],
)
def test_where_nothing_is_gained_there_is_no_group(node: object) -> None:
    x = parameter(1, 4, 5, 24)
    assert FORM.groups(model_of(node(x), x=x)) == {}


def test_automatic_pads_that_openvino_has_worked_out() -> None:
    x = parameter(1, 4, 5, 24)
    node = ops.convolution(x, constant(1, 4, 3, 3), [1, 1], [0, 0], [0, 0], [1, 1], "same_upper", name="conv")
    formed(model_of(node, x=x))


def test_products_by_hand() -> None:
    blocking = Blocking(blocks=11, channels=1, extent=88, kernel=3, stride=1)
    assert (blocking.places, blocking.width) == (8, 13)
    assert blocking.gain == pytest.approx(88 * 3 / (8 * 13))
    kernel = Blocking(blocks=2, channels=1, extent=4, kernel=2, stride=3).weights(np.array([[[1.0, 2.0]]]))
    np.testing.assert_array_equal(kernel, [[[1, 2, 0, 0, 0]], [[0, 0, 0, 1, 2]]])
