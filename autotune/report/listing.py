"""The views behind the tables of trials and problems. Pure functions of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from autotune.configuration import ActivationChoice, Compression, Configuration, FormChoice
from autotune.record import Seconds, Trial
from autotune.report import words
from autotune.report.evidence import roles
from autotune.report.lookup import Lookup, candidate_ms
from autotune.report.page import Choice, ProblemRow, StateCount, TrialRow
from autotune.report.words import MetricWords

_STATES = ("complete", "stopped", "duplicate", "failed")


def choices(configuration: Configuration) -> tuple[Choice, ...]:
    """Every choice of a configuration, in full."""
    q = configuration.quantization
    forms = [Choice(f"form {form.name}", _form(form)) for form in configuration.forms]
    if configuration.bf16_operators:
        forms.append(Choice("operators in bf16", ", ".join(configuration.bf16_operators)))
    forms += _compression(configuration.compression)
    if configuration.float_weights != "f32":
        forms.append(Choice("float weights stored as", configuration.float_weights))
    if configuration.threads is not None:
        forms.append(Choice("threads", str(configuration.threads)))
    compressed = configuration.compression.operators if configuration.compression else ()
    if q is None:
        return (Choice("precision", configuration.precision), *forms)
    made = configuration.training
    trained = [] if made is None else [Choice("training", f"{words.count(made.steps, 'step')}, model {made.digest}")]
    kept = [name for name in q.float_operators if name not in compressed]
    return (
        *forms,
        Choice("placement", q.placement),
        Choice("preset", q.preset),
        Choice("activation ranges", _activation(q.activation)),
        *(Choice(f"range of {name}", _activation(choice)) for name, choice in q.overrides),
        Choice("weights", q.weights),
        Choice("bias correction", "on" if q.bias_correction else "off"),
        Choice("overflow fix", q.overflow_fix),
        Choice("precision of the rest", configuration.precision),
        Choice("operators kept float", ", ".join(kept) or "none"),
        *trained,
    )


def _compression(compression: Compression | None) -> list[Choice]:
    if compression is None:
        return []
    group = f", dynamic groups of {compression.dynamic_group}" if compression.dynamic_group else ""
    channels = f"{compression.weight_group} input channels of an output channel" if compression.weight_group else ""
    found = [
        Choice(f"{compression.scheme} linear layers", ", ".join(compression.operators)),
        Choice("their weights", f"{compression.symmetry}, one scale per {channels or 'output channel'}{group}"),
    ]
    if compression.per_channel:
        found.append(Choice("of these in int8 per output channel", ", ".join(compression.per_channel)))
    return found


def _form(form: FormChoice) -> str:
    strength = "" if form.alpha is None else f"alpha {form.alpha:g}: "
    return strength + ", ".join(form.groups)


def _activation(choice: ActivationChoice) -> str:
    return f"{choice.estimator}, {'symmetry as preset' if choice.symmetry == 'as-preset' else choice.symmetry}"


def trial_rows(found: Lookup, metric: MetricWords) -> tuple[TrialRow, ...]:
    """By number."""
    return tuple(_trial_row(found, t, metric) for t in sorted(found.run.trials, key=lambda t: t.number))


def _trial_row(found: Lookup, trial: Trial, metric: MetricWords) -> TrialRow:
    measured = trial.measurement
    latency = None if measured is None else measured.latency
    middle = candidate_ms(latency)
    spent = total_seconds(trial.seconds)
    drop = None if measured is None else measured.drop
    return TrialRow(
        trial=trial.number,
        state=trial.state,
        remark=_remark(found, trial),
        origin=trial.origin,
        label=trial.configuration.label,
        choices=choices(trial.configuration),
        marks=roles(found, trial.number),
        speedup=words.ratio(None if latency is None else latency.speedup.estimate),
        speedup_value=None if latency is None else latency.speedup.estimate,
        speedup_interval="" if latency is None else words.between(latency.speedup),
        drop=metric.drop(drop),
        drop_value=drop,
        drop_error="" if measured is None else metric.error(measured.drop_error),
        latency=words.milliseconds(middle),
        latency_value=middle,
        size=words.size(None if measured is None else measured.size_bytes),
        size_value=None if measured is None else measured.size_bytes,
        seconds=words.duration(spent) if spent else words.MISSING,
        seconds_value=spent,
    )


def _remark(found: Lookup, trial: Trial) -> str:
    if trial.duplicate_of is not None:
        return f"as trial {trial.duplicate_of}"
    if trial.state == "stopped" and trial.measurement is not None:
        whole = words.count(found.run.splits.search)
        return f"after {words.count(trial.measurement.samples)} of {whole} samples"
    return "" if trial.measurement is None else " ".join(trial.measurement.notes)


def total_seconds(seconds: Seconds) -> float:
    """What one trial took."""
    return seconds.observe + seconds.inference + seconds.build + seconds.compile + seconds.score + seconds.latency


def state_counts(trials: Iterable[Trial]) -> tuple[StateCount, ...]:
    """States that occur, in a fixed order."""
    counted: Counter[str] = Counter(t.state for t in trials)
    return tuple(StateCount(s, counted[s]) for s in _STATES if counted[s])


def failed_rows(trials: Iterable[Trial]) -> tuple[ProblemRow, ...]:
    """Trials without a measurement, with the stage at which they failed."""
    return tuple(
        ProblemRow(
            trial=t.number,
            label=t.configuration.label,
            stage=words.MISSING if t.failure is None else f"{t.failure.stage} ({t.failure.kind})",
            reason=t.reason if t.failure is None else t.failure.message,
        )
        for t in trials
        if t.state == "failed"
    )


def stopped_rows(trials: Iterable[Trial]) -> tuple[ProblemRow, ...]:
    """Trials whose evaluation ended early."""
    return tuple(ProblemRow(t.number, t.configuration.label, "", t.reason) for t in trials if t.state == "stopped")
