"""trials.csv: everything that was tried."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from autotune.configuration import Configuration
from autotune.outcome import RunRecord
from autotune.record import Trial
from autotune.report.lookup import Lookup, candidate_ms, median
from autotune.report.tables.columns import Column, Table, nine

if TYPE_CHECKING:
    import pandas as pd

TRIALS = Table(
    "trials.csv",
    "One row per trial, by `trial`.",
    (
        Column("trial", "Int64", "", "number of the trial, the same as in the study"),
        Column("state", "string", "", "complete, stopped (ended early), duplicate or failed"),
        Column(
            "origin",
            "string",
            "",
            "who proposed it: plain (what peers would ship), neighbour, guide, sampler, training or storage",
        ),
        Column("configuration", "string", "", "SHA-256 of the configuration"),
        Column("label", "string", "", "the configuration in words"),
        Column(
            "scheme",
            "string",
            "",
            "float, int8-static, int8-weights, int8-dynamic, int4-weights or int4-dynamic, joined by +",
        ),
        Column("precision", "string", "", "f32, bf16 or f16: what is not quantised computes in it"),
        Column("float_weights", "string", "", "f32 or f16: how the weights that stay float are stored"),
        Column("forms", "string", "", 'JSON object, graph form: {"groups": [names], "alpha": strength or null}'),
        Column("bf16_operators", "string", "", "JSON list of the operators in bf16 while the rest is f32"),
        Column("compressed_operators", "string", "", "JSON list: linear layers with integer weights, not int8-static"),
        Column("compression_symmetry", "string", "", "symmetric or affine: their weights; empty where there are none"),
        Column("dynamic_group", "Int64", "", "channels with one scale, 0: activations stay float; empty as above"),
        Column("weight_bits", "Int64", "", "of their weights: 8 or 4; empty as above"),
        Column("weight_group", "Int64", "", "input channels with one scale, 0: per output channel; empty as above"),
        Column(
            "per_channel_operators", "string", "", "JSON list: those of them in int8 per output channel all the same"
        ),
        Column("placement", "string", "", "plain or transformer; empty without int8-static, as all down to overrides"),
        Column("preset", "string", "", "performance or mixed"),
        Column("estimator", "string", "", "range estimator of the activations"),
        Column("estimator_parameter", "Float64", "", "constant of moving-average, p of percentile; exact"),
        Column("symmetry", "string", "", "as-preset, symmetric or affine"),
        Column("weights", "string", "", "per-channel or per-tensor"),
        Column("bias_correction", "boolean", "", "whether biases were corrected"),
        Column("overflow_fix", "string", "", "off, first-layer or all"),
        Column("trained", "string", "", "SHA-256 of the model that training made of this configuration"),
        Column("float_operators", "string", "", "JSON list of the operators that are not int8-static"),
        Column("overrides", "string", "", "JSON object, activation quantiser: [estimator, parameter, symmetry]"),
        Column("on_front", "boolean", "", "on the Pareto front of the search split"),
        Column("finalist", "boolean", "", "judged on the holdout"),
        Column("winner", "boolean", "", "the model that was written"),
        Column(
            "speedup",
            "Float64",
            "ratio",
            "float f32's time / this one's: median of the per-pair ratios; after a duel, the speedup of "
            "`duel_trial` times `duel_ratio`",
        ),
        Column("speedup_low", "Float64", "ratio", "lower end of its interval at the confidence asked for"),
        Column("speedup_high", "Float64", "ratio", "upper end"),
        Column("latency_ms", "Float64", "ms", "median per inference"),
        Column("baseline_ms", "Float64", "ms", "the same of float f32 in the same pairs"),
        Column("pairs", "Int64", "", "interleaved pairs timed; they are in latency.csv"),
        Column("duel_trial", "Int64", "", "the fastest within the tolerance then, timed in pairs with this one"),
        Column("duel_ratio", "Float64", "ratio", "its time / this one's; empty where the two were not close"),
        Column("duel_low", "Float64", "ratio", "lower end of its interval; above 1 this one takes its place"),
        Column("duel_high", "Float64", "ratio", "upper end"),
        Column("duel_seconds", "Float64", "s", "part of `seconds_latency`"),
        Column("score", "Float64", "metric", "on the first `samples` samples of the search split"),
        Column("drop", "Float64", "metric", "against float f32 on the same samples, positive is worse"),
        Column("drop_error", "Float64", "metric", "standard error of the drop, from the paired scores"),
        Column("samples", "Int64", "", "samples scored; fewer than the split's when stopped"),
        Column("size_bytes", "Int64", "byte", "size of the model's constants"),
        Column("threads", "Int64", "", "threads that it ran on"),
        Column("executed_precision", "string", "", "what OpenVINO really computes float operators in"),
        Column("notes", "string", "", "what ran otherwise than asked"),
        Column("candidate", "string", "", "SHA-256 of the built model"),
        Column("duplicate_of", "Int64", "", "trial with the same model, measured there"),
        Column("failure_stage", "string", "", "build, compile, latency, score or worker"),
        Column("failure_kind", "string", "", "how it failed"),
        Column("reason", "string", "", "why it failed, was stopped or not measured again"),
        Column("seconds_observe", "Float64", "s", "making, placing and recording a graph form that is new here"),
        Column("seconds_inference", "Float64", "s", "compiling and inference while its graph form was observed"),
        Column("seconds_build", "Float64", "s", "wall time of building the candidate"),
        Column("seconds_compile", "Float64", "s", "of compiling it"),
        Column("seconds_score", "Float64", "s", "of inference and the metric"),
        Column("seconds_latency", "Float64", "s", "of timing"),
        Column("finished_at", "string", "", "ISO 8601, UTC"),
        Column("ended_seconds", "Float64", "s", "from the run's begin to this trial's end, without pauses"),
    ),
)


def trials_frame(run: RunRecord) -> pd.DataFrame:
    """Return trials.csv of a run."""
    found = Lookup(run)
    return TRIALS.frame(trial_row(found, t) for t in sorted(run.trials, key=lambda t: t.number))


def trial_row(found: Lookup, trial: Trial) -> dict[str, Any]:
    """Return the cells of one trial; what is not there is empty."""
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
            f"seconds_{p}": nine(getattr(trial.seconds, p))
            for p in ("observe", "inference", "build", "compile", "score", "latency")
        },
        "finished_at": _moment(trial.finished_at),
        "ended_seconds": nine(trial.ended_seconds),
    }
    for name in ("speedup", "score", "drop", "samples", "size_bytes", "threads"):
        row[name] = None
    if measured is not None:
        row |= {
            "score": nine(measured.score),
            "drop": nine(measured.drop),
            "drop_error": nine(measured.drop_error),
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
            "duel_ratio": nine(duel.ratio.estimate),
            "duel_low": nine(duel.ratio.low),
            "duel_high": nine(duel.ratio.high),
            "duel_seconds": nine(duel.seconds),
        }
    latency = measured.latency if measured is not None else None
    return row | {
        "speedup": None if latency is None else nine(latency.speedup.estimate),
        "speedup_low": None if latency is None else nine(latency.speedup.low),
        "speedup_high": None if latency is None else nine(latency.speedup.high),
        "latency_ms": nine(candidate_ms(latency)),
        "baseline_ms": nine(median(latency.baseline_ms)) if latency is not None and latency.baseline_ms else None,
        "pairs": None if latency is None else len(latency.candidate_ms),
    }


def _choices(configuration: Configuration) -> dict[str, Any]:
    q = configuration.quantization
    forms = {form.name: {"groups": form.groups, "alpha": form.alpha} for form in configuration.forms}
    common = {
        "configuration": configuration.digest,
        "precision": configuration.precision,
        "float_weights": configuration.float_weights,
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
        "weight_bits": compression.bits,
        "weight_group": compression.weight_group,
        "per_channel_operators": json.dumps(compression.per_channel),
    }


def _moment(epoch: float) -> str | None:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="seconds") if epoch else None
