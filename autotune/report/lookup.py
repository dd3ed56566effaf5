"""Finds trials and finalists of a run by number or role."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from autotune.configuration import Configuration
from autotune.outcome import Finalist, RunRecord
from autotune.record import Latency, Measurement, Trial

BASELINE = Configuration()
# Characters of a name beside a plot.
_LONGEST = 28


@dataclass(frozen=True)
class Lookup:
    """A run with its trials and finalists by number; roles that nobody has are None."""

    run: RunRecord

    @cached_property
    def trials(self) -> dict[int, Trial]:
        return {t.number: t for t in self.run.trials}

    @cached_property
    def finalists(self) -> dict[int, Finalist]:
        return {f.trial: f for f in self.run.finalists}

    @property
    def winner(self) -> Finalist | None:
        return self.finalists.get(self.run.winner)

    @property
    def best_float(self) -> Finalist | None:
        return self.finalists.get(self.run.best_float)

    @property
    def fastest_proven(self) -> Finalist | None:
        return None if self.run.fastest_proven is None else self.finalists.get(self.run.fastest_proven)

    @property
    def baseline(self) -> Trial | None:
        """The trial of float f32."""
        return next((t for t in self.run.trials if t.configuration == BASELINE and t.measurement), None)

    @property
    def baseline_finalist(self) -> Finalist | None:
        return next((f for f in self.run.finalists if f.configuration == BASELINE), None)

    def measurement(self, number: int) -> Measurement | None:
        """Of a trial, or None."""
        trial = self.trials.get(number)
        return None if trial is None else trial.measurement

    def baseline_ms(self) -> float | None:
        """Median latency of float f32: from the finalists' common rounds, else from the baseline's own pairs."""
        if self.baseline_finalist is not None and self.baseline_finalist.milliseconds:
            return median(self.baseline_finalist.milliseconds)
        if self.baseline is None or self.baseline.measurement is None:
            return None
        return candidate_ms(self.baseline.measurement.latency)


def candidate_ms(latency: Latency | None) -> float | None:
    """Median milliseconds of the candidate, None where it was not timed."""
    return median(latency.candidate_ms) if latency is not None and latency.candidate_ms else None


def median(values: tuple[float, ...]) -> float:
    """The middle value, or the mean of the two middle ones."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def short_name(finalist: Finalist) -> str:
    """Return a name that fits beside a plot: a configuration in a word or two, and the trial where that is not all."""
    label = finalist.configuration.label
    if not finalist.configuration.is_float:
        return f"int8, trial {finalist.trial}"
    return label if len(label) <= _LONGEST else f"{label.partition(',')[0]}, trial {finalist.trial}"
