"""Smoothing moves outliers of activations into weights and changes nothing that is computed."""

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

from autotune.forms import Smoothing, apply_forms, forms_with, smoothable
from autotune.graph.inspect import tensor_key

MAXIMA = np.geomspace(0.1, 100, 8)


def smoothed(model: ov.Model, form: Smoothing, *groups: str) -> ov.Model:
    return apply_forms(model, {form.name: groups or list(form.groups(model))}, forms_with(form))


def weights(model: ov.Model, name: str) -> np.ndarray:
    node = next(n for n in model.get_ops() if n.get_friendly_name() == name)
    return np.array(node.input_value(1).get_node().get_data(dtype=np.float32))


def test_what_to_observe() -> None:
    assert smoothable(transformer_block()) == {
        name: frozenset({2}) for name in ("norm1:0", "context:0", "norm2:0", "gelu:0")
    }


def test_groups_are_the_readers_of_activations_with_known_maxima() -> None:
    form = Smoothing(0.5, {"norm1:0": MAXIMA, "context:0": MAXIMA[:3]})
    assert form.groups(transformer_block()) == {"q": ("q", "k", "v")}
    assert not Smoothing(0.5, {}).groups(transformer_block())


def test_the_scale_is_the_paper_s_within_nncf_s_limits() -> None:
    x = parameter(1, 6, 8)
    model = model_of(linear(layer_norm(x, 8, "norm"), 8, 4, "linear"), x=x)
    largest = np.abs(weights(model, "linear")).max(axis=0)
    for maxima in (MAXIMA, MAXIMA * 1000):
        other = smoothed(model, Smoothing(0.75, {"norm:0": maxima}))
        scales = maxima**0.75 / largest**0.25
        scales = np.clip(scales, np.quantile(scales, 0.1), 100)
        np.testing.assert_allclose(weights(other, "linear"), weights(model, "linear") * scales, rtol=1e-5)


def test_division_goes_into_the_normalisation() -> None:
    model = transformer_block()
    form = Smoothing(0.5, {"norm1:0": MAXIMA, "norm2:0": MAXIMA})
    other = smoothed(model, form)
    assert_equal(model, other)
    assert operators(other) == operators(model)
    assert not np.allclose(weights(other, "norm1/scale"), weights(model, "norm1/scale"))


def test_division_is_an_operator_where_something_else_reads_the_activation() -> None:
    x = parameter(1, 6, 8)
    norm = layer_norm(x, 8, "norm")
    model = model_of(ops.add(linear(norm, 8, 8, "linear"), norm, name="residual"), x=x)
    other = smoothed(model, Smoothing(0.5, {"norm:0": MAXIMA}))
    assert_equal(model, other)
    assert operators(other) == {**operators(model), "linear/smoothed": "Multiply"}


def test_division_is_an_operator_where_only_some_readers_are_smoothed() -> None:
    x = parameter(1, 6, 8)
    norm = layer_norm(x, 8, "norm")
    model = model_of(linear(norm, 8, 8, "linear"), ops.softmax(norm, 2, name="softmax"), x=x)
    other = smoothed(model, Smoothing(0.5, {"norm:0": MAXIMA}))
    assert_equal(model, other)
    assert "linear/smoothed" in operators(other)


def test_an_activation_function_is_in_the_way_but_relu_is_not() -> None:
    for function, folded in ((ops.relu, True), (ops.sigmoid, False)):
        x = parameter(1, 6, 8)
        hidden = function(linear(x, 8, 8, "up"), name="function")
        model = model_of(linear(hidden, 8, 4, "down"), x=x)
        other = smoothed(model, Smoothing(0.5, {"function:0": MAXIMA}))
        assert_equal(model, other)
        assert ("down/smoothed" not in operators(other)) is folded


def test_a_constant_that_others_read_is_left_alone() -> None:
    x = parameter(1, 6, 8)
    scale = constant(1, 1, 8, at_least=0.1)
    one = ops.multiply(x, scale, name="one")
    two = ops.multiply(ops.sigmoid(x, name="sigmoid"), scale, name="two")
    model = model_of(linear(one, 8, 4, "linear"), two, x=x)
    other = smoothed(model, Smoothing(0.5, {"one:0": MAXIMA}))
    assert_equal(model, other)
    assert "linear/smoothed" not in operators(other)


@pytest.mark.parametrize("constant_first", [True, False])
def test_division_and_subtraction_from_a_constant(constant_first: bool) -> None:
    x = parameter(1, 6, 8)
    by = constant(1, 1, 8, at_least=0.5)
    shifted = ops.add(ops.abs(x, name="abs"), ops.constant(np.float32(1)), name="shifted")
    node = ops.divide(by, shifted, name="divide") if constant_first else ops.divide(shifted, by, name="divide")
    node = ops.subtract(by, node, name="subtract") if constant_first else ops.subtract(node, by, name="subtract")
    model = model_of(linear(node, 8, 4, "linear"), x=x)
    other = smoothed(model, Smoothing(0.5, {"subtract:0": MAXIMA}))
    assert_equal(model, other)
    assert operators(other) == operators(model)


def test_channels_that_are_never_active_and_convolutions_are_left_alone() -> None:
    x = parameter(1, 6, 8)
    model = model_of(linear(layer_norm(x, 8, "norm"), 8, 4, "linear"), x=x)
    dead = np.where(np.arange(8) < 2, 0.0, MAXIMA)
    assert_equal(model, smoothed(model, Smoothing(0.5, {"norm:0": dead})))
    image = ops.parameter([1, 4, 6, 6], np.float32, name="image")
    convolved = ops.convolution(image, constant(4, 4, 1, 1), [1, 1], [0, 0], [0, 0], [1, 1], name="convolution")
    assert smoothable(ov.Model([ops.result(convolved)], [image], "m")) == {}


@pytest.mark.parametrize("rest", [0.0, 1e-9, 1e-4])
def test_channels_that_were_not_moved_are_scaled_like_the_others(rest: float) -> None:
    """By NNCF's rule they would be multiplied by 56,000, and so would weights that the division is folded into."""
    x = parameter(1, 6, 8)
    model = model_of(linear(layer_norm(x, 8, "norm"), 8, 4, "linear"), x=x)
    maxima = np.array([rest, rest, rest, 1, 2, 3, 4, 5])
    changed = weights(smoothed(model, Smoothing(0.95, {"norm:0": maxima})), "linear") / weights(model, "linear")
    assert changed.max() / changed.min() < 10
    nothing = smoothed(model, Smoothing(0.95, {"norm:0": np.zeros(8)}))
    np.testing.assert_array_equal(weights(nothing, "linear"), weights(model, "linear"))


def test_an_outlier_is_smoothed_however_large() -> None:
    x = parameter(1, 6, 8)
    model = model_of(linear(layer_norm(x, 8, "norm"), 8, 4, "linear"), x=x)
    maxima = np.array([1, 1, 1, 1, 1, 1, 1, 5000.0])
    changed = weights(smoothed(model, Smoothing(0.5, {"norm:0": maxima})), "linear") / weights(model, "linear")
    assert (changed[:, 7] > 20 * changed[:, :7].max(axis=1)).all()


def test_observed_ranges_fit_better() -> None:
    """What it is for: the largest magnitudes of the channels come closer to each other."""
    x = parameter(1, 6, 8)
    outliers = ops.multiply(x, ops.constant(MAXIMA.reshape(1, 1, 8).astype(np.float32)), name="outliers")
    model = model_of(linear(outliers, 8, 4, "linear"), x=x)
    value = {"x": np.ones((1, 6, 8), np.float32)}

    def spread(graph: ov.Model) -> float:
        node = next(n for n in graph.get_ops() if n.get_friendly_name() == "outliers")
        assert tensor_key(node.output(0)) == "outliers:0"
        (seen,) = infer(ov.Model([ops.result(node)], graph.get_parameters(), "part"), value)
        return float(np.abs(seen).max(axis=(0, 1)).max() / np.abs(seen).max(axis=(0, 1)).min())

    assert spread(smoothed(model, Smoothing(0.5, {"outliers:0": MAXIMA}))) < spread(model) / 10


def test_alpha_is_a_share() -> None:
    with pytest.raises(ValueError, match="alpha is 2; it must be 0 to 1"):
        Smoothing(2, {})
