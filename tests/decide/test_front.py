from dataclasses import replace

import pytest
from decide_trials import FLOAT, floating, int8, trial
from hypothesis import given
from hypothesis import strategies as st

from autotune.decide import pareto_front, pick_finalists

TOLERANCE = 0.009
POINTS = st.lists(
    st.tuples(st.sampled_from([0.8, 1.0, 1.5, 2.0]), st.sampled_from([-0.01, 0.0, 0.01, 0.1])), max_size=12
)


def numbers(trials):
    return [t.number for t in trials]


def test_front_by_hand():
    trials = [
        trial(0, FLOAT, 1.0, 0.0),
        trial(1, int8("a"), 2.0, 0.02),
        trial(2, int8("b"), 1.5, 0.005),
        trial(3, int8("c"), 1.4, 0.01),  # slower and worse than 2
        trial(4, int8("d"), 2.0, 0.03),  # as fast as 1, worse
        trial(5, int8("e"), 1.5, 0.005),  # equals 2, came later
        trial(6, int8("f"), 9.0, -1.0, state="stopped"),
        trial(7, int8("g"), 9.0, -1.0, state="duplicate"),
    ]
    assert pareto_front(trials) == (1, 2, 0)
    assert pareto_front([]) == ()


@given(POINTS)
def test_front_is_what_nobody_beats(points):
    trials = [trial(i, int8("a"), speed, drop) for i, (speed, drop) in enumerate(points)]
    front = set(pareto_front(trials))
    for i, (speed, drop) in enumerate(points):
        beaten = any(s >= speed and d <= drop and (s, d) != (speed, drop) for s, d in points)
        earlier = (speed, drop) in points[:i]
        assert (i in front) == (not beaten and not earlier)


def test_finalists_are_those_that_may_win():
    trials = [
        trial(0, FLOAT, 1.0, 0.0),
        trial(1, floating("bf16"), 1.6, 0.005),
        trial(2, int8("a"), 2.5, 0.05),  # clearly beyond
        trial(3, int8("b"), 2.2, 0.014),  # beyond by less than the noise of 400 samples
        trial(4, int8("c"), 2.0, 0.008),
        trial(5, int8("d"), 1.95, 0.001),  # nearly as fast, more accurate
        trial(6, int8("e"), 1.2, -0.01),  # slower than bf16
    ]
    assert numbers(pick_finalists(trials, TOLERANCE, 5)) == [0, 3, 4, 5, 1]
    assert numbers(pick_finalists(trials, TOLERANCE, 4)) == [0, 4, 5, 1]
    assert numbers(pick_finalists(trials, TOLERANCE, 2)) == [0, 4, 1]


def test_a_float_that_is_slower_or_lossy_is_no_finalist():
    trials = [trial(0, FLOAT, 1.0, 0.0), trial(1, floating("bf16"), 0.5, 0.0), trial(2, floating("f16"), 2.0, 0.04)]
    assert numbers(pick_finalists(trials, TOLERANCE, 4)) == [0]


def test_noise_shrinks_with_samples():
    near = trial(1, int8("a"), 2.0, 0.012)
    more = replace(near, measurement=replace(near.measurement, samples=40_000))
    assert numbers(pick_finalists([trial(0, FLOAT, 1.0, 0.0), near], TOLERANCE, 4)) == [0, 1]
    assert numbers(pick_finalists([trial(0, FLOAT, 1.0, 0.0), more], TOLERANCE, 4)) == [0]


def test_only_float():
    assert numbers(pick_finalists([trial(3, FLOAT, 1.0, 0.0)], TOLERANCE, 4)) == [3]
    with pytest.raises(ValueError, match="float f32"):
        pick_finalists([trial(1, int8("a"), 2.0, 0.0)], TOLERANCE, 4)
