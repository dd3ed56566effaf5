"""Sets of float operators from what was found out about a frame, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotune.configuration import Configuration, Quantization
from autotune.protocol import Explored
from autotune.record import Interval, Latency, Measurement, OperatorRun, Trial
from autotune.search.guide import Guide, frame_of

FRAME = Configuration("f32", Quantization())
NAMES = ("a", "b", "c", "d")
TOLERANCE = 0.01


def runs(**microseconds: float) -> tuple[OperatorRun, ...]:
    return tuple(OperatorRun(name, "Convolution", "float", "k", "f32", spent) for name, spent in microseconds.items())


def explored(costs: dict[str, float], int8: dict[str, float] | None = None) -> Explored:
    return Explored(
        operators=NAMES,
        float_runs=runs(a=100, b=100, c=100, d=100),
        int8_runs=runs(**(int8 or {"a": 40, "b": 40, "c": 40, "d": 40})),
        near={name: (name,) for name in NAMES},
        edges={},
        sizes={},
        groups={name: (name,) for name in NAMES},
        costs=costs,
        inference_seconds=0.1,
    )


def trial(number: int, *floats: str, speedup: float, drop: float | None, state: str = "complete") -> Trial:
    interval = Interval(speedup, speedup * 0.99, speedup * 1.01)
    measured = Measurement(Latency((1.0,), (1 / speedup,), interval), 0.9, drop, 100, 1, 1)
    configuration = replace(FRAME, quantization=Quantization(float_operators=floats))
    return Trial(number, configuration, state, "guide", measured)  # type: ignore[arg-type]


def floats(configuration: Configuration | None) -> tuple[str, ...] | None:
    return (
        None
        if configuration is None or configuration.quantization is None
        else (configuration.quantization.float_operators)
    )


FRAGILE = {"a": 100.0, "b": 10.0, "c": 1.0, "d": 0.1}


def test_the_budget_is_found_by_bisection() -> None:
    guide = Guide(FRAME, explored(FRAGILE), NAMES, reference=400.0)
    trials = [trial(0, speedup=2.5, drop=0.2)]
    landscape = {("a",): 0.05, ("a", "b"): 0.001, ("a", "b", "c"): 0.0}
    seen = []
    best = 1.0
    while (found := guide.propose(trials, TOLERANCE, best)) is not None:
        kept = floats(found)
        assert kept is not None and kept not in seen
        seen.append(kept)
        speed = 400 / (160 + 60 * len(kept))
        drop = landscape[kept]
        trials.append(trial(len(trials), *kept, speedup=speed, drop=drop))
        if drop <= TOLERANCE:
            best = max(best, speed)
    assert ("a", "b") in seen, "the fastest set within the tolerance was found"
    assert len(seen) <= 3


def test_what_cannot_be_faster_than_the_best_is_not_proposed() -> None:
    guide = Guide(FRAME, explored(FRAGILE), NAMES, reference=400.0)
    assert guide.propose([trial(0, speedup=2.5, drop=0.2)], TOLERANCE, to_beat=2.4) is None


def test_operators_that_are_slower_in_int8_stay_float_without_any_cost() -> None:
    slow = {"a": 40, "b": 40, "c": 40, "d": 300}
    guide = Guide(FRAME, explored({}, slow), NAMES, reference=400.0)
    trials = [trial(0, speedup=400 / 420, drop=0.0)]
    assert floats(guide.propose(trials, TOLERANCE, 1.0)) == ("d",)
    done = [*trials, trial(1, "d", speedup=400 / 220, drop=0.0)]
    assert guide.propose(done, TOLERANCE, 400 / 220) is None


def test_trials_correct_the_time() -> None:
    guide = Guide(FRAME, explored(FRAGILE), NAMES, reference=400.0)
    before = guide.time.predict({"a", "b"})
    guide.propose([trial(0, "a", "b", speedup=1.0, drop=0.2)], TOLERANCE, 1.0)
    assert before < guide.time.predict({"a", "b"}) <= 1.02


def test_trials_correct_the_cost_so_that_an_operator_no_prior_suspects_is_found() -> None:
    """Alone ``a`` does most to the outputs; what the metric loses it loses by ``b``."""
    guide = Guide(FRAME, explored(FRAGILE), NAMES, reference=400.0)
    trials = [trial(0, speedup=2.5, drop=0.2)]
    while (found := guide.propose(trials, TOLERANCE, 1.0)) is not None:
        kept = floats(found)
        assert kept is not None
        trials.append(trial(len(trials), *kept, speedup=400 / (160 + 60 * len(kept)), drop=0.0 if "b" in kept else 0.2))
        if kept == ("b",):
            break
    assert floats(found) == ("b",)
    assert guide.cost is not None
    guide.propose(trials, TOLERANCE, 1.0)
    costs = guide.cost.costs()
    assert max(costs, key=costs.__getitem__) == "b"


def test_stopped_trials_count_as_beyond_and_unscored_ones_as_unknown() -> None:
    guide = Guide(FRAME, explored(FRAGILE), NAMES, reference=400.0)
    stopped = [
        trial(0, speedup=2.5, drop=0.2),
        trial(1, "a", speedup=1.8, drop=0.001, state="stopped"),  # after a few samples
    ]
    found = floats(guide.propose(stopped, TOLERANCE, 1.0))
    assert found is not None and set(found) > {"a"}
    unscored = [stopped[0], trial(1, "a", "b", speedup=1.2, drop=None, state="stopped")]
    assert guide.propose(unscored, TOLERANCE, 1.0) is not None


def test_operators_that_the_recipe_fixes_are_left_alone() -> None:
    kept = replace(FRAME, quantization=Quantization(float_operators=("d",)))
    guide = Guide(kept, explored(FRAGILE), ("a", "b"), reference=400.0)
    start = trial(0, "d", speedup=2.2, drop=0.2)
    found = floats(guide.propose([start], TOLERANCE, 1.0))
    assert found is not None
    assert "d" in found and "c" not in found


def test_frame_of() -> None:
    assert frame_of(Configuration("bf16"), ()) is None
    assert frame_of(replace(FRAME, quantization=Quantization(float_operators=("a", "d"))), ("d",)) == replace(
        FRAME, quantization=Quantization(float_operators=("d",))
    )
    with pytest.raises(AssertionError):
        Guide(Configuration(), explored({}), NAMES, 1.0)
