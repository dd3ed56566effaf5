"""latency.csv: every interleaved pair that speeds were computed from, raw."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from autotune.outcome import Finalist, RunRecord
from autotune.record import Trial
from autotune.report.lookup import Lookup
from autotune.report.tables.columns import Column, Table, nine

if TYPE_CHECKING:
    import pandas as pd

LATENCY = Table(
    "latency.csv",
    "One row per interleaved pair of blocks of inferences, of float f32 and of a candidate: first the pairs of the "
    "search, by trial, each followed by those of its duel with another trial, if it had one, then those of the "
    "finalists' common rounds. The median of `float_seconds / candidate_seconds` over a phase is the trial's speedup "
    "there (after a duel, trials.csv has another one, see `duel_ratio`, the median of `rival_seconds / "
    "candidate_seconds`). The common rounds time all finalists in turn, so that two of them can be compared round by "
    "round.",
    (
        Column("phase", "string", "", "search, duel or final"),
        Column("trial", "Int64", "", "the candidate"),
        Column("round", "Int64", "", "common round, from 0, the same for all trials; empty in the search"),
        Column("pair", "Int64", "", "number of the pair within its phase and trial, from 0; time runs with it"),
        Column("float_order", "Int64", "", "models that ran before float f32 in this pair or round; empty where a run "
               "of an older autotune did not record it"),
        Column("candidate_order", "Int64", "", "the same of the candidate"),
        Column("float_seconds", "Float64", "s", "per inference, mean over a block of about 2 ms; empty in a duel"),
        Column("candidate_seconds", "Float64", "s", "the same of the candidate"),
        Column("rival", "Int64", "", "in a duel: the trial that took float f32's place"),
        Column("rival_seconds", "Float64", "s", "in a duel: the same of the rival"),
    ),
)  # fmt: skip


def latency_frame(run: RunRecord) -> pd.DataFrame:
    """Return latency.csv of a run."""
    return LATENCY.frame(_rows(run))


def _rows(run: RunRecord) -> Iterator[dict[str, Any]]:
    for trial in sorted(run.trials, key=lambda t: t.number):
        if trial.state != "duplicate":  # its measurement is that of another trial
            yield from _search(trial)
            yield from _duel(trial)
    baseline = Lookup(run).baseline_finalist
    for finalist in sorted(run.finalists, key=lambda f: f.trial):
        if baseline is not None and finalist is not baseline:
            yield from _final(baseline, finalist)


def _search(trial: Trial) -> Iterator[dict[str, Any]]:
    latency = trial.measurement.latency if trial.measurement is not None else None
    pairs = zip(latency.baseline_ms, latency.candidate_ms, strict=True) if latency is not None else ()
    for number, (before, after) in enumerate(pairs):
        second = number % 2  # pairs alternate, float f32 first
        yield _row("search", trial.number, number, before, after) | {
            "float_order": second,
            "candidate_order": 1 - second,
        }


def _duel(trial: Trial) -> Iterator[dict[str, Any]]:
    duel = trial.measurement.duel if trial.measurement is not None else None
    pairs = zip(duel.rival_ms, duel.own_ms, strict=True) if duel is not None else ()
    for number, (rival, own) in enumerate(pairs):
        yield {
            "phase": "duel",
            "trial": trial.number,
            "pair": number,
            "candidate_order": 1 - number % 2,
            "candidate_seconds": nine(own / 1000),
            "rival": duel.against if duel is not None else None,
            "rival_seconds": nine(rival / 1000),
        }


def _final(baseline: Finalist, finalist: Finalist) -> Iterator[dict[str, Any]]:
    for number, (before, after) in enumerate(zip(baseline.milliseconds, finalist.milliseconds, strict=True)):
        yield _row("final", finalist.trial, number, before, after) | {
            "round": number,
            "float_order": baseline.places[number] if baseline.places else None,
            "candidate_order": finalist.places[number] if finalist.places else None,
        }


def _row(phase: str, trial: int, number: int, before: float, after: float) -> dict[str, Any]:
    return {
        "phase": phase,
        "trial": trial,
        "pair": number,
        "float_seconds": nine(before / 1000),
        "candidate_seconds": nine(after / 1000),
    }
