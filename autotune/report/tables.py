"""The CSV files as pandas frames: one row per trial, stable columns, types that survive ``pandas.read_csv``.

Read them back with ``pandas.read_csv(path, dtype=TRIAL_TYPES)`` (or ``PARETO_TYPES``): the frames are then equal,
types included. A cell is empty where there is no value. Measured numbers have nine significant digits.

trials.csv, sorted by ``trial``:

=====================  =======  ==========  ======================================================================
column                 type     unit        meaning
=====================  =======  ==========  ======================================================================
trial                  Int64                trial number, the same as in the study
state                  string               complete, stopped (ended early), duplicate or failed
origin                 string               who proposed it: plain (what peers would ship), neighbour, guide, sampler
configuration          string               SHA-256 of the configuration
label                  string               the configuration in words
scheme                 string               float, int8-static, int8-weights or int8-dynamic, joined by + where mixed
precision              string               f32, bf16 or f16: what is not quantised computes in it
forms                  string               JSON object, graph form: {"groups": [names], "alpha": strength or null}
bf16_operators         string               JSON list of the operators in bf16 while the rest is f32
compressed_operators   string               JSON list of the linear layers with int8 weights that are not int8-static
compression_symmetry   string               symmetric or affine: their weights; empty where there are none
dynamic_group          Int64                channels with one scale, 0: activations stay float; empty as above
placement              string               plain or transformer; empty without int8-static, as all down to overrides
preset                 string               performance or mixed
estimator              string               range estimator of the activations
estimator_parameter    Float64              constant of moving-average, p of percentile; exact
symmetry               string               as-preset, symmetric or affine
weights                string               per-channel or per-tensor
bias_correction        boolean
overflow_fix           string               off, first-layer or all
trained                string               SHA-256 of the model that training made of this configuration; empty without
float_operators        string               JSON list of the operators that are not int8-static
overrides              string               JSON object, activation quantiser: [estimator, parameter, symmetry]
on_front               boolean              on the Pareto front of the search split
finalist               boolean              judged on the holdout
winner                 boolean
speedup                Float64  ratio       float f32's time / this one's: median of the per-pair ratios; after a duel,
                                            the speedup of ``duel_trial`` times ``duel_ratio``
speedup_low            Float64  ratio       ends of its interval at the confidence asked for
speedup_high           Float64  ratio
latency_ms             Float64  ms          median per inference
baseline_ms            Float64  ms          the same of float f32 in the same pairs
pairs                  Int64                interleaved pairs timed
duel_trial             Int64                the fastest within the tolerance then, timed in pairs with this one
duel_ratio             Float64  ratio       its time / this one's; empty where the two were not close
duel_low               Float64  ratio       ends of its interval; above 1 this one takes its place
duel_high              Float64  ratio
duel_seconds           Float64  s           part of ``seconds_latency``
score                  Float64  metric      on the first ``samples`` samples of the search split
drop                   Float64  metric      against float f32 on the same samples, positive is worse
drop_error             Float64  metric      standard error of the drop, from the paired scores
samples                Int64                samples scored; fewer than the split's when stopped
size_bytes             Int64    byte        size of the model's files
threads                Int64                threads that it ran on
executed_precision     string               what OpenVINO really computes float operators in
notes                  string               what ran otherwise than asked
candidate              string               SHA-256 of the built model
duplicate_of           Int64                trial with the same model, measured there
failure_stage          string               build, compile, latency, score or worker
failure_kind           string
reason                 string               why it failed, was stopped or not measured again
seconds_observe        Float64  s           making, placing and recording a graph form, where this trial was its first
seconds_inference      Float64  s           compiling and inference while its graph form was observed
seconds_build          Float64  s           wall time of each phase of this trial
seconds_compile        Float64  s
seconds_score          Float64  s
seconds_latency        Float64  s
finished_at            string               ISO 8601, UTC
ended_seconds          Float64  s           from the run's begin to this trial's end, without pauses before a --resume
=====================  =======  ==========  ======================================================================

pareto.csv, the members of the front and the finalists, fastest on the search split first: ``trial``, ``label``,
``on_front``, ``finalist``, ``winner``, ``speedup``, ``speedup_low``, ``speedup_high``, ``latency_ms``, ``score``,
``drop``, ``size_bytes`` as above, then of finalists only:

==============================  =======  ======  ===================================================================
column                          type     unit    meaning
==============================  =======  ======  ===================================================================
final_speedup                   Float64  ratio   against float f32, timed again in common rounds
final_speedup_low, _high        Float64  ratio   ends of its interval
final_speedup_best_float        Float64  ratio   against the best float, same rounds
final_speedup_best_float_low    Float64  ratio   ends of its interval
final_speedup_best_float_high   Float64  ratio
final_latency_ms                Float64  ms      median over the rounds
meets_latency                   boolean          the latency asked for is kept
meets_size                      boolean          the size asked for is kept
meets_speedup                   boolean          the speedup asked for is reached
verdict                         string           proven, expected or beyond
holdout_score                   Float64  metric  of this model
holdout_float_score             Float64  metric  of float f32
holdout_drop                    Float64  metric  positive is worse
holdout_drop_upper              Float64  metric  its one-sided upper bound at ``confidence``
tolerance                       Float64  metric  largest drop allowed
confidence                      Float64          of the bound
holdout_samples                 Int64            samples judged on
holdout_groups                  Int64            groups that they come in; empty where each sample stands alone
bound                           string           name of the statistical method
more_samples                    Int64            further labelled samples that would settle it; empty if none would
more_groups                     Int64            the same in groups
==============================  =======  ======  ===================================================================
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from autotune.configuration import Configuration
from autotune.outcome import Finalist, Run
from autotune.record import Trial
from autotune.report.lookup import Lookup, candidate_ms, median

if TYPE_CHECKING:
    import pandas as pd

TRIAL_TYPES = {
    "trial": "Int64", "state": "string", "origin": "string", "configuration": "string", "label": "string",
    "scheme": "string", "precision": "string", "forms": "string", "bf16_operators": "string",
    "compressed_operators": "string", "compression_symmetry": "string", "dynamic_group": "Int64",
    "placement": "string", "preset": "string",
    "estimator": "string",
    "estimator_parameter": "Float64", "symmetry": "string", "weights": "string", "bias_correction": "boolean",
    "overflow_fix": "string", "trained": "string", "float_operators": "string", "overrides": "string",
    "on_front": "boolean",
    "finalist": "boolean", "winner": "boolean", "speedup": "Float64", "speedup_low": "Float64",
    "speedup_high": "Float64", "latency_ms": "Float64", "baseline_ms": "Float64", "pairs": "Int64",
    "duel_trial": "Int64", "duel_ratio": "Float64", "duel_low": "Float64", "duel_high": "Float64",
    "duel_seconds": "Float64",
    "score": "Float64", "drop": "Float64", "drop_error": "Float64", "samples": "Int64", "size_bytes": "Int64",
    "threads": "Int64", "executed_precision": "string", "notes": "string",
    "candidate": "string", "duplicate_of": "Int64", "failure_stage": "string", "failure_kind": "string",
    "reason": "string", "seconds_observe": "Float64", "seconds_inference": "Float64",
    "seconds_build": "Float64", "seconds_compile": "Float64",
    "seconds_score": "Float64",
    "seconds_latency": "Float64", "finished_at": "string",
    "ended_seconds": "Float64",
}  # fmt: skip

_SHARED = (
    "trial", "label", "on_front", "finalist", "winner", "speedup", "speedup_low", "speedup_high", "latency_ms",
    "score", "drop", "size_bytes",
)  # fmt: skip
PARETO_TYPES = {
    **{name: TRIAL_TYPES[name] for name in _SHARED},
    "final_speedup": "Float64", "final_speedup_low": "Float64", "final_speedup_high": "Float64",
    "final_speedup_best_float": "Float64", "final_speedup_best_float_low": "Float64",
    "final_speedup_best_float_high": "Float64", "final_latency_ms": "Float64", "meets_latency": "boolean",
    "meets_size": "boolean", "meets_speedup": "boolean",
    "verdict": "string", "holdout_score": "Float64", "holdout_float_score": "Float64", "holdout_drop": "Float64",
    "holdout_drop_upper": "Float64", "tolerance": "Float64", "confidence": "Float64", "holdout_samples": "Int64",
    "holdout_groups": "Int64", "bound": "string", "more_samples": "Int64", "more_groups": "Int64",
}  # fmt: skip


def trials_frame(run: Run) -> pd.DataFrame:
    """trials.csv: one row per trial; the columns are described above."""
    found = Lookup(run)
    rows = [_trial(found, t) for t in sorted(run.trials, key=lambda t: t.number)]
    return _frame(rows, TRIAL_TYPES)


def pareto_frame(run: Run) -> pd.DataFrame:
    """pareto.csv: the front's members and the finalists; the columns are described above."""
    found = Lookup(run)
    numbers = dict.fromkeys((*run.front, *found.finalists))
    rows = []
    for number in numbers:
        trial = found.trials.get(number)
        if trial is not None:
            row = _trial(found, trial)
            rows.append({**{name: row[name] for name in _SHARED}, **_final(found.finalists.get(number))})
    rows.sort(key=lambda row: (-(row["speedup"] or 0.0), row["trial"]))
    return _frame(rows, PARETO_TYPES)


def _frame(rows: Sequence[Mapping[str, Any]], types: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    columns = {name: pd.Series([row.get(name) for row in rows], dtype=kind) for name, kind in types.items()}
    return pd.DataFrame(columns)


def _trial(found: Lookup, trial: Trial) -> dict[str, Any]:
    measured, failure = trial.measurement, trial.failure
    row: dict[str, Any] = {
        "trial": trial.number,
        "state": trial.state,
        "origin": trial.origin,
        "label": trial.configuration.label,
        **_choices(trial.configuration),
        "on_front": trial.number in found.run.front,
        "finalist": trial.number in found.finalists,
        "winner": trial.number == found.run.winner and found.winner is not None,
        "candidate": trial.candidate,
        "duplicate_of": trial.duplicate_of,
        "failure_stage": None if failure is None else failure.stage,
        "failure_kind": None if failure is None else failure.kind,
        "reason": " ".join(trial.reason.split()) or None,
        **{
            f"seconds_{p}": _nine(getattr(trial.seconds, p))
            for p in ("observe", "inference", "build", "compile", "score", "latency")
        },
        "finished_at": _moment(trial.finished_at),
        "ended_seconds": _nine(trial.ended_seconds),
    }
    for name in ("speedup", "score", "drop", "samples", "size_bytes", "threads"):
        row[name] = None
    if measured is not None:
        row |= {
            "score": _nine(measured.score),
            "drop": _nine(measured.drop),
            "drop_error": _nine(measured.drop_error),
            "samples": measured.samples,
            "size_bytes": measured.size_bytes,
            "threads": measured.threads,
            "executed_precision": measured.precision or None,
            "notes": " ".join(measured.notes) or None,
        }
    duel = measured.duel if measured is not None else None
    if duel is not None:
        row |= {
            "duel_trial": duel.against,
            "duel_ratio": _nine(duel.ratio.estimate),
            "duel_low": _nine(duel.ratio.low),
            "duel_high": _nine(duel.ratio.high),
            "duel_seconds": _nine(duel.seconds),
        }
    latency = measured.latency if measured is not None else None
    return row | {
        "speedup": None if latency is None else _nine(latency.speedup.estimate),
        "speedup_low": None if latency is None else _nine(latency.speedup.low),
        "speedup_high": None if latency is None else _nine(latency.speedup.high),
        "latency_ms": _nine(candidate_ms(latency)),
        "baseline_ms": _nine(median(latency.baseline_ms)) if latency is not None and latency.baseline_ms else None,
        "pairs": None if latency is None else len(latency.candidate_ms),
    }


def _choices(configuration: Configuration) -> dict[str, Any]:
    q = configuration.quantization
    forms = {form.name: {"groups": form.groups, "alpha": form.alpha} for form in configuration.forms}
    common = {
        "configuration": configuration.digest,
        "precision": configuration.precision,
        "forms": json.dumps(forms),
        "bf16_operators": json.dumps(configuration.bf16_operators),
        **_compression(configuration),
    }
    if q is None:
        return common
    overrides = {n: [c.estimator.name, c.estimator.parameter, c.symmetry] for n, c in q.overrides}
    return {
        **common,
        "placement": q.placement,
        "preset": q.preset,
        "estimator": q.activation.estimator.name,
        "estimator_parameter": q.activation.estimator.parameter,
        "symmetry": q.activation.symmetry,
        "weights": q.weights,
        "bias_correction": q.bias_correction,
        "overflow_fix": q.overflow_fix,
        "trained": None if configuration.training is None else configuration.training.digest,
        "float_operators": json.dumps(q.float_operators),
        "overrides": json.dumps(overrides),
    }


def _compression(configuration: Configuration) -> dict[str, Any]:
    compression = configuration.compression
    static = [] if configuration.quantization is None else ["int8-static"]
    if compression is None:
        return {"scheme": "float" if not static else "int8-static", "compressed_operators": "[]"}
    return {
        "scheme": "+".join([*static, compression.scheme]),
        "compressed_operators": json.dumps(compression.operators),
        "compression_symmetry": compression.symmetry,
        "dynamic_group": compression.dynamic_group,
    }


def _final(finalist: Finalist | None) -> dict[str, Any]:
    if finalist is None:
        return {}
    verdict, speed, best = finalist.verdict, finalist.speedup, finalist.speedup_best_float
    return {
        "final_speedup": _nine(speed.estimate),
        "final_speedup_low": _nine(speed.low),
        "final_speedup_high": _nine(speed.high),
        "final_speedup_best_float": _nine(best.estimate),
        "final_speedup_best_float_low": _nine(best.low),
        "final_speedup_best_float_high": _nine(best.high),
        "final_latency_ms": _nine(median(finalist.milliseconds)) if finalist.milliseconds else None,
        "meets_latency": finalist.meets_latency,
        "meets_size": finalist.meets_size,
        "meets_speedup": finalist.meets_speedup,
        "verdict": verdict.status,
        "holdout_score": _nine(verdict.score),
        "holdout_float_score": _nine(verdict.float_score),
        "holdout_drop": _nine(verdict.drop),
        "holdout_drop_upper": _nine(verdict.drop_upper),
        "tolerance": _nine(verdict.tolerance),
        "confidence": _nine(verdict.confidence),
        "holdout_samples": verdict.n,
        "holdout_groups": verdict.groups,
        "bound": verdict.method,
        "more_samples": verdict.more_samples,
        "more_groups": verdict.more_groups,
    }


def _nine(value: float | None) -> float | None:
    """Nine significant digits, which every CSV reader reads back exactly; None where not finite."""
    return float(f"{value:.9g}") if value is not None and math.isfinite(value) else None


def _moment(epoch: float) -> str | None:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="seconds") if epoch else None
