from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotune.stats.sequential import _SHARES, DropTest


def paired(random: np.random.Generator, losses: float, gains: float, n: int) -> np.ndarray:
    """Differences of 0/1 scores: 1 with probability ``losses``, -1 with ``gains``."""
    return random.choice([1.0, -1.0, 0.0], size=n, p=[losses, gains, 1 - losses - gains])


def test_capital_by_hand():
    # Tolerance 0, lowest -1: the largest stake is 1, so a loss multiplies by 1 + share and a gain by 1 - share.
    test = DropTest(0.0, lowest=-1)
    test.update(np.array([1.0, 1.0, 1.0]))
    assert test.evidence == pytest.approx(math.log(((1 + _SHARES) ** 3).mean()))


def test_thirty_losses_in_a_row_are_hopeless_and_it_stays_so():
    test = DropTest(0.01)
    assert not test.update(np.ones(2))
    assert test.update(np.ones(28))
    assert test.update(-np.ones(500))


def test_equal_scores_are_never_hopeless():
    test = DropTest(0.01, population=2000)
    assert not test.update(np.zeros(2000))
    assert test.evidence == 0


def test_a_used_up_population_is_certain():
    # 10 samples, tolerance 0.1: one net loss is allowed, two are not; after 8 zeros both outcomes are possible.
    test = DropTest(0.1, error=1e-9, lowest=0, population=10)
    assert not test.update(np.array([0.0] * 8))
    assert not test.update(np.array([1.0]))
    assert test.update(np.array([1.0]))
    assert test.evidence == math.inf


def test_the_rest_of_a_population_cannot_make_up_for_it():
    test = DropTest(0.1, error=1e-12, population=10)
    assert test.update(np.ones(6))  # 6 losses, 4 left: at best 2 net losses of 10


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=60),
    st.integers(1, 59),
    st.sampled_from([None, 60]),
)
def test_chunks_make_no_difference(values: list[float], cut: int, population: int | None):
    whole, parts = DropTest(0.05, population=population), DropTest(0.05, population=population)
    whole.update(np.array(values))
    parts.update(np.array(values[:cut]))
    parts.update(np.array(values[cut:]))
    assert parts.hopeless == whole.hopeless
    assert parts.evidence == pytest.approx(whole.evidence)
    assert parts.samples == whole.samples == len(values)


@settings(deadline=None)
@given(st.permutations([1.0] * 8 + [-1.0] * 3 + [0.0] * 4))
def test_the_order_does_not_matter_to_the_last_capital(values: list[float]):
    test = DropTest(0.0)
    test.update(np.array(values))
    expected = 8 * np.log1p(_SHARES) + 3 * np.log1p(-_SHARES)
    assert test._capital == pytest.approx(expected)


@settings(deadline=None)
@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=40), st.floats(0, 0.3))
def test_a_population_within_tolerance_is_never_certainly_hopeless(values: list[float], slack: float):
    tolerance = max(float(np.mean(values)), -0.99) + slack
    test = DropTest(tolerance, error=1e-30, population=len(values))
    assert not test.update(np.array(values))


@pytest.mark.parametrize("bad", [{"error": 0}, {"error": 1}, {"lowest": 0.02}, {"population": 0}])
def test_bad_arguments(bad: dict):
    with pytest.raises(ValueError):
        DropTest(0.01, **bad)


@pytest.mark.parametrize("values", [[-1.5], [float("nan")], [0.0] * 11])
def test_bad_differences(values: list[float]):
    with pytest.raises(ValueError):
        DropTest(0.01, population=10).update(np.array(values))


RUNS = 2000


@pytest.mark.parametrize("losses, gains", [(0.01, 0.0), (0.03, 0.02), (0.11, 0.10)])
@pytest.mark.parametrize("population", [None, 500])
def test_wrong_rejections_under_a_look_after_every_sample(losses: float, gains: float, population: int | None):
    """At the boundary (mean drop exactly the tolerance 0.01): at most 5 %, plus three standard errors of 2,000 runs."""
    random = np.random.default_rng(0)
    wrong = 0
    for _ in range(RUNS):
        if population is None:
            differences = paired(random, losses, gains, 1500)
        else:
            counts = [round(losses * population), round(gains * population)]
            differences = np.repeat([1.0, -1.0, 0.0], [*counts, population - sum(counts)])
            random.shuffle(differences)
        wrong += DropTest(0.01, error=0.05, population=population).update(differences)
    assert wrong / RUNS <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)


def test_wrong_rejections_of_real_valued_scores():
    random = np.random.default_rng(1)
    wrong = 0
    for _ in range(RUNS):
        values = np.clip(random.exponential(0.1, 1000) - 0.1, -1, None)  # mean 0, unbounded above
        wrong += DropTest(0.0, error=0.05, lowest=-0.1).update(values)
    assert wrong / RUNS <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)


@pytest.mark.parametrize("losses, gains, most", [(0.15, 0.02, 160), (0.06, 0.01, 500), (0.5, 0.0, 25)])
def test_power(losses: float, gains: float, most: int):
    """Median number of samples until rejection at error 0.01, tolerance 0.01."""
    random = np.random.default_rng(2)
    needed = []
    for _ in range(100):
        test, differences = DropTest(0.01), paired(random, losses, gains, 3000)
        for start in range(0, 3000, 5):
            if test.update(differences[start : start + 5]):
                break
        needed.append(test.samples)
    assert np.median(needed) <= most
