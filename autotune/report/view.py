"""From a run to the page: a pure function that formats everything and decides nothing."""

from __future__ import annotations

from autotune.decide import saturation_sentence
from autotune.outcome import Finalist, RunRecord
from autotune.record import Interval
from autotune.report import words
from autotune.report.evidence import finalist_rows, front, latencies, status_badge
from autotune.report.ladder import ladder_part
from autotune.report.listing import failed_rows, state_counts, stopped_rows, trial_rows
from autotune.report.lookup import BASELINE, Lookup, median
from autotune.report.mattering import importance
from autotune.report.operating import operators
from autotune.report.page import Badge, Card, Choice, Headline, Page, Phase, Reproduce
from autotune.report.pairing import duel, pairs
from autotune.report.progress import anytime
from autotune.report.ranges import calibration
from autotune.report.words import MetricWords

_OUTCOMES = {
    "constraint-unmet": Badge("constraint not met", "✗", "bad", "No model meets every constraint; this comes nearest."),
    "interrupted": Badge("interrupted", "‖", "plain", "The search was ended early; this is what it had found."),
}
_NO_VERDICT = Badge("no verdict", "?", "plain", "No candidate was judged on the holdout.")

_APPLY = "autotune apply solved.yaml --output model"
_VERIFY = "autotune verify ."
_LOAD = """import autotune

compiled = autotune.load("model")
outputs = compiled(inputs)"""


def view(run: RunRecord) -> Page:
    """Return everything that the page shows, as text ready to print.

    Args:
        run: finished or interrupted; it may have no finalists.
    """
    found = Lookup(run)
    metric = MetricWords.of(run.goal, run.baseline_score)
    return Page(
        name=run.name,
        headline=_headline(found, metric),
        cards=_cards(found, metric),
        front=front(found, metric),
        anytime=anytime(found, metric),
        latencies=latencies(found),
        pairs=pairs(found),
        duel=duel(found),
        finalists=finalist_rows(found, metric),
        trials=trial_rows(found, metric),
        states=state_counts(run.trials),
        operators=operators(found),
        ladder=ladder_part(run.ladder),
        calibration=calibration(found),
        importance=importance(found),
        failed=failed_rows(run.trials),
        stopped=stopped_rows(run.trials),
        splits=_splits(run),
        goal=_goal(run, metric),
        phases=_phases(run),
        notes=run.notes,
        model=_model(run),
        machine=_machine(run),
        versions=tuple(Choice(name, version) for name, version in sorted(run.fingerprint.versions.items())),
        reproduce=Reproduce(run.command, _APPLY, _VERIFY, _LOAD, run.solved),
    )


def _headline(found: Lookup, metric: MetricWords) -> Headline:
    run, winner = found.run, found.winner
    badges = [_OUTCOMES[run.outcome]] if run.outcome in _OUTCOMES else []
    badges.append(status_badge(winner.verdict.status) if winner is not None else _NO_VERDICT)
    asides = [run.why_float] if run.why_float and run.why_float not in run.sentence else []
    proven = found.fastest_proven
    told = proven is not None and f"fastest proven one is trial {proven.trial} " in run.sentence
    if proven is not None and winner is not None and proven.trial != winner.trial and not told:
        asides.append(
            f"Fastest proven: {proven.configuration.label} (trial {proven.trial}) at "
            f"{words.ratio(proven.speedup.estimate)}, drop at most {metric.drop(proven.verdict.drop_upper)}."
        )
    if run.saturation is not None:
        asides.append(saturation_sentence(run.saturation, run.goal))
    machine = run.fingerprint
    return Headline(
        title=_title(found, metric),
        sentence=run.sentence,
        badges=tuple(badges),
        asides=tuple(asides),
        facts=(
            run.model.name,
            machine.cpu,
            words.count(machine.threads, "thread"),
            f"{words.count(len(run.trials), 'trial')} in {words.duration(run.wall_seconds)}",
            run.started.replace("T", " ", 1),
        ),
    )


def _title(found: Lookup, metric: MetricWords) -> str:
    winner = found.winner
    if winner is None:
        return "Nothing was judged: float f32 is kept."
    verdict = winner.verdict
    if winner.configuration == BASELINE:
        return "Float f32 is the fastest model within the tolerance on this CPU."
    speed, end = winner.speedup, words.between(winner.speedup)
    loss = f"{metric.name} drop {metric.drop(verdict.drop)}, at most {metric.drop(verdict.drop_upper)}"
    return f"{words.ratio(speed.estimate)} as fast as float f32{f' ({end})' if end else ''}; {loss}."


def _cards(found: Lookup, metric: MetricWords) -> tuple[Card, ...]:
    winner = found.winner
    if winner is None:
        return (
            Card(
                title=f"{metric.name} of float f32",
                before="",
                after=metric.score(found.run.baseline_score),
                change="",
                details=(f"search split, {words.count(found.run.splits.search, 'sample')}",),
            ),
            Card("latency of float f32", "", words.milliseconds(found.baseline_ms()), "", ("median",)),
            Card("size of the source model", "", words.size(found.run.model.size_bytes), "", ()),
        )
    return (
        _metric_card(winner, found.run, metric),
        _latency_card(winner, found),
        _size_card(winner, found),
        *_memory_card(winner, found),
        _speed_card(winner, found),
        _throughput_card(winner, found),
    )


def _metric_card(winner: Finalist, run: RunRecord, metric: MetricWords) -> Card:
    verdict = winner.verdict
    return Card(
        title=metric.name,
        before=metric.score(verdict.float_score),
        after=metric.score(verdict.score),
        change=f"drop {metric.drop(verdict.drop)}",
        details=(
            f"drop at most {metric.drop(verdict.drop_upper)} at {words.confidence(verdict.confidence)} confidence",
            f"tolerance {metric.tolerance(verdict.tolerance)} ({run.goal.max_drop})",
            f"holdout of {words.samples(verdict)}",
        ),
    )


def _latency_card(winner: Finalist, found: Lookup) -> Card:
    before, after = found.baseline_ms(), median(winner.milliseconds) if winner.milliseconds else None
    limit = found.run.goal.max_latency_ms
    details = [f"median of {words.count(len(winner.milliseconds), 'interleaved round')}"]
    if limit is not None:
        met = "met" if winner.meets_latency else "not met"
        details.append(f"at most {words.milliseconds(limit)} asked: {met}")
    return Card(
        title="latency",
        before=words.milliseconds(before),
        after=words.milliseconds(after),
        change=words.change(before, after) if before is not None and after is not None else "",
        details=tuple(details),
    )


def _size_card(winner: Finalist, found: Lookup) -> Card:
    measured = found.measurement(winner.trial)
    baseline = found.baseline.measurement if found.baseline is not None else None
    before = baseline.size_bytes if baseline is not None else found.run.model.size_bytes
    after = measured.size_bytes if measured is not None else None
    change = words.change(before, after) if after is not None else ""
    details = ["the model's constants"]
    if winner.configuration.float_weights == "f16":
        details.append("float weights stored as f16")
    if (limit := found.run.goal.max_size_bytes) is not None:
        details.append(f"at most {words.size(limit)} asked: {'met' if winner.meets_size else 'not met'}")
    return Card("size", words.size(before), words.size(after), change, tuple(details))


def _memory_card(winner: Finalist, found: Lookup) -> tuple[Card, ...]:
    """None where no peak memory was measured: in an older run, or in one that was interrupted."""
    baseline = found.baseline_finalist
    before, after = None if baseline is None else baseline.peak_memory_bytes, winner.peak_memory_bytes
    if before is None and after is None:
        return ()
    details = ["a fresh process at most, loading and running the written model, less what it had before"]
    if (limit := found.run.goal.max_memory_bytes) is not None:
        details.append(f"at most {words.size(limit)} asked: {'met' if winner.meets_memory else 'not met'}")
    change = words.change(before, after) if before and after is not None else ""
    return (Card("peak memory", words.size(before), words.size(after), change, tuple(details)),)


def _speed_card(winner: Finalist, found: Lookup) -> Card:
    best = found.best_float
    details = []
    if best is not None and best.trial == winner.trial:
        details.append("the winner is the best float")
    elif best is not None:
        speed = winner.speedup_best_float
        details.append(f"{_speed(speed)} against the best float within tolerance, {best.configuration.label}")
    if (asked := found.run.goal.min_speedup) is not None:
        details.append(f"at least {words.ratio(asked)} asked: {'met' if winner.meets_speedup else 'not met'}")
    details.append(f"intervals at {words.confidence(found.run.goal.confidence)} confidence")
    return Card("speed", "", words.ratio(winner.speedup.estimate), _against_f32(winner.speedup), tuple(details))


def _throughput_card(winner: Finalist, found: Lookup) -> Card:
    before, after = found.baseline_ms(), median(winner.milliseconds) if winner.milliseconds else None
    threads = found.run.fingerprint.threads
    return Card(
        title="throughput",
        before=words.rate(before),
        after=words.rate(after),
        change=words.change(1 / before, 1 / after) if before and after else "",
        details=(
            f"inferences one after the other, {words.count(threads, 'thread')} at most: 1 s over the median latency",
        ),
    )


def _against_f32(speed: Interval) -> str:
    ends = words.between(speed)
    return f"against float f32 ({ends})" if ends else "against float f32"


def _speed(speed: Interval) -> str:
    ends = words.between(speed)
    return f"{words.ratio(speed.estimate)} ({ends})" if ends else words.ratio(speed.estimate)


def _splits(run: RunRecord) -> tuple[Choice, ...]:
    sizes = run.splits
    return (
        Choice("data", run.data),
        Choice("calibration", f"{words.count(sizes.calibration, 'sample')}, for the ranges, labels unused"),
        Choice("search", f"{words.count(sizes.search, 'sample')}, seen by the search"),
        Choice("holdout", f"{words.count(sizes.holdout, 'sample')}, looked at once per finalist"),
        Choice("identical samples dropped", words.count(sizes.duplicates_removed)),
    )


def _goal(run: RunRecord, metric: MetricWords) -> tuple[Choice, ...]:
    goal = run.goal
    limit = "none" if goal.max_latency_ms is None else words.milliseconds(goal.max_latency_ms)
    return (
        Choice("metric", f"{goal.metric}, {'higher' if goal.higher_is_better else 'lower'} is better"),
        Choice("largest drop", f"{goal.max_drop}, {metric.tolerance(goal.tolerance)} in the metric's units"),
        Choice("largest latency", limit),
        Choice("least speedup", "none" if goal.min_speedup is None else words.ratio(goal.min_speedup)),
        Choice("largest size", "none" if goal.max_size_bytes is None else words.size(goal.max_size_bytes)),
        Choice("largest peak memory", "none" if goal.max_memory_bytes is None else words.size(goal.max_memory_bytes)),
        Choice("confidence", words.confidence(goal.confidence)),
        Choice("assurance asked", goal.assurance),
    )


def _phases(run: RunRecord) -> tuple[Phase, ...]:
    spent, wall = run.seconds, run.wall_seconds
    inner = (
        ("observe (also before the search)", spent.observe),
        ("compile and infer for that", spent.inference),
        ("build", spent.build),
        ("compile", spent.compile),
        ("score", spent.score),
        ("latency", spent.latency),
    )
    rest = max(0.0, wall - spent.search - spent.report)

    def phase(name: str, seconds: float, inner: bool = False) -> Phase:
        return Phase(name, words.duration(seconds), min(1.0, seconds / wall) if wall else 0.0, inner)

    return (
        phase("search", spent.search),
        *(phase(name, seconds, inner=True) for name, seconds in inner),
        phase("report", spent.report),
        phase("data, baseline, first observation, finalists, export", rest),
        phase("whole run", wall),
    )


def _model(run: RunRecord) -> tuple[Choice, ...]:
    model = run.model
    inputs = "; ".join(f"{i.name} {i.dtype} [{', '.join(map(str, i.shape))}]" for i in model.inputs)
    fast = model.nncf_path == "fast"
    solved = "NNCF's solver, checked against nncf.quantize" if fast else f"nncf.quantize: {model.nncf_path}"
    return (
        Choice("model", model.name),
        Choice("inputs", inputs or words.MISSING),
        Choice("outputs", ", ".join(model.outputs) or words.MISSING),
        Choice("size", words.size(model.size_bytes)),
        Choice("operators that can be quantised", words.count(len(model.operators))),
        Choice("placement of quantisers", solved),
        Choice("SHA-256", model.digest),
    )


def _machine(run: RunRecord) -> tuple[Choice, ...]:
    machine = run.fingerprint
    saturate = "saturate on this instruction set" if run.model.can_saturate else "do not saturate"
    return (
        Choice("CPU", machine.cpu),
        Choice("instruction set", machine.instruction_set),
        Choice("features", ", ".join(machine.isa) or words.MISSING),
        Choice("8-bit sums", saturate),
        Choice("precisions really executed", ", ".join(run.model.precisions) or words.MISSING),
        Choice("cores", words.count(machine.cores)),
        Choice("threads at most", words.count(machine.threads)),
        Choice("memory", f"{machine.memory_gib:.1f} GiB"),
        Choice("system", machine.system),
    )
