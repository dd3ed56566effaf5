"""run.json: the figures of a run for programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from autotune.outcome import Finalist, RunRecord
from autotune.record import Interval
from autotune.report.lookup import Lookup, median
from autotune.report.plain import plain


def summary(run: RunRecord) -> dict[str, Any]:
    """Return the run's figures as plain values, ready for ``json.dumps``; what is missing or not finite is None.

    Drops, scores and the tolerance are in the metric's own units, a positive drop is worse than float f32.
    ``speedup`` is against float f32, ``speedup_best_float`` against the best float, both from the finalists' common
    rounds. ``seconds.search`` is the wall time of the search, of which build, compile, score and latency are parts.
    ``anytime`` is the search's best so far: its short measurements, before the finalists' common rounds.
    ``saturation`` is None where 8-bit sums cannot saturate, where float won, or where ``notes`` say why; its ``cost``
    is positive where the winner would score better without saturation.
    ``ladder`` is None where the order was ``search``.
    ``export_check`` says how the written model was compared with the judged one; a difference is an error, so there is
    no figure for it. ``onnx`` is None where it was not asked for; its ``sentence`` says why nothing was ``written``.
    ``storage`` says how the winner's float weights are stored, what that saved and why; figures of the other way are
    None where it was not measured.
    ``peak_memory`` is in bytes, of the written models, as ``footprint.peak_memory`` counts it; None where it was not
    measured, as of finalists where no limit was asked for.
    ``verdict``, ``speedup`` and ``speedup_best_float`` are the winner's; without one their values are None.
    """
    found = Lookup(run)
    winner = found.winner
    states = Counter(t.state for t in run.trials)
    figures = {
        "name": run.name,
        "outcome": run.outcome,
        "sentence": run.sentence,
        "why_float": run.why_float,
        "metric": {"name": run.goal.metric, "higher_is_better": run.goal.higher_is_better},
        "goal": asdict(run.goal),
        "verdict": _verdict(winner),
        "winner": _finalist(winner, found),
        "best_float": _finalist(found.best_float, found),
        "fastest_proven": _finalist(found.fastest_proven, found),
        "speedup": _interval(winner.speedup if winner else None),
        "speedup_best_float": _interval(winner.speedup_best_float if winner else None),
        "latency_ms": {
            "float_f32": found.baseline_ms(),
            "winner": median(winner.milliseconds) if winner and winner.milliseconds else None,
        },
        "peak_memory": {"winner": _peak(winner), "float": _peak(found.baseline_finalist)},
        "baseline_score": run.baseline_score,
        "saturation": None if run.saturation is None else asdict(run.saturation),
        "export_check": _export_check(run),
        "onnx": None if run.onnx is None else asdict(run.onnx),
        "storage": None if run.storage is None else asdict(run.storage),
        "front": list(run.front),
        "finalists": [_finalist(f, found) for f in run.finalists],
        "trials": len(run.trials),
        "failures": states["failed"],
        "states": {state: states[state] for state in ("complete", "stopped", "duplicate", "failed")},
        "splits": asdict(run.splits),
        "data": run.data,
        "model": {
            "name": run.model.name,
            "sha256": run.model.digest,
            "size_bytes": run.model.size_bytes,
            "precisions": list(run.model.precisions),
            "nncf_path": run.model.nncf_path,
        },
        "ladder": None if run.ladder is None else asdict(run.ladder),
        "anytime": _anytime(run),
        "wall_seconds": run.wall_seconds,
        "seconds": asdict(run.seconds),
        "started": run.started,
        "fingerprint": asdict(run.fingerprint),
        "command": run.command,
        "notes": list(run.notes),
    }
    as_json: dict[str, Any] = plain(figures, lambda _: None)
    return as_json


def _peak(finalist: Finalist | None) -> int | None:
    return None if finalist is None else finalist.peak_memory_bytes


def _export_check(run: RunRecord) -> dict[str, Any] | None:
    return None if run.export_check is None else {**asdict(run.export_check), "process": "fresh", "equal": "bitwise"}


def _anytime(run: RunRecord) -> list[dict[str, float]]:
    """Return when the search had something faster within the tolerance: seconds since the start, speed, trial."""
    found: list[dict[str, float]] = []
    for trial in sorted(run.trials, key=lambda t: t.ended_seconds):
        measured = trial.measurement
        if trial.state != "complete" or measured is None or measured.latency is None or measured.drop is None:
            continue
        speed = measured.latency.speedup.estimate
        if measured.drop <= run.goal.tolerance and (not found or speed > found[-1]["speedup"]):
            found.append({"seconds": trial.ended_seconds, "speedup": speed, "trial": trial.number})
    return found


def _verdict(winner: Finalist | None) -> dict[str, Any]:
    names = (
        "status", "drop", "drop_upper", "tolerance", "confidence", "n", "method", "score", "float_score",
        "more_samples", "groups", "more_groups",
    )  # fmt: skip
    return {name: None if winner is None else getattr(winner.verdict, name) for name in names}


def _finalist(finalist: Finalist | None, found: Lookup) -> dict[str, Any] | None:
    if finalist is None:
        return None
    measured = found.measurement(finalist.trial)
    return {
        "trial": finalist.trial,
        "label": finalist.configuration.label,
        "configuration": asdict(finalist.configuration),
        "status": finalist.verdict.status,
        "drop": finalist.verdict.drop,
        "drop_upper": finalist.verdict.drop_upper,
        "speedup": _interval(finalist.speedup),
        "speedup_best_float": _interval(finalist.speedup_best_float),
        "meets_latency": finalist.meets_latency,
        "meets_size": finalist.meets_size,
        "meets_speedup": finalist.meets_speedup,
        "meets_memory": finalist.meets_memory,
        "peak_memory_bytes": finalist.peak_memory_bytes,
        "size_bytes": None if measured is None else measured.size_bytes,
    }


def _interval(interval: Interval | None) -> dict[str, float | None]:
    if interval is None:
        return {"ratio": None, "low": None, "high": None}
    return {"ratio": interval.estimate, "low": interval.low, "high": interval.high}
