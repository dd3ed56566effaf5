"""Activation functions that are written out are recognised by what they compute."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from form_graphs import assert_equal, infer, linear, model_of, operators, parameter
from scipy.special import erf, expit

from autotune.forms import FORMS, apply_forms

NAME = "fused-activation"
FORM = FORMS[NAME]


def number(value: float) -> ov.Node:
    return ops.constant(np.full((1, 1, 1), value, np.float32))


def gelu_tanh(x: ov.Node) -> ov.Node:
    cube = ops.multiply(x, ops.multiply(x, ops.multiply(number(0.044715), x, name="1"), name="2"), name="3")
    tanh = ops.tanh(ops.multiply(number(0.7978846), ops.add(x, cube, name="4"), name="5"), name="6")
    return ops.multiply(x, ops.add(ops.multiply(tanh, number(0.5), name="7"), number(0.5), name="8"), name="last")


def gelu_power(x: ov.Node) -> ov.Node:
    cube = ops.multiply(ops.power(x, number(3), name="1"), number(0.044715), name="2")
    tanh = ops.tanh(ops.multiply(ops.add(x, cube, name="3"), number(0.79788456), name="4"), name="5")
    return ops.multiply(ops.multiply(number(0.5), x, name="6"), ops.add(number(1), tanh, name="7"), name="last")


def gelu_erf(x: ov.Node) -> ov.Node:
    erf = ops.erf(ops.divide(x, number(1.4142135), name="1"), name="2")
    return ops.multiply(ops.multiply(x, ops.add(erf, number(1), name="3"), name="4"), number(0.5), name="last")


def swish(x: ov.Node) -> ov.Node:
    below = ops.add(number(1), ops.exp(ops.negative(x, name="1"), name="2"), name="3")
    return ops.divide(x, below, name="last")


def hswish(x: ov.Node) -> ov.Node:
    six = ops.minimum(ops.relu(ops.add(x, number(3), name="1"), name="2"), number(6), name="3")
    return ops.divide(ops.multiply(x, six, name="4"), number(6), name="last")


def mish(x: ov.Node) -> ov.Node:
    return ops.multiply(x, ops.tanh(ops.softplus(x, name="1"), name="2"), name="last")


def net(function: Callable[[ov.Node], ov.Node]) -> ov.Model:
    x = parameter(1, 6, 8)
    return model_of(linear(function(linear(x, 8, 16, "up")), 16, 8, "down"), x=x)


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (gelu_tanh, "Gelu"),
        (gelu_power, "Gelu"),
        (gelu_erf, "Gelu"),
        (swish, "Swish"),
        (hswish, "HSwish"),
        (mish, "Mish"),
    ],
)
def test_recognised(function: Callable[[ov.Node], ov.Node], kind: str) -> None:
    model = net(function)
    assert FORM.groups(model) == {"last": ("up",)}
    other = apply_forms(model, {NAME: ["last"]})
    assert_equal(model, other)
    kinds = operators(other)
    assert kinds["last"] == kind
    assert len(kinds) == 2 + 4 + 1  # input and output, two products with biases, and the function


@pytest.mark.parametrize(
    ("function", "exact"),
    [
        (gelu_tanh, lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2),
        (gelu_erf, lambda x: x * (1 + erf(x / np.sqrt(2))) / 2),
        (swish, lambda x: x * expit(x)),
    ],
)
def test_one_operator_is_as_exact_as_what_was_written_out(
    function: Callable[[ov.Node], ov.Node], exact: Callable[[np.ndarray], np.ndarray]
) -> None:
    x = parameter(1, 6, 800)
    model = model_of(function(x), x=x)
    values = np.linspace(-12, 12, 4800, dtype=np.float32).reshape(1, 6, 800)
    expected = exact(values.astype(np.float64))
    written, fused = (
        float(np.abs(infer(m, {"x": values})[0] - expected).max())
        for m in (model, apply_forms(model, {NAME: ["last"]}))
    )
    assert fused <= max(2 * written, 1e-6)


def test_another_number_is_another_function() -> None:
    def scaled(x: ov.Node) -> ov.Node:
        sigmoid = ops.sigmoid(ops.multiply(x, number(1.702), name="1"), name="2")
        return ops.multiply(x, sigmoid, name="last")

    assert not FORM.groups(net(scaled))


def test_a_part_that_is_read_elsewhere_stays() -> None:
    x = parameter(1, 6, 8)
    inner = ops.softplus(x, name="inner")
    model = model_of(ops.multiply(x, ops.tanh(inner, name="tanh"), name="last"), inner, x=x)
    assert not FORM.groups(model)


def test_numbers_per_channel_are_no_function() -> None:
    x = parameter(1, 6, 8)
    by = ops.constant(np.ones((1, 1, 8), np.float32))
    exp = ops.exp(ops.multiply(x, ops.negative(by), name="1"), name="2")
    assert not FORM.groups(model_of(ops.divide(x, ops.add(exp, number(1), name="3"), name="last"), x=x))
