"""A run as an experiment tracker keeps it: parameters, metrics, tags, files. A pure function of a run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from autotune.configuration import Configuration
from autotune.outcome import RunRecord
from autotune.record import Trial
from autotune.report.lookup import Lookup, median

# What is kept of a run folder; the study, scores and logs are for continuing and mending a run.
FILES = (
    "report.html", "run.json", "record.json", "recipe.yaml", "solved.yaml", "trials.csv", "pareto.csv",
    "sensitivity.csv", "latency.csv", "model",
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """One value of a metric. ``step`` is a trial's number, 0 for what is of the whole run; ``at`` is Unix time."""

    metric: str
    value: float
    step: int
    at: float


@dataclass(frozen=True)
class Tracked:
    """What is kept of a run besides files; nothing that is missing or not finite."""

    parameters: dict[str, str]
    points: tuple[Point, ...]
    tags: dict[str, str]


def tracked(run: RunRecord, ended: float) -> Tracked:
    """Return what to keep.

    Args:
        ended: Unix time of the run's end.
    """
    found = Lookup(run)
    whole = (Point(name, value, 0, ended) for name, value in _figures(found).items() if value is not None)
    by_trial = (point for trial in run.trials for point in _of_trial(trial, run.goal.tolerance))
    verdict = found.winner.verdict.status if found.winner is not None else "none"
    return Tracked(
        parameters=_parameters(run, found.winner.configuration if found.winner is not None else None),
        points=tuple(point for point in (*whole, *by_trial) if math.isfinite(point.value)),
        tags={
            "autotune.outcome": run.outcome,
            "autotune.verdict": verdict,
            "autotune.command": run.command,
            "mlflow.note.content": run.sentence,  # shown as the run's description
        },
    )


def _parameters(run: RunRecord, winner: Configuration | None) -> dict[str, str]:
    goal, machine = run.goal, run.fingerprint
    parameters = {
        "model": run.model.name,
        "model_sha256": run.model.digest,
        "data": run.data,
        "metric": goal.metric,
        "max_drop": goal.max_drop,
        "max_latency_ms": goal.max_latency_ms,
        "max_size_bytes": goal.max_size_bytes,
        "max_memory_bytes": goal.max_memory_bytes,
        "confidence": goal.confidence,
        "assurance": goal.assurance,
        "holdout_samples": run.splits.holdout,
        "cpu": machine.cpu,
        "instruction_set": machine.instruction_set,
        "threads": machine.threads,
        **{f"version.{name}": version for name, version in machine.versions.items()},
        **({} if winner is None else _choices(winner)),
    }
    return {name: str(value) for name, value in parameters.items() if value is not None}


def _choices(winner: Configuration) -> dict[str, object]:
    """The winner's choices that fit into a table; all of them are in solved.yaml."""
    q = winner.quantization
    choices: dict[str, object] = {
        "winner": winner.label,
        "winner.sha256": winner.digest,
        "winner.precision": winner.precision,
        "winner.threads": winner.threads,
        "winner.forms": ", ".join(map(str, winner.forms)) or "none",
    }
    if q is not None:
        choices |= {
            "winner.placement": q.placement,
            "winner.preset": q.preset,
            "winner.estimator": q.activation.estimator,
            "winner.weights": q.weights,
            "winner.bias_correction": q.bias_correction,
            "winner.float_operators": len(q.float_operators),
        }
    if winner.compression is not None:
        choices["winner.compression"] = winner.compression
    return choices


def _figures(found: Lookup) -> dict[str, float | None]:
    run, winner = found.run, found.winner
    figures: dict[str, float | None] = {
        "wall_seconds": run.wall_seconds,
        "trials": len(run.trials),
        "tolerance": run.goal.tolerance,
        "float_ms": found.baseline_ms(),
    }
    if winner is None:
        return figures
    verdict, speed, best = winner.verdict, winner.speedup, winner.speedup_best_float
    measured = found.measurement(winner.trial)
    return figures | {
        "speedup": speed.estimate,
        "speedup_low": speed.low,
        "speedup_high": speed.high,
        "speedup_best_float": best.estimate,
        "speedup_best_float_low": best.low,
        "speedup_best_float_high": best.high,
        "latency_ms": median(winner.milliseconds) if winner.milliseconds else None,
        "score": verdict.score,
        "float_score": verdict.float_score,
        "drop": verdict.drop,
        "drop_upper": verdict.drop_upper,
        "size_bytes": None if measured is None else measured.size_bytes,
        "peak_memory_bytes": winner.peak_memory_bytes,
    }


def _of_trial(trial: Trial, tolerance: float) -> Iterator[Point]:
    """Speed and drop on the search split of trials that were measured to their end."""
    measured = trial.measurement
    if trial.state != "complete" or measured is None or measured.latency is None or measured.drop is None:
        return
    speed = measured.latency.speedup.estimate
    yield Point("trial_speedup", speed, trial.number, trial.finished_at)
    yield Point("trial_drop", measured.drop, trial.number, trial.finished_at)
    if measured.drop <= tolerance:
        yield Point("trial_speedup_within_tolerance", speed, trial.number, trial.finished_at)
