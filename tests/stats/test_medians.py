import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune.record import Interval
from autotune.stats import median_interval, values_needed


def test_hand_computed():
    # n = 10: P(Binomial(10, 1/2) <= 1) = 11/1024, so [x(2), x(9)] covers 1 - 22/1024 = .9785 and [x(3), x(8)] .8906.
    values = [3.0, 1.0, 2.0, 5.0, 4.0, 10.0, 9.0, 8.0, 7.0, 6.0]
    assert median_interval(values, 0.95) == Interval(5.5, 2.0, 9.0)
    assert median_interval(values, 0.89) == Interval(5.5, 3.0, 8.0)
    assert median_interval(values, 0.99) == Interval(5.5, 1.0, 10.0)


@pytest.mark.parametrize(("confidence", "needed"), [(0.5, 2), (0.75, 3), (0.9, 5), (0.95, 6), (0.99, 8)])
def test_values_needed(confidence: float, needed: int):
    assert values_needed(confidence) == needed
    values = np.arange(needed, dtype=float)
    assert median_interval(values, confidence) == Interval((needed - 1) / 2, 0.0, needed - 1.0)
    with pytest.raises(ValueError, match="needs"):
        median_interval(values[1:], confidence)


def test_not_finite():
    with pytest.raises(ValueError, match="finite"):
        median_interval([1.0] * 9 + [np.inf], 0.9)


@given(st.lists(st.floats(0.1, 10), min_size=8, max_size=60), st.floats(0.5, 0.98))
def test_interval_encloses_median_and_grows_with_confidence(values: list[float], confidence: float):
    narrow, wide = median_interval(values, confidence), median_interval(values, 0.99)
    assert min(values) <= wide.low <= narrow.low <= narrow.estimate <= narrow.high <= wide.high <= max(values)


@pytest.mark.parametrize("n", [7, 20, 61])
def test_coverage(n: int):
    samples = np.random.default_rng(n).exponential(size=(4000, n))
    inside = [i.low <= np.log(2) <= i.high for i in (median_interval(s, 0.9) for s in samples)]
    assert 0.9 - 0.015 < np.mean(inside) < 0.99
