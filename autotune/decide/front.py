"""The Pareto front of the search, and which trials go on to the holdout."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autotune.configuration import Configuration
from autotune.record import Interval, Trial

# A candidate at this share of the fastest's speed, or more, may replace it for its accuracy.
NEAR_FASTEST = 0.93


@dataclass(frozen=True)
class _Point:
    trial: Trial
    speedup: Interval
    drop: float
    samples: int


def pareto_front(trials: Iterable[Trial]) -> tuple[int, ...]:
    """Return the numbers of the trials that no other one beats in both speed and drop, fastest first.

    Complete trials only; of equal ones the first counts.
    """
    return tuple(point.trial.number for point in _front(_points(trials)))


def pick_finalists(trials: Iterable[Trial], tolerance: float, limit: int) -> list[Trial]:
    """Return the trials worth re-measuring and judging on the holdout: float f32, then the fastest first.

    Every finalist makes the holdout's bound of all of them wider, so only those that could win are taken:

    * float f32, always; other floats that may be faster than it and within the tolerance;
    * int8 trials on the front that may be faster than the best float and within the tolerance, in this order: the
      fastest within it, the most accurate of those nearly as fast, the most accurate, then the fastest.

    A trial *may* be within the tolerance when its drop exceeds it by no more than one standard error of the drop. A
    trial carries no scores per sample, so that is taken as ``sqrt(2 * tolerance * score / n)``: the standard error when
    a share ``2 * tolerance / score`` of the n samples changes by the whole score.

    Args:
        tolerance: of the drop, in the metric's own units.
        limit: how many in all; one int8 trial is taken beyond it rather than none.

    Raises:
        ValueError: float f32 is not among the complete trials.
    """
    points = _points(trials)
    baseline = next((p for p in points if p.trial.configuration == Configuration()), None)
    if baseline is None:
        raise ValueError("float f32 has no complete trial")
    scale = abs(_score(baseline))
    possible = [
        p
        for p in points
        if p is not baseline and p.drop <= tolerance + math.sqrt(2 * tolerance * scale / max(1, p.samples))
    ]
    floats = [p for p in possible if p.trial.configuration.quantization is None and p.speedup.high > 1]
    to_beat = max([1.0, *(p.speedup.low for p in floats if p.drop <= tolerance)])
    int8 = [p for p in possible if p.trial.configuration.quantization is not None and p.speedup.high > to_beat]
    slots = max(1, limit - 1 - len(floats))
    chosen = floats + _by_merit(_front(int8), tolerance)[:slots]
    return [baseline.trial, *(p.trial for p in sorted(chosen, key=_fastest_first))]


def _by_merit(front: Sequence[_Point], tolerance: float) -> list[_Point]:
    if not front:
        return []
    within = [p for p in front if p.drop <= tolerance]
    fastest = (within or front)[0]
    near = [p for p in front if p.speedup.estimate >= NEAR_FASTEST * fastest.speedup.estimate]
    ranked = [fastest, min(near, key=_least_drop_first), min(front, key=_least_drop_first), *front]
    return list({p.trial.number: p for p in ranked}.values())


def _front(points: Iterable[_Point]) -> list[_Point]:
    front: list[_Point] = []
    for point in sorted(points, key=lambda p: (-p.speedup.estimate, p.drop, p.trial.number)):
        if not front or point.drop < front[-1].drop:
            front.append(point)
    return front


def _points(trials: Iterable[Trial]) -> list[_Point]:
    points = []
    for trial in trials:
        measured = trial.measurement
        if trial.state == "complete" and measured and measured.latency and measured.drop is not None:
            points.append(_Point(trial, measured.latency.speedup, measured.drop, measured.samples))
    return points


def _score(point: _Point) -> float:
    measured = point.trial.measurement
    return measured.score if measured and measured.score is not None else 0.0


def _fastest_first(point: _Point) -> tuple[float, int]:
    return -point.speedup.estimate, point.trial.number


def _least_drop_first(point: _Point) -> tuple[float, float]:
    return point.drop, -point.speedup.estimate
