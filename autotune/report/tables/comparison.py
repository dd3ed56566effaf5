"""comparison.csv: several runs, one row each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from autotune.outcome import Finalist
from autotune.report.lookup import Lookup, median
from autotune.report.named import Named
from autotune.report.tables.columns import Column, Table, nine

if TYPE_CHECKING:
    import pandas as pd

COMPARISON = Table(
    "comparison.csv",
    "One row per run, in the order given to `autotune report RUN1 RUN2 ...`. Speeds are against the float f32 of "
    "the same run, from its finalists' common rounds; drops and scores are of its holdout. From `winner_trial` to"
    " `size_bytes` cells are empty where a run has no finalist.",
    (
        Column("run", "string", "", "name, different for each row"),
        Column("folder", "string", "", "of the run, as given"),
        Column("started", "string", "", "ISO 8601"),
        Column("outcome", "string", "", "winner, constraint-unmet or interrupted"),
        Column("model", "string", "", "name of the source model"),
        Column("model_sha256", "string", "", "of the source model's files"),
        Column("data", "string", "", "as the recipe names them"),
        Column("metric", "string", "", "name of the metric"),
        Column("higher_is_better", "boolean", "", "of the metric"),
        Column("max_drop", "string", "", "as it was asked for"),
        Column("tolerance", "Float64", "metric", "the same in the metric's units"),
        Column("max_latency_ms", "Float64", "ms", "asked for; empty where it was not"),
        Column("min_speedup", "Float64", "ratio", "asked for; empty where it was not"),
        Column("max_size_bytes", "Int64", "byte", "asked for; empty where it was not"),
        Column("max_memory_bytes", "Int64", "byte", "asked for; empty where it was not"),
        Column("confidence", "Float64", "", "of bounds and intervals, as asked for"),
        Column("assurance", "string", "", "expected or proven, as asked for"),
        Column("winner_trial", "Int64", "", "number of the winner's trial"),
        Column("winner", "string", "", "the winner's configuration in words"),
        Column("configuration", "string", "", "the winner's configuration as a JSON object"),
        Column("verdict", "string", "", "proven, expected or beyond"),
        Column("float_score", "Float64", "metric", "of float f32"),
        Column("score", "Float64", "metric", "of the winner"),
        Column("drop", "Float64", "metric", "positive is worse"),
        Column("drop_upper", "Float64", "metric", "its one-sided upper bound"),
        Column("holdout_samples", "Int64", "", "samples judged on"),
        Column("holdout_groups", "Int64", "", "groups that they come in; empty where each sample stands alone"),
        Column("speedup", "Float64", "ratio", "float f32's time / the winner's"),
        Column("speedup_low", "Float64", "ratio", "lower end of its interval"),
        Column("speedup_high", "Float64", "ratio", "upper end"),
        Column("speedup_best_float", "Float64", "ratio", "the best float's time / the winner's"),
        Column("speedup_best_float_low", "Float64", "ratio", "lower end of its interval"),
        Column("speedup_best_float_high", "Float64", "ratio", "upper end"),
        Column("best_float", "string", "", "the best float's configuration in words"),
        Column("float_ms", "Float64", "ms", "median per inference of float f32"),
        Column("latency_ms", "Float64", "ms", "of the winner, in the same rounds"),
        Column("float_bytes", "Int64", "byte", "size of float f32's constants"),
        Column("size_bytes", "Int64", "byte", "of the winner's"),
        Column("float_peak_memory_bytes", "Int64", "byte", "peak memory of float f32; empty where not measured"),
        Column("peak_memory_bytes", "Int64", "byte", "of the winner; empty where not measured"),
        Column("trials", "Int64", "", "rows in the run's trials.csv"),
        Column("wall_seconds", "Float64", "s", "the whole run"),
        Column("cpu", "string", "", "model name"),
        Column("instruction_set", "string", "", "that kernels were restricted to; native: not restricted"),
        Column("cores", "Int64", "", "that could be used"),
        Column("threads", "Int64", "", "that a model could run on at most"),
        Column("memory_gib", "Float64", "GiB", "of the machine"),
        Column("system", "string", "", "operating system"),
        Column("versions", "string", "", "JSON object, package: version"),
    ),
)


def comparison_frame(runs: Sequence[Named]) -> pd.DataFrame:
    """Return comparison.csv."""
    return COMPARISON.frame(_row(named) for named in runs)


def _row(named: Named) -> dict[str, Any]:
    run, found = named.run, Lookup(named.run)
    goal, machine = run.goal, run.fingerprint
    baseline = found.baseline.measurement if found.baseline is not None else None
    return {
        "run": named.name,
        "folder": str(named.folder),
        "started": run.started,
        "outcome": run.outcome,
        "model": run.model.name,
        "model_sha256": run.model.digest,
        "data": run.data,
        "metric": goal.metric,
        "higher_is_better": goal.higher_is_better,
        "max_drop": goal.max_drop,
        "tolerance": nine(goal.tolerance),
        "max_latency_ms": nine(goal.max_latency_ms),
        "min_speedup": nine(goal.min_speedup),
        "max_size_bytes": goal.max_size_bytes,
        "max_memory_bytes": goal.max_memory_bytes,
        "confidence": nine(goal.confidence),
        "assurance": goal.assurance,
        "float_ms": nine(found.baseline_ms()),
        "float_bytes": None if baseline is None else baseline.size_bytes,
        "float_peak_memory_bytes": found.baseline_finalist and found.baseline_finalist.peak_memory_bytes,
        "trials": len(run.trials),
        "wall_seconds": nine(run.wall_seconds),
        "cpu": machine.cpu,
        "instruction_set": machine.instruction_set,
        "cores": machine.cores,
        "threads": machine.threads,
        "memory_gib": nine(machine.memory_gib),
        "system": machine.system,
        "versions": json.dumps(machine.versions, sort_keys=True),
        **({} if found.winner is None else _winner(found.winner, found)),
    }


def _winner(winner: Finalist, found: Lookup) -> dict[str, Any]:
    verdict, measured, best = winner.verdict, found.measurement(winner.trial), found.best_float
    return {
        "winner_trial": winner.trial,
        "winner": winner.configuration.label,
        "configuration": json.dumps(asdict(winner.configuration), sort_keys=True),
        "verdict": verdict.status,
        "float_score": nine(verdict.float_score),
        "score": nine(verdict.score),
        "drop": nine(verdict.drop),
        "drop_upper": nine(verdict.drop_upper),
        "holdout_samples": verdict.n,
        "holdout_groups": verdict.groups,
        "speedup": nine(winner.speedup.estimate),
        "speedup_low": nine(winner.speedup.low),
        "speedup_high": nine(winner.speedup.high),
        "speedup_best_float": nine(winner.speedup_best_float.estimate),
        "speedup_best_float_low": nine(winner.speedup_best_float.low),
        "speedup_best_float_high": nine(winner.speedup_best_float.high),
        "best_float": None if best is None else best.configuration.label,
        "latency_ms": nine(median(winner.milliseconds)) if winner.milliseconds else None,
        "size_bytes": None if measured is None else measured.size_bytes,
        "peak_memory_bytes": winner.peak_memory_bytes,
    }
