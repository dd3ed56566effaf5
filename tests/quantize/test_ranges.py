"""NNCF's formulas, against NNCF and by hand; look-up in an observation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nncf.common.quantization.structs import QuantizationScheme, QuantizerConfig, QuantizerGroup
from nncf.common.tensor_statistics.statistics import MinMaxTensorStatistic
from nncf.quantization.fake_quantize import calculate_quantizer_parameters
from nncf.tensor import Tensor
from numpy.typing import NDArray
from small_graphs import convolutional, placement, statistics

from autotune.configuration import ActivationChoice, Estimator
from autotune.quantize.observe import Observation
from autotune.quantize.points import Placement, WeightQuantizer
from autotune.quantize.ranges import (
    ActivationRanges,
    Range,
    WeightRanges,
    affine_range,
    symmetric_range,
    weight_range,
)

single = st.floats(-1e4, 1e4, width=32)


def theirs(
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    config: QuantizerConfig,
    group: QuantizerGroup,
    half: bool = False,
) -> Range:
    stat = MinMaxTensorStatistic(min_values=Tensor(low), max_values=Tensor(high))
    found = calculate_quantizer_parameters(stat, config, group, half)
    return Range(found.input_low.data, found.input_high.data, found.levels)


def assert_equal(mine: Range, other: Range) -> None:
    assert mine.levels == other.levels
    np.testing.assert_allclose(mine.low, other.low, rtol=1e-6)
    np.testing.assert_allclose(mine.high, other.high, rtol=1e-6)


@settings(deadline=None)
@given(st.lists(st.tuples(single, single), min_size=1, max_size=6), st.booleans())
def test_symmetric_equals_nncf(pairs: list[tuple[float, float]], signed: bool) -> None:
    low, high = np.sort(np.array(pairs, np.float32), axis=1).T
    high = np.maximum(abs(low), abs(high))
    config = QuantizerConfig(8, QuantizationScheme.SYMMETRIC, signed or None, per_channel=True)
    expected = theirs(low, high, config, QuantizerGroup.ACTIVATIONS)
    assert_equal(symmetric_range(low, high, signed=signed), expected)


@settings(deadline=None)
@given(st.lists(st.tuples(single, single), min_size=1, max_size=6))
def test_affine_equals_nncf(pairs: list[tuple[float, float]]) -> None:
    low, high = np.sort(np.array(pairs, np.float32), axis=1).T
    config = QuantizerConfig(8, QuantizationScheme.ASYMMETRIC, per_channel=True)
    assert_equal(affine_range(low, high), theirs(low, high, config, QuantizerGroup.ACTIVATIONS))


@settings(deadline=None)
@given(single, single)
def test_affine_holds_zero_on_a_level(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    found = affine_range(np.asarray(low, np.float32), np.asarray(high, np.float32))
    step = float(found.high - found.low) / 255
    assert found.low <= min(low, 0) + 1e-3 * step and found.high >= max(high, 0) - 1e-3 * step
    zero = float(-found.low) / step
    if 0.5 < zero < 254.5:
        assert zero == pytest.approx(round(zero), abs=1e-3)


@pytest.mark.parametrize("half", [False, True])
def test_weights_equal_nncf(half: bool) -> None:
    weight = np.random.default_rng(0).normal(size=(6, 3, 3)).astype(np.float32)
    weight[2] = 0  # a dead channel gets 1 % of the largest
    config = QuantizerConfig(8, QuantizationScheme.SYMMETRIC, True, per_channel=True, narrow_range=True)
    low, high = weight.min(axis=(1, 2), keepdims=True), abs(weight).max(axis=(1, 2), keepdims=True)
    mine = weight_range(weight, (0,), half=half)
    assert_equal(mine, theirs(low, high, config, QuantizerGroup.WEIGHTS, half))
    assert mine.high.shape == (6, 1, 1)
    assert mine.high[2, 0, 0] == pytest.approx(0.01 * mine.high.max())


def test_weights_per_tensor_and_over_two_axes() -> None:
    weight = np.array([[[1.0, -4.0]], [[3.0, 2.0]]], np.float32)
    assert weight_range(weight, (), half=False).high == np.float32(4)
    assert weight_range(weight, (), half=False).high.shape == ()
    assert weight_range(weight, (0, -1), half=False).high.tolist() == [[[1, 4]], [[3, 2]]]


def observed() -> Observation:
    relu = statistics([0, 1, 4], [0, 2, 2])
    axis = (np.zeros((1, 4, 1, 1), np.float32), np.array([1, 2, 4, 0], np.float32).reshape(1, 4, 1, 1))
    return Observation(
        {
            "image:0": statistics([-1, 3], [-3, 5]),
            "relu:0": replace(relu, channels={1: axis}),
            "pool:0": statistics([-1, 1], [-1, 2]),
        },
        {},
    )


def test_choice_of_the_quantiser_comes_before_the_common_one() -> None:
    found = ActivationRanges(observed()).of(
        placement(convolutional()),
        ActivationChoice(Estimator("min-max")),
        {"image/fq_output_0": ActivationChoice(Estimator("mean-min-max"), "affine")},
    )
    assert found["pool/fq_output_0"].high == 2
    image = found["image/fq_output_0"]
    assert [image.low, image.high] == pytest.approx([-2, 4], rel=1e-2)


def test_per_channel_takes_the_extremes_whatever_the_estimator() -> None:
    chosen = ActivationChoice(Estimator("percentile", 0.6))
    relu = ActivationRanges(observed()).of(placement(convolutional()), chosen, {})["relu/fq_output_0"]
    assert relu.high.ravel() == pytest.approx([1, 2, 4, 0.04])
    assert not relu.low.any()


def test_symmetry_is_asked_of_preset_choice_and_kernel() -> None:
    table, plain = ActivationRanges(observed()), placement(convolutional())
    affine = ActivationChoice(Estimator("min-max"), "affine")
    free = table.of(plain, affine, {})["pool/fq_output_0"]
    assert free.high - free.low == pytest.approx(3, rel=0.01)
    forced = Placement(tuple(replace(q, must_be_symmetric=True, signed=True) for q in plain.activations), ())
    bound = table.of(forced, affine, {})["pool/fq_output_0"]
    assert bound.low == pytest.approx(-2 * 256 / 254)
    assert table.of(forced, affine, {})["relu/fq_output_0"].low.max() < 0


def test_a_group_shares_the_widest_range() -> None:
    plain = placement(convolutional())
    joined = Placement(tuple(replace(q, group=7) for q in plain.activations if q.channel_axis is None), ())
    found = ActivationRanges(observed()).of(joined, ActivationChoice(Estimator("min-max")), {})
    assert found["image/fq_output_0"] is found["pool/fq_output_0"]
    assert found["pool/fq_output_0"].high == 5


def test_infinite_ranges_and_unknown_tensors_name_the_quantiser() -> None:
    seen = observed()
    lowest = float(np.finfo(np.float32).min)
    masked = Observation({**seen.tensors, "pool:0": statistics([lowest, 1])}, {})
    with pytest.raises(ValueError, match="'pool/fq_output_0' would get the range"):
        ActivationRanges(masked).of(placement(convolutional()), ActivationChoice(), {})
    broken = Observation({**seen.tensors, "pool:0": statistics([float("-inf"), 1])}, {})
    with pytest.raises(ValueError, match="'pool/fq_output_0' quantises 'pool:0', which has values that are not finite"):
        ActivationRanges(broken).of(placement(convolutional()), ActivationChoice(Estimator("entropy")), {})
    whole = Observation({**seen.tensors, "relu:0": statistics([0, 1])}, {})
    with pytest.raises(ValueError, match="'relu/fq_output_0' quantises 'relu:0', which was not observed"):
        ActivationRanges(whole).of(placement(convolutional()), ActivationChoice(), {})
    fewer = Observation({"relu:0": seen.tensors["relu:0"]}, {})
    with pytest.raises(ValueError, match="'image/fq_output_0' quantises 'image:0', which was not observed"):
        ActivationRanges(fewer).of(placement(convolutional()), ActivationChoice(), {})


def test_overflow_fix_halves_the_levels_where_it_is_asked() -> None:
    table, plain = WeightRanges(convolutional()), placement(convolutional())
    off, first, every = (table.of(plain, "per-channel", fix) for fix in ("off", "first-layer", "all"))
    ratios = {name: [float((r[name].high / off[name].high).max()) for r in (first, every)] for name in off}
    assert ratios["conv/fq_weights_1"] == [2, 2]
    assert ratios["linear/fq_weights_1"] == [1, 2]
    assert table.of(plain, "per-tensor", "off")["conv/fq_weights_1"].high == off["conv/fq_weights_1"].high.max()


def test_weights_that_are_not_finite_name_the_quantiser() -> None:
    model = convolutional()
    linear = next(n for n in model.get_ops() if n.get_friendly_name() == "linear")
    linear.input(1).replace_source_output(ops.constant(np.full((5, 4), np.nan, np.float32)).output(0))
    with pytest.raises(ValueError, match="'linear/fq_weights_1' has weights that are not finite"):
        WeightRanges(model).of(placement(model), "per-tensor", "off")


def test_weights_that_depend_on_the_input_are_an_error() -> None:
    image = ops.parameter([4, 4], np.float32, name="image")
    model = ov.Model(
        [ops.result(ops.matmul(image, ops.relu(image, name="relu"), False, False, name="product"))], [image]
    )
    place = Placement((), (WeightQuantizer("product/fq_weights_1", "product", 1, (), False),))
    with pytest.raises(ValueError, match="'relu' is not a constant"):
        WeightRanges(model).of(place, "per-tensor", "off")
