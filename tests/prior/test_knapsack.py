from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotune.prior import knapsack
from autotune.prior.knapsack import PRECISION, Item, choose, front, refine, sweep


def item(name: str, gain: float, cost: float) -> Item:
    return Item((name,), gain, cost)


# By hand: budget 5 takes b and c (9 for 5), not the single best a (8 for 4).
HAND = [item("a", 8, 4), item("b", 5, 3), item("c", 4, 2), item("slower", -3, 1)]


whole = st.integers(0, 1000)
problems = st.lists(st.tuples(st.integers(-200, 1000), whole), max_size=12).map(
    lambda pairs: [item(str(i), gain, cost) for i, (gain, cost) in enumerate(pairs)]
)


def test_the_best_pair_beats_the_best_single():
    chosen = choose(HAND, 5)
    assert chosen.float_operators == ("a", "slower")
    assert (chosen.gain, chosen.cost) == (9, 5)


@pytest.mark.parametrize(
    "budget, quantised",
    [(0, ""), (1.9, ""), (2, "c"), (3, "b"), (4, "a"), (5, "bc"), (6, "ac"), (7, "ab"), (99, "abc")],
)
def test_budgets_by_hand(budget: float, quantised: str):
    assert set("abc") - set(choose(HAND, budget).float_operators) == set(quantised)


def test_what_is_slower_in_int8_stays_float_at_any_budget():
    assert all("slower" in choice.float_operators for choice in front(HAND))


def test_what_costs_nothing_is_always_quantised():
    assert choose([item("free", 1, 0), item("dear", 5, 3)], 0).float_operators == ("dear",)


def test_what_breaks_the_outputs_is_never_quantised():
    choices = sweep([*HAND, item("breaks", 99, float("inf"))])
    assert all("breaks" in choice.float_operators for choice in choices)


def test_a_group_goes_together():
    items = [Item(("q", "k", "v"), 3, 2), item("out", 2, 2)]
    assert choose(items, 2).float_operators == ("out",)


def test_sweep_is_distinct_fastest_first_and_ends_with_everything_worth_quantising():
    choices = sweep(HAND)
    gains = [choice.gain for choice in choices]
    assert gains == sorted(set(gains), reverse=True)
    assert choices[0].float_operators == ("slower",)
    assert choices[-1].float_operators == ("a", "b", "slower")  # the smallest cost of one: c


def test_sweep_with_nothing_to_gain():
    assert sweep([item("a", -1, 2)])[0].float_operators == ("a",)
    assert sweep([])[0].float_operators == ()


def test_a_prediction_that_knows_more_refines_the_sets():
    """A chain a - b - c where b alone is worth little: going float at b costs two borders of 3."""
    items = [item("a", 8, 4), item("b", 1, 5), item("c", 8, 4)]
    gains = {"a": 8, "b": 1, "c": 8}

    def predict(kept) -> float:
        borders = sum((one in kept) != (other in kept) for one, other in ("ab", "bc"))
        return 20 - sum(gains[n] for n in "abc" if n not in kept) + 3 * borders

    assert choose(items, 8).float_operators == ("b",)
    assert predict(("b",)) == 10
    # Within 8 no single turn is better: (b, c) takes 15, nothing float costs 13.
    assert refine(choose(items, 8), items, 8, predict).float_operators == ("b",)
    # Within 13 one is: all int8.
    refined = refine(choose(items, 8), items, 13, predict)
    assert (refined.float_operators, refined.gain, refined.cost) == ((), 17, 13)
    times = [predict(choice.float_operators) for choice in sweep(items, predict=predict)]
    assert times == sorted(times)
    assert times[0] == 3


@settings(deadline=None, max_examples=30)
@given(problems, st.integers(0, 5000))
def test_refining_by_the_gains_themselves_changes_no_optimum(items: list[Item], budget: int):
    gains = {i.operators[0]: i.gain for i in items}
    chosen = choose(items, budget)
    refined = refine(chosen, items, budget, lambda kept: -sum(g for n, g in gains.items() if n not in kept))
    assert refined.gain == chosen.gain
    assert refined.cost <= budget


@pytest.mark.parametrize(
    "items", [[item("a", 1, -1)], [item("a", 1, float("nan"))], [item("a", float("inf"), 1)], [*HAND, item("a", 1, 1)]]
)
def test_bad_items(items: list[Item]):
    with pytest.raises(ValueError):
        front(items)


def test_a_negative_budget():
    with pytest.raises(ValueError, match="negative"):
        choose(HAND, -1)


def brute_force(items: list[Item], budget: float) -> float:
    sets = itertools.product((False, True), repeat=len(items))
    chosen = [[i for i, taken in zip(items, s, strict=True) if taken] for s in sets]
    sums = [(sum(i.gain for i in c), sum(i.cost for i in c)) for c in chosen]
    return max(gain for gain, cost in sums if cost <= budget)


@settings(deadline=None, max_examples=60)
@given(problems, st.integers(0, 5000))
def test_equals_brute_force(items: list[Item], budget: int):
    chosen = choose(items, budget)
    assert chosen.gain == brute_force(items, budget)
    quantised = [i for i in items if i.operators[0] not in chosen.float_operators]
    assert chosen.gain == sum(i.gain for i in quantised)
    assert chosen.cost == sum(i.cost for i in quantised) <= budget


@settings(deadline=None, max_examples=40)
@given(problems, st.integers(0, 5000))
def test_thinning_keeps_its_promise(items: list[Item], budget: int):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(knapsack, "_MOST_STATES", 4)
        chosen = choose(items, budget)
    assert chosen.cost <= budget
    assert chosen.gain >= brute_force(items, budget) - PRECISION * sum(max(i.gain, 0) for i in items) - 1e-6


def test_two_hundred_operators_are_quick():
    random = np.random.default_rng(0)
    items = [item(str(i), g, c) for i, (g, c) in enumerate(random.lognormal(size=(200, 2)))]
    started = time.process_time()
    choices = sweep(items)
    assert time.process_time() - started < 10
    assert 8 <= len(choices) <= 12
