"""When the best so far is written into the model folder. Pure: what is written, and when, is told."""

from __future__ import annotations

import math
from collections.abc import Iterable

from autotune.record import Trial
from autotune.search.incumbent import best_within

# It is written again when it is faster by this factor, and so many seconds after the last time.
BETTER = 1.03
EVERY_SECONDS = 5.0


class BestWritten:
    """Knows what the model folder holds.

    One that was found right after a writing is due a little later, at the next question. Of a run that is continued
    nothing is known, so the best of all trials is due at once, not the first good one of this session.

    Args:
        tolerance: of the drop, in the metric's own units.
    """

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._held: int | None = None
        self._next = -math.inf
        self._refused: set[int] = set()

    def due(self, trials: Iterable[Trial], now: float) -> Trial | None:
        """Return the trial whose model is to be written; None where what is there is good enough, or too new.

        Args:
            trials: all that may win; the speed of what is written may be another one than it was then.
            now: ``time.monotonic()``.
        """
        able = [t for t in trials if t.number not in self._refused]
        best = best_within(able, self._tolerance)
        held = best_within((t for t in able if t.number == self._held), self._tolerance)
        if best is None or best.number == self._held or now < self._next:
            return None
        return best if held is None or _speed(best) >= BETTER * _speed(held) else None

    def wrote(self, trial: Trial, now: float) -> None:
        """Note that the folder holds this trial's model from now on."""
        self._held, self._next = trial.number, now + EVERY_SECONDS

    def refuse(self, trial: Trial) -> None:
        """Note that this one could not be written: it is not tried again, and what was there may be gone."""
        self._refused.add(trial.number)
        self._held = None


def _speed(trial: Trial) -> float:
    assert trial.measurement is not None and trial.measurement.latency is not None
    return trial.measurement.latency.speedup.low
