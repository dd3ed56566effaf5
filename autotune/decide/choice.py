"""From judged finalists to the winner."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autotune import stats
from autotune.configuration import Configuration
from autotune.decide.front import fits
from autotune.decide.passed import passed
from autotune.decide.sentence import sentence, tied, why_float
from autotune.decide.storage import halved
from autotune.outcome import Finalist, Goal, Status, Verdict
from autotune.record import Interval, Trial

# Of models that exceed what was asked for, one that exceeds it by a hundredth more comes as near.
_AS_NEAR = 1.01
ENOUGH: dict[str, tuple[Status, ...]] = {"expected": ("proven", "expected"), "proven": ("proven",)}


@dataclass(frozen=True)
class Decision:
    """Trial numbers of finalists, and why.

    Attributes:
        winner: the fastest with the asked assurance.
        best_float: the float that it had to beat.
        fastest_proven: the fastest whose drop is proven to be within the tolerance.
        outcome: ``winner``, ``constraint-unmet`` (nobody with the assurance is fast and small enough) or
            ``interrupted``.
        why_float: why a float model won; empty when an int8 model did.
        sentence: all of that for a person.
    """

    winner: int
    best_float: int
    fastest_proven: int | None
    outcome: str
    why_float: str
    sentence: str


def finalists(
    chosen: Sequence[Trial],
    columns: Sequence[Sequence[float]],
    verdicts: Sequence[Verdict | None],
    goal: Goal,
    *,
    places: Sequence[Sequence[int]] | None = None,
    peaks: Sequence[int | None] | None = None,
) -> list[Finalist]:
    """Join what the common rounds and the holdout say of the finalists.

    Args:
        chosen: as ``pick_finalists`` returns them.
        columns: milliseconds per inference, one row of values for each of ``chosen``, one value per round.
        verdicts: None where a finalist could not be judged; it is left out.
        places: how many others ran before each of ``chosen``, by round.
        peaks: bytes of peak memory of each of ``chosen``; what was not measured keeps no limit of it.

    Raises:
        ValueError: float f32 is not among those judged.
    """
    joined = []
    orders = places if places is not None else [()] * len(chosen)
    known = peaks if peaks is not None else [None] * len(chosen)
    limit = goal.max_memory_bytes
    for trial, milliseconds, judged, order, peak in zip(chosen, columns, verdicts, orders, known, strict=True):
        if judged is None:
            continue
        joined.append(
            Finalist(
                trial=trial.number,
                configuration=trial.configuration,
                speedup=Interval(1.0, 1.0, 1.0),
                speedup_best_float=Interval(1.0, 1.0, 1.0),
                milliseconds=tuple(float(v) for v in milliseconds),
                verdict=judged,
                meets_latency=goal.max_latency_ms is None or float(np.median(milliseconds)) <= goal.max_latency_ms,
                meets_size=fits(trial, goal.max_size_bytes),
                places=tuple(order),
                meets_memory=limit is None or (peak is not None and peak <= limit),
                peak_memory_bytes=peak,
                size_bytes=None if trial.measurement is None else trial.measurement.size_bytes,
            )
        )
    baseline = next((f for f in joined if f.configuration == Configuration()), None)
    if baseline is None:
        raise ValueError("float f32 was not judged")
    timed = [_with_speedup(f, speedup(f, baseline, goal), goal) for f in joined]
    best = best_float(timed, ENOUGH[goal.assurance])
    return [replace(f, speedup_best_float=speedup(f, best, goal)) for f in timed]


def _with_speedup(finalist: Finalist, found: Interval, goal: Goal) -> Finalist:
    return replace(
        finalist, speedup=found, meets_speedup=goal.min_speedup is None or found.estimate >= goal.min_speedup
    )


def choose(
    judged: Sequence[Finalist], goal: Goal, interrupted: bool = False, unjudged: Sequence[Trial] = ()
) -> Decision:
    """Choose the winner: the fastest with the asked assurance that is faster than the best float.

    Faster means that the whole interval of the ratio to the best float lies above 1; at a tie the float model wins. If
    a latency, a speedup, a size or a peak memory is asked for and some of these meet it, the winner is the fastest of
    them; where the best float is too large, an int8 model that is not need not be faster than it. If none meets it, the
    winner is the best effort, see :func:`nearest`. Among int8 models at a tie for the fastest, a proven one wins, then
    the simplest, then the most accurate: the best of several equals would owe it to luck.

    Args:
        judged: as :func:`finalists` returns them.
        interrupted: the search did not come to its end.
        unjudged: trials of the search that are no finalists; where a float of them seemed faster than the best float,
            the sentence says so.
    """
    best = best_float(judged, ENOUGH[goal.assurance])
    able = _faster_than(best, judged, ENOUGH[goal.assurance], goal)
    meeting = [f for f in able if f.meets_latency and f.is_small and f.meets_speedup]
    running = meeting or nearest(judged, best, able, goal)
    winner = _fastest(running, goal)
    sure = _faster_than(best_float(judged, ENOUGH["proven"]), judged, ENOUGH["proven"], goal)
    proven = _fastest(sure, goal)
    if winner in sure and _is_tie(winner, proven, goal):
        proven = winner
    if not meeting and winner.verdict.status == "proven" and speedup(winner, proven, goal).high >= 1:
        proven = winner  # the best effort need not be clearly faster than the best float
    outcome = "interrupted" if interrupted else "winner" if meeting else "constraint-unmet"
    why = "" if not winner.configuration.is_float else why_float(judged, goal)
    fastest = max(running, key=_speed)
    tie = "" if fastest.trial == winner.trial or winner.configuration.is_float else tied(fastest)
    return Decision(
        winner=winner.trial,
        best_float=best.trial,
        fastest_proven=proven.trial,
        outcome=outcome,
        why_float=why,
        sentence=sentence(winner, best, proven, goal, why or tie, passed_over=passed(best, judged, unjudged, goal)),
    )


def nearest(judged: Sequence[Finalist], best: Finalist, able: Sequence[Finalist], goal: Goal) -> Sequence[Finalist]:
    """Return those that come nearest to what was asked where none of ``able`` meets it.

    Where only speed was asked for, that is all of them, for the fastest of them wins. Else those whose largest excess
    (of size, peak memory or latency over its limit, of the speedup over its own) is the smallest, to 1 %; what is
    smaller than the best float need not be faster than it.

    Args:
        best: the best float. able: it, and what is faster or small enough.
    """
    if goal.max_size_bytes is None and goal.max_memory_bytes is None:
        return able
    enough = [f for f in judged if not f.configuration.is_float and f.verdict.status in ENOUGH[goal.assurance]]
    pool = [*able, *(f for f in enough if f not in able and _excess_size(f, goal) < _excess_size(best, goal))]
    least = min(_excess(f, goal) for f in pool)
    return [f for f in pool if _excess(f, goal) <= least * _AS_NEAR]


def _excess_size(finalist: Finalist, goal: Goal) -> float:
    """Return how many times as much as allowed it takes, of what is allowed least; 1 where nothing is too large."""
    limited = (finalist.size_bytes, goal.max_size_bytes), (finalist.peak_memory_bytes, goal.max_memory_bytes)
    return max(1.0, *(math.inf if takes is None else takes / limit for takes, limit in limited if limit is not None))


def _excess(finalist: Finalist, goal: Goal) -> float:
    latency, speed = goal.max_latency_ms, goal.min_speedup
    return max(
        _excess_size(finalist, goal),
        1.0 if latency is None else float(np.median(finalist.milliseconds)) / latency,
        1.0 if speed is None else speed / finalist.speedup.estimate,
    )


def best_float(judged: Sequence[Finalist], enough: Collection[Status]) -> Finalist:
    """Return the fastest float with a sufficient verdict; float f32 unless another one is clearly faster.

    Where float f32 was judged with f16 weights as well, that one may stand for it: if it is proven to keep the
    tolerance, as float f32 is, or has a sufficient verdict where float f32 is too large. What runs is the same graph
    with rounded values, so their times differ by noise only.
    """
    baseline = next(f for f in judged if f.configuration == Configuration())
    own = next((f for f in judged if f.configuration == halved(Configuration())), baseline)
    fits_alone = own.is_small and not baseline.is_small
    if own.verdict.status == "proven" or (fits_alone and own.verdict.status in enough):
        baseline = own
    others = [f for f in judged if f.configuration.is_float and f.verdict.status in enough and f.speedup.low > 1]
    return max(others, key=_speed, default=baseline)


def _faster_than(best: Finalist, judged: Sequence[Finalist], enough: Collection[Status], goal: Goal) -> list[Finalist]:
    """Return the best float and the int8 finalists with a sufficient verdict that are clearly faster, or small enough.

    The latter only where the best float is too large.
    """
    int8 = [f for f in judged if not f.configuration.is_float and f.verdict.status in enough]
    return [best, *(f for f in int8 if speedup(f, best, goal).low > 1 or (f.is_small and not best.is_small))]


def _fastest(able: Sequence[Finalist], goal: Goal) -> Finalist:
    fastest = max(able, key=_speed)
    ties = [f for f in able if f is fastest or _is_tie(f, fastest, goal)]
    return min(
        ties, key=lambda f: (f.verdict.status != "proven", f.configuration.complexity, f.verdict.drop, -_speed(f))
    )


def _is_tie(finalist: Finalist, fastest: Finalist, goal: Goal) -> bool:
    both_int8 = not finalist.configuration.is_float and not fastest.configuration.is_float
    return both_int8 and speedup(finalist, fastest, goal).high >= 1


def speedup(finalist: Finalist, reference: Finalist, goal: Goal) -> Interval:
    """How many times as fast as ``reference``, from the ratios within each round."""
    if finalist.trial == reference.trial:
        return Interval(1.0, 1.0, 1.0)
    ratios = np.array(reference.milliseconds) / np.array(finalist.milliseconds)
    return stats.median_interval(ratios, goal.confidence)


def _speed(finalist: Finalist) -> float:
    return finalist.speedup.estimate
