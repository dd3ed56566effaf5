"""pareto.csv: what is worth choosing from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autotune.outcome import Finalist, RunRecord
from autotune.report.lookup import Lookup, median
from autotune.report.tables.columns import Column, Table, nine
from autotune.report.tables.trials import TRIALS, trial_row

if TYPE_CHECKING:
    import pandas as pd

_SHARED = (
    "trial", "label", "on_front", "finalist", "winner", "speedup", "speedup_low", "speedup_high", "latency_ms",
    "score", "drop", "size_bytes",
)  # fmt: skip

PARETO = Table(
    "pareto.csv",
    "The members of the Pareto front and the finalists, fastest on the search split first. Columns up to "
    "`size_bytes` are those of trials.csv, the others of finalists only.",
    (
        *(column for column in TRIALS.columns if column.name in _SHARED),
        Column("final_speedup", "Float64", "ratio", "against float f32, timed again in common rounds"),
        Column("final_speedup_low", "Float64", "ratio", "lower end of its interval"),
        Column("final_speedup_high", "Float64", "ratio", "upper end"),
        Column("final_speedup_best_float", "Float64", "ratio", "against the best float, same rounds"),
        Column("final_speedup_best_float_low", "Float64", "ratio", "lower end of its interval"),
        Column("final_speedup_best_float_high", "Float64", "ratio", "upper end"),
        Column("final_latency_ms", "Float64", "ms", "median over the rounds"),
        Column("meets_latency", "boolean", "", "the latency asked for is kept"),
        Column("meets_size", "boolean", "", "the size asked for is kept"),
        Column("meets_speedup", "boolean", "", "the speedup asked for is reached"),
        Column("meets_memory", "boolean", "", "the peak memory asked for is kept"),
        Column("peak_memory_bytes", "Int64", "byte", "of the written model; empty where it was not measured"),
        Column("verdict", "string", "", "proven, expected or beyond"),
        Column("holdout_score", "Float64", "metric", "of this model"),
        Column("holdout_float_score", "Float64", "metric", "of float f32"),
        Column("holdout_drop", "Float64", "metric", "positive is worse"),
        Column("holdout_drop_upper", "Float64", "metric", "its one-sided upper bound at `confidence`"),
        Column("tolerance", "Float64", "metric", "largest drop allowed"),
        Column("confidence", "Float64", "", "of the bound"),
        Column("holdout_samples", "Int64", "", "samples judged on"),
        Column("holdout_groups", "Int64", "", "groups that they come in; empty where each sample stands alone"),
        Column("bound", "string", "", "name of the statistical method"),
        Column("more_samples", "Int64", "", "further labelled samples that would settle it; empty if none would"),
        Column("more_groups", "Int64", "", "the same in groups"),
    ),
)


def pareto_frame(run: RunRecord) -> pd.DataFrame:
    """Return pareto.csv of a run."""
    found = Lookup(run)
    numbers = dict.fromkeys((*run.front, *found.finalists))
    rows = []
    for number in numbers:
        trial = found.trials.get(number)
        if trial is not None:
            row = trial_row(found, trial)
            rows.append({**{name: row[name] for name in _SHARED}, **_final(found.finalists.get(number))})
    rows.sort(key=lambda row: (-(row["speedup"] or 0.0), row["trial"]))
    return PARETO.frame(rows)


def _final(finalist: Finalist | None) -> dict[str, Any]:
    if finalist is None:
        return {}
    verdict, speed, best = finalist.verdict, finalist.speedup, finalist.speedup_best_float
    return {
        "final_speedup": nine(speed.estimate),
        "final_speedup_low": nine(speed.low),
        "final_speedup_high": nine(speed.high),
        "final_speedup_best_float": nine(best.estimate),
        "final_speedup_best_float_low": nine(best.low),
        "final_speedup_best_float_high": nine(best.high),
        "final_latency_ms": nine(median(finalist.milliseconds)) if finalist.milliseconds else None,
        "meets_latency": finalist.meets_latency,
        "meets_size": finalist.meets_size,
        "meets_speedup": finalist.meets_speedup,
        "meets_memory": finalist.meets_memory,
        "peak_memory_bytes": finalist.peak_memory_bytes,
        "verdict": verdict.status,
        "holdout_score": nine(verdict.score),
        "holdout_float_score": nine(verdict.float_score),
        "holdout_drop": nine(verdict.drop),
        "holdout_drop_upper": nine(verdict.drop_upper),
        "tolerance": nine(verdict.tolerance),
        "confidence": nine(verdict.confidence),
        "holdout_samples": verdict.n,
        "holdout_groups": verdict.groups,
        "bound": verdict.method,
        "more_samples": verdict.more_samples,
        "more_groups": verdict.more_groups,
    }
