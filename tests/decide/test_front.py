from dataclasses import replace

import pytest
from decide_trials import FLOAT, compressed, floating, int8, trial
from hypothesis import given
from hypothesis import strategies as st

from autotune.configuration import Configuration, FormChoice, Quantization
from autotune.decide import calibrated, pareto_front, pick_finalists, points, without_one

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
        trial(1, floating("bf16"), 1.6, 0.005, error=0.003),
        trial(2, int8("a"), 2.5, 0.05),  # clearly beyond
        trial(3, int8("b"), 2.2, 0.014),  # beyond by less than a standard error
        trial(4, int8("c"), 2.0, 0.008),
        trial(5, int8("d"), 1.95, 0.001),  # nearly as fast, more accurate
        trial(6, int8("e"), 1.2, -0.01),  # slower than bf16
    ]
    assert numbers(pick_finalists(trials, TOLERANCE, 5)) == [0, 3, 4, 5, 1]
    assert numbers(pick_finalists(trials, TOLERANCE, 4)) == [0, 4, 5, 1]
    assert numbers(pick_finalists(trials, TOLERANCE, 2)) == [0, 4, 5, 1], "two int8 trials at least"


def test_of_many_floats_the_fastest_and_the_surest_are_judged():
    formed = replace(FLOAT, forms=(FormChoice("fused-activation", ("a",)),))
    trials = [
        trial(0, FLOAT, 1.0, 0.0),
        trial(1, formed, 1.2, 0.0, error=0.0025),
        trial(2, floating("bf16"), 2.0, 0.012),
        trial(3, replace(formed, precision="bf16"), 2.01, 0.012),
        trial(4, replace(formed, precision="f16"), 1.1, 0.0),
    ]
    assert numbers(pick_finalists(trials, TOLERANCE, 4)) == [0, 3, 2, 1]


def test_a_float_that_is_just_within_hides_no_slower_int8():
    trials = [trial(0, FLOAT, 1.0, 0.0), trial(1, floating("bf16"), 1.6, 0.008), trial(2, int8("a"), 1.4, 0.0)]
    assert numbers(pick_finalists(trials, TOLERANCE, 4)) == [0, 1, 2]
    surely = [*trials[:1], trial(1, floating("bf16"), 1.6, 0.001, error=0.004), *trials[2:]]
    assert numbers(pick_finalists(surely, TOLERANCE, 4)) == [0, 1, 2], "the closest int8 is judged all the same"
    faster = [*surely, trial(3, int8("b"), 1.7, 0.0)]
    assert numbers(pick_finalists(faster, TOLERANCE, 4)) == [0, 3, 1]


def test_the_simplest_of_those_at_a_tie_is_judged_too():
    plain = Configuration("f32", Quantization())
    lucky = trial(1, replace(plain, quantization=Quantization(float_operators=("a", "b"))), 2.02, 0.0)
    trials = [trial(0, FLOAT, 1.0, 0.0), lucky, trial(2, plain, 2.01, 0.001), trial(3, int8("c"), 1.5, 0.0)]
    assert numbers(pick_finalists(trials, TOLERANCE, 3)) == [0, 1, 2]


def test_the_fastest_that_is_clearly_within_is_judged_too():
    drops = {"a": 0.009, "b": 0.0085, "c": 0.006, "d": 0.004, "e": 0.0}
    int8s = [trial(1 + i, int8(name), 3 - i / 4, drop, error=0.002) for i, (name, drop) in enumerate(drops.items())]
    assert numbers(pick_finalists([trial(0, FLOAT, 1.0, 0.0), *int8s], TOLERANCE, 3)) == [0, 1, 3]


def test_an_int8_trial_is_judged_even_if_none_came_close():
    trials = [trial(0, FLOAT, 1.0, 0.0), trial(1, int8("a"), 2.0, 0.3), trial(2, int8("b"), 1.5, 0.2)]
    assert numbers(pick_finalists(trials, TOLERANCE, 4)) == [0, 2]
    slow = [*trials, trial(3, int8("c"), 0.7, 0.0), trial(4, int8("d"), 0.8, 0.001)]
    assert numbers(pick_finalists(slow, TOLERANCE, 4)) == [0, 4]


def test_a_drop_that_is_not_finite_is_on_no_front():
    trials = [trial(0, FLOAT, 1.0, 0.0), trial(1, int8("a"), 2.0, float("nan"))]
    assert pareto_front(trials) == (0,)


def test_a_float_that_is_slower_or_lossy_is_no_finalist():
    trials = [trial(0, FLOAT, 1.0, 0.0), trial(1, floating("bf16"), 0.5, 0.0), trial(2, floating("f16"), 2.0, 0.04)]
    assert numbers(pick_finalists(trials, TOLERANCE, 4)) == [0]


def test_what_may_be_within_depends_on_the_error():
    floats = [trial(0, FLOAT, 1.0, 0.0), trial(1, floating("bf16"), 2.0, 0.012)]
    assert numbers(pick_finalists(floats, TOLERANCE, 4)) == [0, 1]
    floats[1] = trial(1, floating("bf16"), 2.0, 0.012, error=0.001)
    assert numbers(pick_finalists(floats, TOLERANCE, 4)) == [0]


def test_only_float():
    assert numbers(pick_finalists([trial(3, FLOAT, 1.0, 0.0)], TOLERANCE, 4)) == [3]
    with pytest.raises(ValueError, match="float f32"):
        pick_finalists([trial(1, int8("a"), 2.0, 0.0)], TOLERANCE, 4)


def test_with_few_groups_an_error_counts_for_less():
    # One error of two groups is 1.84 of infinitely many: 0.02 - 1.84 * 0.006 < 0.009.
    alone, few, many = (points([trial(1, int8(), 2, 0.02, groups=g)])[0] for g in (None, 2, 1000))
    assert few.may_be_within(0.009)
    assert not alone.may_be_within(0.009) and not many.may_be_within(0.009)
    within = [points([trial(1, int8(), 2, 0.002, groups=g)])[0] for g in (None, 2, 1)]
    assert [p.clearly_within(0.009) for p in within] == [True, False, False]


def test_the_fastest_that_groups_leave_undecided_is_a_finalist():
    # All are on the front; the fastest is beyond the tolerance, but within its error.
    def trials(groups):
        drops = (0.012, 0.008, 0.006, 0.004, 0.002)
        return [
            trial(0, FLOAT, 1, 0),
            *(trial(1 + i, int8("abcde"[i]), 3 - i / 10, d, groups=groups) for i, d in enumerate(drops)),
        ]

    assert 1 not in [t.number for t in pick_finalists(trials(None), 0.009, 3)]
    assert 1 in [t.number for t in pick_finalists(trials(5), 0.009, 3)]


def test_of_those_at_a_tie_in_speed_it_is_the_one_that_loses_least():
    def trials(speed):
        return [
            trial(0, FLOAT, 1.0, 0.0),
            trial(1, int8("a"), 2.4, 0.13, error=0.2, groups=10),
            trial(2, int8("b"), speed, 0.12, error=0.2, groups=10),
            trial(3, int8("c"), 1.5, 0.005, error=0.01, groups=10),
        ]

    assert numbers(pick_finalists(trials(2.39), TOLERANCE, 3)) == [0, 2, 3]
    assert numbers(pick_finalists(trials(2.0), TOLERANCE, 3)) == [0, 1, 3]


def test_a_size_leaves_those_that_keep_it() -> None:
    trials = [
        trial(0, FLOAT, 1.0, 0.0, size=4000),
        trial(1, floating("bf16"), 1.6, 0.001, error=0.001, size=4000),
        trial(2, int8("a"), 2.2, 0.0, size=1500),
        trial(3, compressed(128), 1.9, 0.0, size=1000),
        trial(4, compressed(0), 0.9, 0.0, size=1000),
    ]
    assert numbers(pick_finalists(trials, TOLERANCE, 5, max_size=1200)) == [0, 3, 1]
    assert numbers(pick_finalists(trials[:3] + trials[4:], TOLERANCE, 5, max_size=1200)) == [0, 1, 4]
    assert numbers(pick_finalists(trials, TOLERANCE, 5, max_size=500)) == [0, 2, 3, 1], "nobody: the smallest, too"
    assert numbers(pick_finalists(trials, TOLERANCE, 5, max_size=4000)) == numbers(pick_finalists(trials, TOLERANCE, 5))


def test_int8_weights_are_no_float_model() -> None:
    (point,) = points([trial(0, compressed(), 1.5, 0.0)])
    assert not point.is_float


def test_where_there_is_no_time_for_all_the_fastest_stays_beside_float_f32():
    base, bf16 = trial(0, FLOAT, 1.0, 0.0), trial(1, floating("bf16"), 1.47, 0.0)
    first, second, slow = trial(2, int8("a"), 2.0, 0.0), trial(3, int8("b"), 1.9, 0.0), trial(4, int8("c"), 1.3, 0.0)
    finalists = [base, first, second, bf16]
    left = [finalists := without_one(finalists) for _ in range(3)]
    assert [numbers(some) for some in left] == [[0, 2, 1], [0, 2], [0]]
    assert numbers(without_one([base, bf16, slow])) == [0, 1], "or an int8 model slower than bf16 would win"
    formed = trial(5, replace(FLOAT, forms=(FormChoice("fused-activation", ("a",)),)), 1.1, 0.0)
    assert numbers(without_one([base, first, bf16, formed])) == [0, 2, 1]


def test_quantisers_are_shown_of_the_winner_else_of_the_fastest_that_calibration_gave_ranges():
    plain, fast, slow = trial(0, FLOAT, 1.0, 0.0), trial(1, int8("a"), 2.0, 0.02), trial(2, int8("b"), 1.5, 0.0)
    weights = trial(3, compressed(), 3.0, 0.0)
    every = [plain, fast, slow, weights]
    assert calibrated(2, [plain, fast, slow], every) is slow, "the winner"
    assert calibrated(0, [plain, fast, slow], every) is fast
    assert calibrated(3, [plain, weights], every) is fast, "no finalist has any"
    assert calibrated(0, [plain, weights], [plain, weights]) is None


def test_a_limit_of_memory_takes_the_smallest_too() -> None:
    trials = [
        trial(0, FLOAT, 1.0, 0.0, size=4000),
        *(trial(i, int8(n), 2.5 - i / 10, 0.0, size=1500) for i, n in ((1, "a"), (2, "b"))),
        trial(3, compressed(128), 0.9, 0.003, size=1000),
        trial(4, compressed(0), 0.8, 0.02, error=0.001, size=500),  # beyond the tolerance
    ]
    assert 3 not in numbers(pick_finalists(trials, TOLERANCE, 3))
    assert numbers(pick_finalists(trials, TOLERANCE, 3, smallest=True)) == [0, 1, 3]
    assert numbers(pick_finalists(trials[:1] + trials[3:], TOLERANCE, 3, smallest=True)) == [0, 3], "slower than float"
