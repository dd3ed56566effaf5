"""The Pareto front of the search, and which trials go on to the holdout."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autotune import stats
from autotune.configuration import Configuration
from autotune.record import Interval, Trial

# A candidate at this share of the fastest's speed, or more, may replace it for its accuracy.
NEAR_FASTEST = 0.93


def fits(trial: Trial, max_size: int | None) -> bool:
    """Tell whether a trial was measured and its model's constants take at most ``max_size`` bytes; None: no limit."""
    return max_size is None or (trial.measurement is not None and trial.measurement.size_bytes <= max_size)


@dataclass(frozen=True)
class Point:
    """A trial's place in the plane of speed and drop.

    Attributes:
        error: standard error of the drop.
        groups: that its samples come in. Of few groups an error counts for less: the quantiles are Student's.
    """

    trial: Trial
    speedup: Interval
    drop: float
    error: float
    groups: int | None = None

    @property
    def is_float(self) -> bool:
        return self.trial.configuration.is_float

    def fits(self, max_size: int | None) -> bool:
        """Tell whether the model's constants take no more bytes than that."""
        return fits(self.trial, max_size)

    def may_be_within(self, tolerance: float) -> bool:
        """Tell whether the drop exceeds the tolerance by no more than one standard error."""
        return self.drop - self.margin(1.0) <= tolerance

    def clearly_within(self, tolerance: float, errors: float = 1.0) -> bool:
        """Tell whether the drop stays below the tolerance by so many standard errors, or more."""
        return self.drop + self.margin(errors) <= tolerance

    def margin(self, errors: float) -> float:
        """Return so many standard errors of the drop, in its units; widened where the samples come in groups."""
        if self.error == 0:
            return 0.0
        return self.error * (errors if self.groups is None else stats.t_errors(errors, self.groups))


def pareto_front(trials: Iterable[Trial]) -> tuple[int, ...]:
    """Return the numbers of the trials that no other one beats in both speed and drop, fastest first.

    Complete trials only; of equal ones the first counts.
    """
    return tuple(point.trial.number for point in _front(points(trials)))


def pick_finalists(
    trials: Iterable[Trial],
    tolerance: float,
    limit: int,
    max_size: int | None = None,
    *,
    smallest: bool = False,
) -> list[Trial]:
    """Return the trials worth re-measuring and judging on the holdout: float f32, then the fastest first.

    Every finalist makes the holdout's bound of all of them wider, so only those that could win are taken:

    * float f32, always; of the other floats that may be faster than it and within the tolerance the fastest, the
      fastest that is clearly both, and the simplest at a tie with the first;
    * int8 trials on the front that may be within the tolerance and faster than the fastest float that is clearly
      within it, in this order: the fastest within the tolerance, the fastest that is clearly so, the simplest of those
      at a tie with the first, the most accurate of those nearly as fast, the most accurate, then the fastest; where
      samples come in groups the fastest that may be within comes second, at a tie in speed the one that loses least,
      for the drop on few groups says little;
    * if there is none of these, the int8 trial that came closest, so that a verdict can say how close.

    A trial *may* be within the tolerance when its drop exceeds it by no more than one standard error of the drop, and
    is *clearly* within when it stays below by as much. Where samples come in groups, the error is cluster-robust and
    widened as Student's distribution asks for that number of groups.

    Args:
        tolerance: of the drop, in the metric's own units.
        limit: how many in all; two int8 trials are taken beyond it rather than fewer.
        max_size: bytes that the winner's constants may take. If an int8 trial that may be within the tolerance keeps
            it, only those that do are taken; unless a float does too, they need not be faster than float. If none does,
            the smallest is taken too, as below: it is the best effort.
        smallest: where peak memory is limited, which the end alone can measure: the smallest int8 trial within the
            tolerance is taken too, second to the fastest, for most of a model's memory is its constants.

    Raises:
        ValueError: float f32 is not among the complete trials.
    """
    measured = points(trials)
    baseline = next((p for p in measured if p.trial.configuration == Configuration()), None)
    if baseline is None:
        raise ValueError("float f32 has no complete trial")
    possible = [p for p in measured if p is not baseline and p.may_be_within(tolerance)]
    floats = _best_floats([p for p in possible if p.is_float and p.speedup.high > 1], tolerance)
    small = [p for p in possible if not p.is_float and p.fits(max_size)]
    able = small or [p for p in possible if not p.is_float]
    to_beat = max([1.0, *(p.speedup.low for p in floats if p.clearly_within(tolerance))])
    if small and not any(p.fits(max_size) for p in (baseline, *floats)):
        to_beat = 0.0
    int8 = [p for p in able if p.speedup.high > to_beat]
    slots = max(2, limit - 1 - len(floats))
    ranked = _by_merit(int8, tolerance)
    if (smallest or not small) and (least := _smallest(able, tolerance)):
        ranked = list({p.trial.number: p for p in (*ranked[:1], *least, *ranked[1:])}.values())
    chosen = floats + (ranked[:slots] or _closest(measured, tolerance))
    return [baseline.trial, *(p.trial for p in sorted(chosen, key=_fastest_first))]


def without_one(finalists: Sequence[Trial]) -> list[Trial]:
    """Leave one finalist out, never float f32, where there is no time, or no room, for all.

    The last int8 one as long as there are two of them, then the last float; of the last of each the slower: an int8
    model that is slower than the best float must not win because that float was left out.

    Args:
        finalists: in the order of :func:`pick_finalists`; at least one beside float f32.
    """
    int8 = [t for t in finalists if not t.configuration.is_float]
    floats = [t for t in finalists if t.configuration.is_float and t.configuration != Configuration()]
    speeds = {p.trial.number: p.speedup.estimate for p in points(finalists)}
    if len(int8) > 1:
        least = int8[-1]
    elif len(floats) > 1:
        least = floats[-1]
    else:
        least = min([*int8, *floats], key=lambda t: speeds.get(t.number, 0.0))
    return [t for t in finalists if t is not least]


def calibrated(winner: int, finalists: Iterable[Trial], trials: Iterable[Trial]) -> Trial | None:
    """Return the trial whose quantisers are worth showing: of the winner, where calibration gave it its ranges; else of
    the finalists that has them, or of all trials, the fastest; None if there is none.
    """
    for some in ([t for t in finalists if t.number == winner], finalists, trials):
        able = [p for p in points(some) if p.trial.configuration.quantization and not p.trial.configuration.training]
        if able:
            return min(able, key=_fastest_first).trial
    return None


def _best_floats(floats: Sequence[Point], tolerance: float) -> list[Point]:
    if not floats:
        return []
    fastest = min(floats, key=_fastest_first)
    clearly = [p for p in floats if p.clearly_within(tolerance) and p.speedup.low > 1]
    ties = [p for p in floats if p.speedup.high >= fastest.speedup.low and p.drop <= max(fastest.drop, tolerance)]
    chosen = [
        fastest,
        *(min(some, key=key) for some, key in ((clearly, _fastest_first), (ties, _simplest_first)) if some),
    ]
    return list({p.trial.number: p for p in chosen}.values())


def _by_merit(int8: Sequence[Point], tolerance: float) -> list[Point]:
    front = _front(int8)
    if not front:
        return []
    within = [p for p in front if p.drop <= tolerance]
    fastest = (within or front)[0]
    ties = [p for p in int8 if p.drop <= max(tolerance, fastest.drop) and p.speedup.high >= fastest.speedup.low]
    first = [p for p in front if p.speedup.high >= front[0].speedup.low]
    clearly = [p for p in front if p.clearly_within(tolerance)]
    near = [p for p in front if p.speedup.estimate >= NEAR_FASTEST * fastest.speedup.estimate]
    ranked = [
        fastest,
        *([min(first, key=_least_drop_first)] if front[0].groups is not None else ()),
        *clearly[:1],
        min(ties, key=_simplest_first),
        min(near, key=_least_drop_first),
        min(front, key=_least_drop_first),
        *front,
    ]
    return list({p.trial.number: p for p in ranked}.values())


def _smallest(int8: Iterable[Point], tolerance: float) -> list[Point]:
    """Return the one of the fewest bytes within the tolerance, the fastest of equals; or none."""
    return sorted((p for p in int8 if p.drop <= tolerance), key=lambda p: (_size(p), _fastest_first(p)))[:1]


def _size(point: Point) -> int:
    return point.trial.measurement.size_bytes if point.trial.measurement else 0


def _closest(measured: Iterable[Point], tolerance: float) -> list[Point]:
    """Return the fastest int8 trial that may be within the tolerance, or else the most accurate, or none."""
    int8 = [p for p in measured if not p.is_float]
    within = [p for p in int8 if p.may_be_within(tolerance)]
    if within:
        return [min(within, key=_fastest_first)]
    return [min(int8, key=_least_drop_first)] if int8 else []


def _front(found: Iterable[Point]) -> list[Point]:
    front: list[Point] = []
    for point in sorted(found, key=lambda p: (-p.speedup.estimate, p.drop, p.trial.number)):
        if not front or point.drop < front[-1].drop:
            front.append(point)
    return front


def points(trials: Iterable[Trial], *, stopped: bool = False) -> list[Point]:
    """Return the place of every complete trial; with ``stopped`` of those too that were given up for their drop."""
    states = ("complete", "stopped") if stopped else ("complete",)
    found = []
    for trial in trials:
        measured = trial.measurement
        if trial.state not in states or measured is None or measured.latency is None or measured.drop is None:
            continue
        if math.isfinite(measured.drop):
            error = measured.drop_error if measured.drop_error is not None else math.inf
            found.append(Point(trial, measured.latency.speedup, measured.drop, error, measured.groups))
    return found


def _simplest_first(point: Point) -> tuple[int, float, float]:
    return point.trial.configuration.complexity, point.drop, -point.speedup.estimate


def _fastest_first(point: Point) -> tuple[float, int]:
    return -point.speedup.estimate, point.trial.number


def _least_drop_first(point: Point) -> tuple[float, float]:
    return point.drop, -point.speedup.estimate
