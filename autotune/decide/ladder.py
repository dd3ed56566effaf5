"""The ladder: which rung a trial is of, when a rung is high enough, and what each gave. Pure.

A rung is climbed to its end and then judged on the search split. That judgement only ends the search early; what wins
is decided on the holdout like in any run, so it asks for a margin: of the drop's error, and of the speed's interval.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Literal

from autotune.configuration import DIRECT, Configuration
from autotune.counts import counted
from autotune.decide.digits import drop_words
from autotune.decide.front import NEAR_FASTEST, Point, points
from autotune.outcome import Goal, Ladder, Rung, RungName
from autotune.record import Interval, OperatorRun, Trial

# Share of the time that the operators which dominate it take together.
DOMINANT = 0.9
# Standard errors that a drop is to stay below the tolerance for this assurance to be likely.
ERRORS = {"expected": 1.0, "proven": 2.0}
# Tolerances that a drop may take for training to be likely to bring it within one.
REACH = 3.0


def rung_of(configuration: Configuration) -> RungName:
    """Return the rung that a configuration is tried on."""
    if configuration.training is not None:
        return "training"
    if configuration.quantization is not None:
        return "static int8"
    return "float" if configuration.compression is None else "int8 weights"


def fast_enough(trials: Iterable[Trial], goal: Goal) -> Trial | None:
    """Return the fastest trial that has all that was asked for, clearly within the tolerance; None if none does."""
    able = [
        p
        for p in _points(trials)
        if p.clearly_within(goal.tolerance, ERRORS[goal.assurance]) and _keeps(p, goal, at="low")
    ]
    return max(able, key=_speed).trial if able else None


def is_served(trials: Iterable[Trial], goal: Goal, *, surely: bool = False) -> bool:
    """Tell whether some int8 model is worth having, see :func:`to_train`, and clearly within the tolerance.

    Args:
        surely: by two errors of its drop, and with the whole interval of its speed: the best of many trials owes some
            of both to luck, and once the holdout refuses it, it is too late to train.
    """
    errors = ERRORS["proven" if surely else goal.assurance]
    return any(
        p.clearly_within(goal.tolerance, errors) and (not surely or _keeps(p, goal, at="low"))
        for p in _worth_having(_points(trials), goal)
    )


def to_train(trials: Iterable[Trial], goal: Goal) -> Trial | None:
    """Return the static int8 trial to train, or None.

    Of those worth having but for their drop, training may bring some within the tolerance (:data:`REACH`), else any of
    them: the one that loses least of those that are perhaps nearly as fast as the fastest of them. Perhaps: by their
    intervals, lest one speed that a busy machine made too high is all that counts. Rather one that can be trained as it
    is, for only then its speed is known; rather one that was scored to the end than one that was given up for its drop
    on a part of the samples.

    Worth having is what keeps the latency, the speedup and the size asked for, and is faster than the fastest float
    within the tolerance, unless that one is too large. Where a size is asked for, what owes its own to int8 weights of
    layers that are float otherwise is not trained: trained, it is without them.
    """

    def merit(point: Point) -> tuple[bool, bool, bool]:
        own = point.trial.configuration
        return point.drop <= REACH * goal.tolerance, trainable(own) == own, point.trial.state == "complete"

    able = [
        p
        for p in _worth_having(_points(trials, stopped=True), goal)
        if p.trial.configuration.quantization
        and (goal.max_size_bytes is None or p.trial.configuration.compression is None)
    ]
    most = max(map(merit, able), default=None)
    some = [p for p in able if merit(p) == most]
    fastest = max((p.speedup.low for p in some), default=0.0)
    fast = [p for p in some if p.speedup.high >= NEAR_FASTEST * fastest]
    return min(fast, key=lambda p: p.drop).trial if fast else None


def _worth_having(measured: Sequence[Point], goal: Goal) -> list[Point]:
    floats = [p for p in measured if p.is_float and p.drop <= goal.tolerance and p.trial.state == "complete"]
    fits = any(p.fits(goal.max_size_bytes) for p in floats)
    to_beat = max((p.speedup.estimate for p in floats), default=1.0) if fits else 0.0
    return [p for p in measured if not p.is_float and p.speedup.estimate > to_beat and _keeps(p, goal, at="estimate")]


def trainable(configuration: Configuration) -> Configuration:
    """Return the part of a static int8 configuration that a trained model can have."""
    return replace(
        configuration,
        forms=tuple(form for form in configuration.forms if form.name in ("smoothing", DIRECT)),
        compression=None,
    )


def taught(configuration: Configuration) -> Configuration:
    """Return what of :func:`trainable` the PyTorch module is given.

    Operators in bf16 are float while it is trained, and get their type, as convolutions their kernels, once it is read.
    """
    return replace(
        configuration, forms=tuple(form for form in configuration.forms if form.name != DIRECT), bf16_operators=()
    )


def dominant(runs: Sequence[OperatorRun], linear: Collection[str]) -> str:
    """Say how many operators take most of the time of float f32, and how much of it linear layers take.

    Args:
        linear: names of the layers that can have int8 weights.
    """
    total = sum(run.microseconds for run in runs)
    if total <= 0:
        return "The profile of float f32 shows no times."
    count, taken = 0, 0.0
    for run in sorted(runs, key=lambda run: -run.microseconds):
        if taken >= DOMINANT * total:
            break
        count, taken = count + 1, taken + run.microseconds
    share = sum(run.microseconds for run in runs if run.name in linear) / total
    return (
        f"{count} of {counted(len(runs), 'operator')} {'takes' if count == 1 else 'take'} {taken / total:.0%} of the "
        "time of float f32; linear layers that can "
        f"have int8 weights take {share:.0%}."
    )


def ladder(trials: Sequence[Trial], goal: Goal, profile: str, unclimbed: dict[RungName, str], stopped: str) -> Ladder:
    """Return what each rung gave.

    Args:
        profile: what :func:`dominant` says.
        unclimbed: why nothing was tried on a rung.
        stopped: why it climbed no further.
    """
    order: tuple[RungName, ...] = ("float", "int8 weights", "static int8", "training")
    rungs = [Rung("profile", 0, None, profile)]
    for name in order:
        own = [t for t in trials if rung_of(t.configuration) == name and t.state != "duplicate"]
        rungs.append(_rung(name, own, goal, unclimbed.get(name, "Nothing was tried.")))
    return Ladder(tuple(rungs), stopped)


def _rung(name: RungName, trials: Sequence[Trial], goal: Goal, unclimbed: str) -> Rung:
    if not trials:
        return Rung(name, 0, None, unclimbed)
    measured = _points(trials)
    within = [p for p in measured if p.drop <= goal.tolerance]
    if within:
        best = max(within, key=_speed)
        return Rung(name, len(trials), best.trial.number, f"{_said(best)}.")
    if not measured:
        return Rung(name, len(trials), None, "Nothing could be measured to the end.")
    closest = min(measured, key=lambda p: p.drop)
    return Rung(name, len(trials), None, f"Nothing within the tolerance; {_said(closest)}.")


def _points(trials: Iterable[Trial], *, stopped: bool = False) -> list[Point]:
    """Float f32 is as fast as itself: its own pairs only show how noisy the machine was."""
    found = points(trials, stopped=stopped)
    own = Interval(1.0, 1.0, 1.0)
    return [replace(p, speedup=own) if p.trial.configuration == Configuration() else p for p in found]


def _keeps(point: Point, goal: Goal, at: Literal["low", "estimate"]) -> bool:
    latency = point.trial.measurement.latency if point.trial.measurement else None
    return (
        (goal.min_speedup is None or getattr(point.speedup, at) >= goal.min_speedup)
        and (goal.max_latency_ms is None or (latency is not None and latency.median_ms <= goal.max_latency_ms))
        and point.fits(goal.max_size_bytes)
    )


def _speed(point: Point) -> float:
    return point.speedup.estimate


def _said(point: Point) -> str:
    return (
        f"trial {point.trial.number} ({point.trial.configuration.label}) is {point.speedup.estimate:.2f}x as fast as "
        f"float f32, {drop_words(point.drop)}"
    )
