"""From Optuna's trials to our questions, and from our trials to what Optuna is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna

from autotune.record import Trial

# What an unmeasured trial is told: far behind anything that was measured, and infeasible.
_UNMEASURED_RATIO = 10.0


class Suggest:
    """``space.Suggest`` on top of an Optuna trial.

    Args:
        given: answers to questions that Optuna is not asked.
    """

    def __init__(self, trial: optuna.Trial, given: Mapping[str, str] | None = None) -> None:
        self._trial = trial
        self._given = given or {}

    def categorical(self, name: str, choices: Sequence[str | float | int | bool]) -> Any:
        return self._given[name] if name in self._given else self._trial.suggest_categorical(name, choices)

    def number(self, name: str, low: float, high: float, log: bool) -> float:
        return float(self._trial.suggest_float(name, low, high, log=log))


def values(trial: Trial, tolerance: float) -> tuple[float, float, float]:
    """Return (latency ratio, drop, constraint violation) to tell Optuna; a violation above 0 is infeasible."""
    measured = trial.measurement
    unmeasured_drop = 10 * tolerance + 1.0
    if measured is None:
        return _UNMEASURED_RATIO, unmeasured_drop, 1.0
    ratio = 1 / measured.latency.speedup.estimate if measured.latency else _UNMEASURED_RATIO
    if trial.state == "stopped" or measured.drop is None:
        return ratio, measured.drop if measured.drop is not None else unmeasured_drop, 1.0
    return ratio, measured.drop, measured.drop - tolerance
