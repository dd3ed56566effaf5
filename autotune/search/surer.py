"""What the fastest within the tolerance lacks to stay within it on other samples.

Its drop on the search split has an error. Where that reaches beyond the tolerance, the holdout may well refuse it, and
if everything else in hand is much slower, the run ends far from what was possible. So sets of float operators for a
smaller tolerance are tried too, as long as they are faster than what is surely within.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autotune import decide
from autotune.record import Trial

# An error that is as large as the tolerance, of few samples, says nothing of how much to aim below it.
_LEAST = 0.5


@dataclass(frozen=True)
class Aim:
    """The drop to look for, in the metric's own units, and the speed against float f32 that is in hand surely."""

    drop: float
    to_beat: float


def surer(trials: Iterable[Trial], tolerance: float, errors: float) -> Aim | None:
    """Return what to aim at; None where the fastest int8 candidate within the tolerance is so by that many errors.

    Args:
        tolerance: of the drop, in the metric's own units.
        errors: standard errors of the drop.
    """
    found = decide.points(trials)
    within = [p for p in found if p.drop <= tolerance and not p.is_float]
    if not within:
        return None
    fastest = max(within, key=lambda p: p.speedup.low)
    if fastest.clearly_within(tolerance, errors):
        return None
    surely = [p.speedup.low for p in found if p.clearly_within(tolerance, errors)]
    return Aim(max(tolerance - fastest.margin(errors), _LEAST * tolerance), max([1.0, *surely]))
