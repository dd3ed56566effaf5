"""Cross-layer equalisation makes the ranges of weights equal and changes nothing that is computed."""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from form_graphs import assert_equal, constant, linear, model_of, operators

from autotune.forms import FORMS, apply_forms
from autotune.forms.weighted import weighted

NAME = "cross-layer-equalisation"
FORM = FORMS[NAME]


def image() -> ov.Node:
    x = ops.parameter([1, 3, 8, 8], np.float32, name="x")
    x.output(0).set_names({"x"})
    return x


def convolution(x: ov.Node, into: int, out: int, name: str, groups: int = 0) -> ov.Node:
    """A 3x3 convolution whose output channels have very different ranges, and its bias."""
    spread = np.geomspace(0.01, 10, out).astype(np.float32)
    if groups:
        kernel = constant(groups, out // groups, into // groups, 3, 3).get_data() * spread.reshape(groups, -1, 1, 1, 1)
        node = ops.group_convolution(x, kernel, [1, 1], [1, 1], [1, 1], [1, 1], name=name)
    else:
        kernel = constant(out, into, 3, 3).get_data() * spread.reshape(-1, 1, 1, 1)
        node = ops.convolution(x, kernel, [1, 1], [1, 1], [1, 1], [1, 1], name=name)
    return ops.add(node, constant(1, out, 1, 1), name=f"{name}/bias")


def layer(model: ov.Model, name: str):
    found = weighted(next(node for node in model.get_ops() if node.get_friendly_name() == name))
    assert found is not None
    return found


def mobile_block() -> ov.Model:
    x = image()
    node = ops.relu(convolution(x, 3, 8, "expand"), name="relu1")
    node = ops.relu(convolution(node, 8, 8, "depthwise", groups=8), name="relu2")
    return model_of(convolution(node, 8, 4, "project"), x=x)


def test_a_chain_is_equalised() -> None:
    model = mobile_block()
    assert FORM.groups(model) == {"expand": ("expand", "depthwise", "project")}
    other = apply_forms(model, {NAME: ["expand"]})
    assert_equal(model, other)
    assert operators(other) == operators(model)
    for first, second in (("expand", "depthwise"), ("depthwise", "project")):
        np.testing.assert_allclose(layer(other, first).largest_out(), layer(other, second).largest_in(), rtol=1e-2)
    spread = layer(other, "expand").largest_out()
    assert spread.max() / spread.min() < 300  # of 1000


@pytest.mark.parametrize("groups", [0, 2])
def test_pairs_of_ordinary_and_grouped_convolutions(groups: int) -> None:
    x = image()
    node = ops.prelu(convolution(x, 3, 8, "first"), ops.constant(np.array([0.1], np.float32)), name="leaky")
    pooled = ops.avg_pool(node, [2, 2], [0, 0], [0, 0], [2, 2], False, name="pool")
    model = model_of(convolution(pooled, 8, 4, "second", groups), x=x)
    assert FORM.groups(model) == {"first": ("first", "second")}
    other = apply_forms(model, {NAME: ["first"]})
    assert_equal(model, other)
    np.testing.assert_allclose(layer(other, "first").largest_out(), layer(other, "second").largest_in(), rtol=1e-3)


def test_linear_layers_too() -> None:
    x = ops.parameter([1, 6, 8], np.float32, name="x")
    x.output(0).set_names({"x"})
    hidden = ops.relu(linear(x, 8, 16, "up", transpose_b=False), name="relu")
    model = model_of(linear(hidden, 16, 8, "down"), x=x)
    assert FORM.groups(model) == {"up": ("up", "down")}
    assert_equal(model, apply_forms(model, {NAME: ["up"]}))


@pytest.mark.parametrize("left", [0, 1e-20])
def test_dead_channels_stay(left: float) -> None:
    """Also where training with a decay left next to nothing of the weights: the bias would be multiplied by 1e9."""
    x = image()
    kernel = constant(4, 3, 3, 3).get_data().copy()
    kernel[1] *= left
    node = ops.convolution(x, kernel, [1, 1], [1, 1], [1, 1], [1, 1], name="first")
    node = ops.add(node, constant(1, 4, 1, 1, at_least=0.5), name="first/bias")
    model = model_of(convolution(ops.relu(node, name="relu"), 4, 4, "second"), x=x)
    other = apply_forms(model, {NAME: ["first"]})
    assert_equal(model, other)
    bias = next(node for node in other.get_ops() if node.get_friendly_name() == "first/bias").input_value(1)
    assert np.abs(bias.get_node().get_data()).max() < 100


def test_no_pair_where_something_is_in_between_or_reads_along() -> None:
    x = image()
    first = convolution(x, 3, 8, "first")
    assert not FORM.groups(model_of(convolution(ops.hswish(first, name="hswish"), 8, 4, "second"), x=x))
    x = image()
    first = ops.relu(convolution(x, 3, 8, "first"), name="relu")
    assert not FORM.groups(model_of(convolution(first, 8, 4, "second"), first, x=x))
    x = image()
    first = ops.relu(convolution(x, 3, 8, "first"), name="relu")
    added = ops.add(first, convolution(x, 3, 8, "branch"), name="sum")
    assert not FORM.groups(model_of(convolution(added, 8, 4, "second"), x=x))


def test_unknown_group() -> None:
    with pytest.raises(ValueError, match="cross-layer-equalisation has no group 'depthwise'"):
        apply_forms(mobile_block(), {NAME: ["depthwise"]})
