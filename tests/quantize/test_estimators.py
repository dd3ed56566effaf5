"""Range estimators, by hand and by property."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from small_graphs import statistics

from autotune.configuration import Estimator
from autotune.quantize.estimators import estimate
from autotune.quantize.estimators.entropy import divergences
from autotune.quantize.ranges import affine_range, symmetric_range
from autotune.quantize.statistics import TensorStatistics

Samples = NDArray[np.float64]

THREE = statistics([-1, 0, 2], [-3, 1, 1], [-2, 0, 6])
ALL = [
    Estimator("min-max"),
    Estimator("mean-min-max"),
    Estimator("moving-average", 0.25),
    Estimator("percentile", 0.99),
    Estimator("mse"),
    Estimator("entropy"),
]


@pytest.mark.parametrize(
    ("estimator", "affine", "symmetric"),
    [
        (Estimator("min-max"), (-3, 6), (-3, 6)),
        (Estimator("mean-min-max"), (-2, 3), (-2, 11 / 3)),
        # -1, then -1 + (-3+1)/2 = -2, then -2; 2, then 1.5, then 3.75; magnitudes 2, 2.5, 4.25
        (Estimator("moving-average", 0.5), (-2, 3.75), (-2, 4.25)),
        (Estimator("moving-average", 1.0), (-2, 6), (-2, 6)),
        (Estimator("percentile", 1.0), (-3, 6), (-3, 6)),
        # nine values: (1 - .75) / 2 of eight steps is one step; magnitudes 0 0 1 1 1 2 2 3 6
        (Estimator("percentile", 0.75), (-2, 2), (-3, 2)),
    ],
)
def test_by_hand(estimator: Estimator, affine: tuple[float, float], symmetric: tuple[float, float]) -> None:
    assert estimate(THREE, estimator, symmetric=False) == pytest.approx(affine)
    assert estimate(THREE, estimator, symmetric=True) == pytest.approx(symmetric)


@pytest.mark.parametrize(
    "estimator",
    [
        Estimator("moving-average"),
        Estimator("moving-average", 0),
        Estimator("percentile"),
        Estimator("percentile", 0.5),
    ],
)
def test_parameters_out_of_range_are_refused(estimator: Estimator) -> None:
    with pytest.raises(ValueError, match="needs a parameter in"):
        estimate(THREE, estimator, symmetric=True)


def squared_error(stat: TensorStatistics, low: float, high: float, symmetric: bool) -> float:
    """The error that FakeQuantize really makes on what was recorded, weighed as the estimator weighs it."""
    lows, highs = np.asarray(low, np.float32), np.asarray(high, np.float32)
    chosen = symmetric_range(lows, highs, signed=False) if symmetric else affine_range(lows, highs)
    values, counts = stat.population
    low, high = float(chosen.low), float(chosen.high)
    step = (high - low) / 255
    quantized = np.round((np.clip(values, low, high) - low) / step) * step + low
    return float(counts @ (values - quantized) ** 2)


def sampled(values: Samples) -> TensorStatistics:
    single = values.astype(np.float32)
    every = np.sort(single[::4], axis=None)
    return TensorStatistics(single.min(axis=1), single.max(axis=1), every, single.shape[1])


def hard_swish(x: Samples) -> Samples:
    return x * np.clip(x / 6 + 0.5, 0, 1)


SHAPES: dict[str, Callable[[np.random.Generator], Samples]] = {
    "normal": lambda r: r.normal(size=(40, 3000)),
    "laplace": lambda r: r.laplace(size=(40, 3000)),
    "relu": lambda r: np.maximum(r.normal(size=(40, 3000)), 0),
    "heavy": lambda r: r.standard_t(3, size=(40, 3000)),
    "hswish": lambda r: hard_swish(3 * r.normal(size=(40, 3000))),
    "shifted": lambda r: r.normal(size=(40, 3000)) * 0.1 + 5,
}


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_mse_finds_the_least_error(shape: str, symmetric: bool) -> None:
    stat = sampled(SHAPES[shape](np.random.default_rng(3)))
    low, high = estimate(stat, Estimator("mse"), symmetric=symmetric)
    found = squared_error(stat, low, high, symmetric)
    full_low, full_high = estimate(stat, Estimator("min-max"), symmetric=symmetric)
    for left in (1, 0.85, 0.7, 0.5, 0.3, 0.15):
        for right in (1, 0.85, 0.7, 0.5, 0.3, 0.15):
            other = squared_error(stat, left * full_low, right * full_high, symmetric)
            assert found <= other * 1.05, (left, right)


def test_mse_clips_one_outlier_and_keeps_a_plain_tensor() -> None:
    random = np.random.default_rng(0)
    values = random.uniform(-1, 1, size=(40, 5000))
    assert estimate(sampled(values), Estimator("mse"), symmetric=True)[1] == pytest.approx(1, abs=0.02)
    # Only its sample's extreme knows it. Rounding 200,000 values costs 1.033 h², clipping (50 - h)²: least at 24.6.
    values[5, 7] = 50
    assert estimate(sampled(values), Estimator("mse"), symmetric=True)[1] == pytest.approx(24.6, rel=0.03)


def test_entropy_by_hand() -> None:
    """Two levels, four bins of 4 2 1 1: with all bins the levels are 3 3 1 1, with two bins 4 2, the rest beyond."""
    counts = np.array([4.0, 2.0, 1.0, 1.0])
    wide = 4 / 8 * np.log(4 / 3) + 2 / 8 * np.log(2 / 3)
    narrow = 4 / 8 * np.log((4 / 8) / (4 / 6)) + 4 / 8 * np.log((4 / 8) / (2 / 6))
    # three bins: levels of bins [0, 1] and [2]: 3 3 1 of 7; reference 4 2 2 of 8
    middle = 4 / 8 * np.log(4 / 8 * 7 / 3) + 2 / 8 * np.log(2 / 8 * 7 / 3) + 2 / 8 * np.log(2 / 8 * 7 / 1)
    assert divergences(counts, np.array([2, 3, 4]), 2) == pytest.approx([narrow, middle, wide])


def published_divergence(counts: NDArray[np.float64], kept: int, levels: int) -> float:
    """Migacz's candidate, bin by bin."""
    reference = counts[:kept].copy()
    reference[-1] += counts[kept:].sum()
    quantized = np.zeros(kept)
    groups = np.digitize(np.arange(kept), np.linspace(0, kept, levels + 1) * (1 - 1e-12)) - 1
    for group in range(levels):
        members = (groups == group) & (reference > 0)
        if members.any():
            quantized[members] = counts[:kept][groups == group].sum() / members.sum()
    quantized[(reference > 0) & (quantized == 0)] = 1e-4
    reference, quantized = reference / reference.sum(), quantized / counts[:kept].sum()
    used = reference > 0
    return float((reference[used] * np.log(reference[used] / quantized[used])).sum())


@pytest.mark.parametrize("seed", range(3))
def test_entropy_equals_the_published_loop(seed: int) -> None:
    values = np.abs(np.random.default_rng(seed).laplace(size=4000))
    counts = np.histogram(values, 2048)[0].astype(np.float64)
    candidates = np.arange(128, 2049, 128)
    expected = [published_divergence(counts, int(kept), 128) for kept in candidates]
    assert divergences(counts, candidates, 128) == pytest.approx(expected, abs=1e-6)


def test_entropy_clips_tails_and_keeps_values_far_from_zero() -> None:
    random = np.random.default_rng(0)
    tailed = sampled(random.laplace(size=(40, 3000)))
    high = estimate(tailed, Estimator("entropy"), symmetric=True)[1]
    assert 2 < high < 0.9 * float(tailed.magnitude.max())
    far = sampled(random.uniform(0.2, 0.85, size=(40, 3000)))
    assert estimate(far, Estimator("entropy"), symmetric=True)[1] == pytest.approx(0.85, abs=0.03)
    spread = estimate(sampled(random.uniform(-0.3, 10, size=(40, 3000))), Estimator("entropy"), symmetric=False)
    assert spread[0] == pytest.approx(-0.3, abs=0.01)


def test_zeros_and_constants() -> None:
    for estimator in ALL:
        assert estimate(statistics([0, 0], [0, 0]), estimator, symmetric=True) == (0, 0)
        assert estimate(statistics([0, 0], [0, 0]), estimator, symmetric=False) == (0, 0)
        assert estimate(statistics([2, 2]), estimator, symmetric=True) == pytest.approx((2, 2))
        assert estimate(statistics([-2]), estimator, symmetric=True) == pytest.approx((-2, 2), rel=0.01)


def test_a_mask_does_not_break_any_estimator() -> None:
    lowest = float(np.finfo(np.float32).min)
    values = [lowest, *np.random.default_rng(0).normal(size=300).astype(np.float32).tolist()]
    for estimator in ALL:
        for symmetric in (True, False):
            assert np.isfinite(estimate(statistics(values, values), estimator, symmetric=symmetric)).all()
    low, high = estimate(statistics(values, values), Estimator("percentile", 0.98), symmetric=False)
    assert -5 < low < 0 < high < 5


tensors = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=2, max_side=30),
    elements=st.floats(-1000, 1000, width=32),
)


@settings(deadline=None, max_examples=80)
@given(tensors, st.sampled_from(ALL), st.booleans())
def test_ranges_never_exceed_what_was_seen(values: NDArray[np.float32], estimator: Estimator, symmetric: bool) -> None:
    stat = TensorStatistics(values.min(axis=1), values.max(axis=1), np.sort(values, axis=None), values.shape[1])
    low, high = estimate(stat, estimator, symmetric=symmetric)
    assert low <= high
    tolerance = 1e-5 * float(stat.magnitude.max())
    assert min(0, low) >= min(0, stat.lowest) - tolerance
    assert high <= float(stat.magnitude.max() if symmetric else max(0, stat.high.max())) + tolerance


@settings(deadline=None, max_examples=40)
@given(tensors, st.sampled_from(ALL), st.sampled_from([0.25, 4.0]))
def test_ranges_scale_with_the_values(values: NDArray[np.float32], estimator: Estimator, factor: float) -> None:
    def of(array: NDArray[np.float32]) -> tuple[float, float]:
        stat = TensorStatistics(array.min(axis=1), array.max(axis=1), np.sort(array, axis=None), array.shape[1])
        return estimate(stat, estimator, symmetric=True)

    low, high = of(values)
    assert of(values * np.float32(factor)) == pytest.approx((low * factor, high * factor), rel=1e-5, abs=1e-30)
