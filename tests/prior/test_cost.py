"""What trials teach of costs, with numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune.prior.cost import CostModel, Scored

GROUPS = {"a": ("a",), "b": ("b", "c")}
ERRORS = {"a": 1.0, "b": 3.0}


def scored(kept: str, drop: float, error: float = 0.0, *, at_least: bool = False) -> Scored:
    return Scored(frozenset(kept), drop, error, at_least)


def test_before_trials_errors_add_up() -> None:
    model = CostModel(GROUPS, ERRORS)
    assert model.costs() == ERRORS
    assert model.predict(()) == 4
    assert model.predict("a") == 3
    assert model.predict("ab") == 3, "half a group that is float is no float group"
    assert model.predict("abc") == 0


def test_the_first_trial_gives_the_scale() -> None:
    model = CostModel(GROUPS, ERRORS)
    model.correct([scored("", 0.04, 0.001)])
    assert model.costs() == pytest.approx({"a": 0.01, "b": 0.03})
    model.correct([])
    assert model.costs() == ERRORS


def test_what_is_lost_is_the_cost_of_what_was_int8() -> None:
    """Alone ``a`` seems to cost a quarter of all; it costs nearly all of it."""
    model = CostModel(GROUPS, ERRORS)
    model.correct([scored("", 0.04, 0.001), scored("a", 0.002, 0.001), scored("bc", 0.038, 0.001)])
    costs = model.costs()
    assert costs["a"] == pytest.approx(0.038, abs=0.006)
    assert costs["b"] == pytest.approx(0.002, abs=0.003)


def test_a_vague_trial_moves_less() -> None:
    moved = []
    for error in (0.001, 0.1):
        model = CostModel(GROUPS, ERRORS)
        model.correct([scored("", 0.04, 0.001), scored("a", 0.002, error)])
        moved.append(model.costs()["b"])
    assert moved[0] < moved[1] < 0.03


def test_a_given_up_trial_is_a_bound() -> None:
    model = CostModel(GROUPS, ERRORS)
    met = scored("", 0.04, at_least=True)
    model.correct([scored("bc", 0.02, 0.001), met])
    assert model.costs() == pytest.approx({"a": 0.02, "b": 0.06}), "more than the bound is no contradiction"
    model.correct([scored("bc", 0.001, 0.0001), met])
    costs = model.costs()
    assert costs["a"] < 0.01, "less than the bound is one"
    assert costs["b"] > 0.03
    model.correct([met])
    assert model.costs() == pytest.approx({"a": 0.01, "b": 0.03})


def test_a_drop_of_unknown_error_tells_nothing() -> None:
    model = CostModel(GROUPS, ERRORS)
    model.correct([scored("", 0.04, 0.001), scored("a", 1.0, math.inf)])
    assert model.costs() == pytest.approx({"a": 0.01, "b": 0.03})


def test_what_loses_nothing_leaves_the_order() -> None:
    model = CostModel(GROUPS, ERRORS)
    for drop in (0.0, -0.01):
        model.correct([scored("", drop, 0.001)])
        assert 0 < model.costs()["a"] < model.costs()["b"]


def test_groups_without_an_error_and_with_an_infinite_one() -> None:
    model = CostModel({**GROUPS, "c": ("d",), "e": ("e",)}, {**ERRORS, "c": math.inf, "e": -1.0})
    model.correct([scored("d", 0.04, 0.001)])
    assert model.costs() == pytest.approx({"a": 0.01, "b": 0.03, "c": math.inf, "e": 0.0}, abs=1e-9)
    assert model.predict("d") == pytest.approx(0.04)
    for errors in ({}, dict.fromkeys(GROUPS, math.inf)):
        nothing = CostModel(GROUPS, errors)
        nothing.correct([scored("", 0.04)])
        assert set(nothing.costs().values()) <= {0.0, math.inf}


ERRORS_OF_MANY = st.lists(st.floats(0.05, 1), min_size=2, max_size=24)


@given(ERRORS_OF_MANY, st.data())
def test_one_culprit_ranks_first_after_trials_that_tell_it_apart(errors: list[float], data: st.DataObject) -> None:
    """Each bit of the place halves what is float, both ways: as many trials as it takes to name one of all."""
    names = [f"n{place}" for place in range(len(errors))]
    culprit = data.draw(st.sampled_from(names))
    model = CostModel({name: (name,) for name in names}, dict(zip(names, errors, strict=True)))
    trials = [Scored(frozenset(), 0.1, 0.002)]
    for bit in range((len(names) - 1).bit_length()):
        half = frozenset(name for place, name in enumerate(names) if place >> bit & 1)
        trials += [Scored(k, 0.0 if culprit in k else 0.1, 0.002) for k in (half, frozenset(names) - half)]
    model.correct(trials)
    costs = model.costs()
    assert max(costs, key=costs.__getitem__) == culprit


@given(ERRORS_OF_MANY, st.lists(st.sets(st.integers(0, 23)), max_size=8), st.floats(1e-3, 10))
def test_trials_that_agree_change_nothing_but_the_scale(
    errors: list[float], sets: list[set[int]], scale: float
) -> None:
    names = [str(place) for place in range(len(errors))]
    known = dict(zip(names, errors, strict=True))
    model = CostModel({name: (name,) for name in names}, known)
    kept = [frozenset(), *(frozenset(map(str, places)) for places in sets)]
    model.correct([Scored(k, scale * model.predict(k), 1e-4 * scale) for k in kept])
    assert model.costs() == pytest.approx({name: scale * error for name, error in known.items()}, rel=1e-6)
