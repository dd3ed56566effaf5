"""Numbers worked out by hand: ranges of FakeQuantize as scale and zero point."""

from __future__ import annotations

import numpy as np
import pytest

from autotune.onnx_qdq.refusal import NotExpressibleError
from autotune.onnx_qdq.scales import Scale, activation_scale, along, quantised_bias
from autotune.quantize.ranges import affine_range, symmetric_range


def scale_of(low: object, high: object, levels: int = 256) -> Scale:
    borders = [np.asarray(border, np.float32) for border in (low, high, low, high)]
    return activation_scale(borders, levels, "q")


@pytest.mark.parametrize(
    ("low", "high", "scale", "zero", "kind"),
    [
        (-128.0, 127.0, 1.0, 0, np.int8),
        (0.0, 2.55, 0.01, 0, np.uint8),
        (-1.0, 1.55, 0.01, 100, np.uint8),
        (-2.55, 0.0, 0.01, 255, np.uint8),
    ],
)
def test_a_range_is_a_scale_and_a_zero_point(low: float, high: float, scale: float, zero: int, kind: type) -> None:
    found = scale_of(low, high)
    assert found.scale == pytest.approx(scale, rel=1e-6)
    assert (int(found.zero), found.zero.dtype, found.axis) == (zero, kind, None)


def test_one_range_per_channel_is_one_scale_per_channel() -> None:
    found = scale_of(np.zeros((1, 2, 1, 1)), np.array([2.55, 5.1]).reshape(1, 2, 1, 1))
    np.testing.assert_allclose(found.scale, [0.01, 0.02], rtol=1e-6)
    assert (found.zero.tolist(), found.axis) == ([0, 0], 1)


def test_the_ranges_that_are_made_have_a_zero_point() -> None:
    low, high = np.float32(-0.37), np.float32(2.9)
    assert scale_of(*_borders(affine_range(low, high))).zero.dtype == np.uint8
    assert scale_of(*_borders(symmetric_range(low, high, signed=True))).zero.dtype == np.int8


def _borders(made: object) -> tuple[object, object]:
    return made.low, made.high  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("borders", "levels", "why"),
    [
        ((0, 1, 0, 1), 255, "'q' has 255 levels"),
        ((0, 1, 0, 2), 256, "gives values of another range"),
        ((-0.001, 1, -0.001, 1), 256, "zero lies between two levels"),
        ((1, 256, 1, 256), 256, "does not hold zero"),
    ],
)
def test_what_has_none_is_named(borders: tuple[float, ...], levels: int, why: str) -> None:
    with pytest.raises(NotExpressibleError, match=why):
        activation_scale([np.asarray(border, np.float32) for border in borders], levels, "q")


def test_scales_along_two_axes_are_named() -> None:
    with pytest.raises(NotExpressibleError, match="'w' has scales along 2 axes"):
        along(np.ones((2, 3)), np.zeros((2, 3), np.int8), "w")


def test_a_bias_counts_in_steps_of_the_products() -> None:
    weights = Scale(np.array([0.5, 0.25], np.float32), np.zeros(2, np.int8), 0)
    found = quantised_bias(np.array([1.0, -1.0], np.float32), scale_of(0.0, 25.5), weights)
    assert found is not None
    assert (found.values.tolist(), found.values.dtype, found.by.axis) == ([20, -40], np.int32, 0)


def test_a_bias_stays_float_where_integers_have_no_form_for_it() -> None:
    weights = Scale(np.array([1e-9], np.float32), np.zeros(1, np.int8), 0)
    assert quantised_bias(np.array([10.0], np.float32), scale_of(0.0, 2.55e-3), weights) is None
    per_channel = scale_of(np.zeros((1, 2)), np.array([[2.55, 5.1]]))
    assert quantised_bias(np.array([1.0], np.float32), per_channel, weights) is None
