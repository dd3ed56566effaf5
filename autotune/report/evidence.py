"""The views behind the plots and the finalists' table. Pure functions of a run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import NormalDist

from autotune.configuration import Configuration
from autotune.counts import named
from autotune.outcome import Finalist, Status
from autotune.record import Measurement, Trial
from autotune.report import words
from autotune.report.lookup import BASELINE, Lookup, candidate_ms, median, short_name
from autotune.report.page import Badge, FinalistRow
from autotune.report.pictures import Front, FrontPoint, HoldoutPoint, Latencies, LatencySeries, PointKind
from autotune.report.words import MetricWords
from autotune.stats import t_errors

# Drops beyond this many tolerances are outside the first view of the front: they would flatten everything else.
VIEW_TOLERANCES = 5.0

_STATUS: dict[Status, Badge] = {
    "proven": Badge("proven", "✓", "good", "The upper bound of the drop on unseen data is within the tolerance."),
    "expected": Badge(
        "expected",
        "≈",
        "fair",
        "The estimated drop on unseen data is within the tolerance, its upper bound is not yet.",
    ),
    "beyond": Badge("beyond", "✗", "bad", "The estimated drop on unseen data is beyond the tolerance."),
}


def status_badge(status: Status) -> Badge:
    """The badge of a verdict."""
    return _STATUS[status]


def roles(found: Lookup, number: int) -> tuple[str, ...]:
    """What a trial is in this run, most important first."""
    run = found.run
    trial = found.trials.get(number)
    named = (
        ("winner", number == run.winner and found.winner is not None),
        ("fastest proven", number == run.fastest_proven),
        ("best float", number == run.best_float and found.best_float is not None),
        ("baseline", trial is not None and trial.configuration == BASELINE),
        ("finalist", number in found.finalists),
        ("front", number in run.front),
    )
    return tuple(name for name, holds in named if holds)


def front(found: Lookup, metric: MetricWords) -> Front:
    """Speedup against drop of every trial that was timed and scored; duplicates are the same point and left out."""
    run = found.run
    points = tuple(p for t in run.trials if (p := _front_point(found, t, metric)) is not None)
    by_trial = {p.trial: p for p in points}
    members = sorted((by_trial[n] for n in run.front if n in by_trial), key=lambda p: p.speedup)
    holdout = tuple(_holdout_point(found, f, metric) for f in run.finalists if _placed(f))
    tolerance = run.goal.tolerance
    y_range = _y_range(points, holdout, tolerance)
    above = sum(p.drop > y_range[1] for p in points if p.kind != "stopped")
    worst = max((p.drop for p in points), default=0.0)
    note = ""
    if above:
        lie = "lies" if above == 1 else "lie"
        note = f"{words.count(above, 'trial')} {lie} above this view (drop up to {metric.drop(worst)})."
    within = sum(p.drop <= tolerance for p in points if p.kind != "stopped")
    return Front(
        metric=metric.name,
        tolerance=tolerance,
        tolerance_text=f"tolerance {metric.tolerance(tolerance)}",
        points=points,
        line=tuple((p.speedup, p.drop) for p in members),
        holdout=holdout,
        x_range=_x_range([p for p in points if p.drop <= y_range[1]], holdout),
        y_range=y_range,
        note=note,
        summary=f"Scatter plot of speedup against drop: {words.count(len(points), 'trial')}, {within} within the "
        f"tolerance, {words.count(len(members), 'member')} on the front, "
        f"{words.count(len(holdout), 'finalist')} on the holdout. The tables below hold the same numbers.",
    )


def _front_point(found: Lookup, trial: Trial, metric: MetricWords) -> FrontPoint | None:
    measured = trial.measurement
    if trial.state not in ("complete", "stopped") or measured is None:
        return None
    if measured.latency is None or measured.drop is None or not math.isfinite(measured.drop):
        return None
    speed = measured.latency.speedup
    kind: PointKind
    if trial.state == "stopped":
        kind = "stopped"
    elif trial.origin != "plain":
        kind = "searched"
    else:
        kind = "float" if trial.configuration.is_float else "peer"
    partial = f" on the first {words.count(measured.samples, 'sample')}" if trial.state == "stopped" else ""
    error = f" ({told})" if (told := metric.error(measured.drop_error)) else ""
    details = (
        f"trial {trial.number}: {trial.configuration.label}",
        f"speedup {words.ratio(speed.estimate)} ({words.between(speed)})",
        f"drop {metric.drop(measured.drop)}{error}{partial}, {metric.name} {metric.score(measured.score)}",
        f"latency {words.milliseconds(candidate_ms(measured.latency))}, size {words.size(measured.size_bytes)}",
        *((f"stopped: {trial.reason}",) if trial.state == "stopped" else ()),
        *((", ".join(r),) if (r := roles(found, trial.number)) else ()),
    )
    low, high = _ends(speed.low, speed.high, speed.estimate)
    return FrontPoint(
        trial.number,
        kind,
        trial.configuration.label,
        speed.estimate,
        low,
        high,
        measured.drop,
        _half_width(measured, found.run.goal.confidence),
        details,
    )


def _half_width(measured: Measurement, confidence: float) -> float:
    """Of the two-sided interval of a drop on the search split, by its standard error; 0 where that is not known."""
    errors = NormalDist().inv_cdf((1 + confidence) / 2)
    if measured.groups is not None:
        errors = t_errors(errors, measured.groups)
    width = errors * (measured.drop_error or 0.0)
    return width if math.isfinite(width) else 0.0


def _holdout_point(found: Lookup, finalist: Finalist, metric: MetricWords) -> HoldoutPoint:
    verdict, speed = finalist.verdict, finalist.speedup
    low, high = _ends(speed.low, speed.high, speed.estimate)
    named = roles(found, finalist.trial)
    asked = finalist.configuration
    name = asked.label if asked == Configuration(precision=asked.precision) else ""  # others are too long for a plot
    if "winner" in named:
        name = f"winner: {name or f'trial {finalist.trial}'}"
    details = (
        f"trial {finalist.trial} on the holdout: {finalist.configuration.label}",
        f"speedup {words.ratio(speed.estimate)} ({words.between(speed)})",
        f"drop {metric.drop(verdict.drop)}, at most {metric.drop(verdict.drop_upper)} "
        f"at {words.confidence(verdict.confidence)}",
        f"{verdict.status} on {words.samples(verdict)}",
    )
    upper = verdict.drop_upper if math.isfinite(verdict.drop_upper) else verdict.drop
    return HoldoutPoint(
        finalist.trial, name, speed.estimate, low, high, verdict.drop, upper, "winner" in named, details
    )


def _placed(finalist: Finalist) -> bool:
    return math.isfinite(finalist.speedup.estimate) and math.isfinite(finalist.verdict.drop)


def _ends(low: float, high: float, estimate: float) -> tuple[float, float]:
    return (low if math.isfinite(low) else estimate, high if math.isfinite(high) else estimate)


def _y_range(points: Iterable[FrontPoint], holdout: Iterable[HoldoutPoint], tolerance: float) -> tuple[float, float]:
    drops = [p.drop for p in points if p.kind != "stopped"]
    bounds = [value for h in holdout for value in (h.drop, h.drop_upper)]
    if tolerance > 0:
        drops = [d for d in drops if d <= VIEW_TOLERANCES * tolerance]
        bounds = [min(b, VIEW_TOLERANCES * tolerance) for b in bounds]
    low = min([0.0, *drops, *bounds])
    high = max([0.0, 1.5 * tolerance, *drops, *bounds])
    pad = 0.08 * ((high - low) or 1.0)
    return low - pad, high + pad


def _x_range(points: Iterable[FrontPoint], holdout: Iterable[HoldoutPoint]) -> tuple[float, float]:
    ends = [1.0]
    for point in points:
        if point.kind != "stopped":
            ends += [point.speedup, min(point.high, 1.5 * point.speedup), max(point.low, 0.5 * point.speedup)]
    for finalist in holdout:
        ends += [finalist.low, finalist.high]
    low, high = min(ends), max(ends)
    pad = 0.08 * max(high - low, 1.0)
    return low - pad, high + 1.5 * pad  # room for the label of the fastest


def latencies(found: Lookup) -> Latencies:
    """The finalists' milliseconds of the common interleaved rounds."""
    timed = sorted((f for f in found.run.finalists if f.milliseconds), key=lambda f: -median(f.milliseconds))
    series = tuple(_latency_series(found, f) for f in timed)
    limit = found.run.goal.max_latency_ms
    ends = [_quantile(f.milliseconds, 0.98) for f in timed] + ([limit] if limit is not None else [])
    told = "; ".join(f"{s.name} {s.median}" for s in series)
    return Latencies(
        series=series,
        x_max=1.12 * max(ends, default=1.0),
        max_latency_ms=limit,
        rounds=max((len(f.milliseconds) for f in timed), default=0),
        summary=f"Box plots of milliseconds per inference, medians: {told}.",
    )


def _latency_series(found: Lookup, finalist: Finalist) -> LatencySeries:
    is_float = finalist.configuration.is_float
    short = short_name(finalist)
    text = words.milliseconds(median(finalist.milliseconds))
    if finalist.trial == found.run.winner:
        return LatencySeries(finalist.trial, f"winner: {short}", "winner", finalist.milliseconds, text)
    return LatencySeries(finalist.trial, short, "float" if is_float else "finalist", finalist.milliseconds, text)


def _quantile(values: Sequence[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)]


def finalist_rows(found: Lookup, metric: MetricWords) -> tuple[FinalistRow, ...]:
    """Fastest first."""
    ordered = sorted(found.run.finalists, key=lambda f: -f.speedup.estimate)
    return tuple(_finalist_row(found, f, metric) for f in ordered)


def _finalist_row(found: Lookup, finalist: Finalist, metric: MetricWords) -> FinalistRow:
    verdict = finalist.verdict
    limit = found.run.goal.max_latency_ms
    remarks = []
    if not finalist.meets_latency and limit is not None:
        remarks.append(f"slower than the allowed {words.milliseconds(limit)}")
    if not finalist.meets_speedup and (asked := found.run.goal.min_speedup) is not None:
        remarks.append(f"not the {words.ratio(asked)} asked for")
    if not finalist.meets_size and (size := found.run.goal.max_size_bytes) is not None:
        remarks.append(f"larger than the allowed {words.size(size)}")
    if (memory := found.run.goal.max_memory_bytes) is not None:
        peak = words.size(finalist.peak_memory_bytes)
        above = "" if finalist.meets_memory else f", not within the allowed {words.size(memory)}"
        remarks.append(f"peak memory {peak}{above}")
    if verdict.status == "expected" and verdict.more_samples is not None:
        more, units = verdict.more_samples, named(verdict.more_samples, "labelled sample")
        if verdict.more_groups is not None:
            more = verdict.more_groups
            units = named(more, "group of labelled samples", "groups of labelled samples")
        remarks.append(f"about {words.roughly(more)} more {units} would settle it")
    if verdict.status == "expected" and verdict.more_samples is None:
        units = "samples" if verdict.groups is None else "groups"
        remarks.append(f"no number of further {units} would prove it at this estimate")
    return FinalistRow(
        trial=finalist.trial,
        label=finalist.configuration.label,
        roles=tuple(r for r in roles(found, finalist.trial) if r not in ("finalist", "front")),
        speedup=words.ratio(finalist.speedup.estimate),
        speedup_interval=words.between(finalist.speedup),
        speedup_best_float=words.ratio(finalist.speedup_best_float.estimate),
        speedup_best_float_interval=words.between(finalist.speedup_best_float),
        latency=words.milliseconds(median(finalist.milliseconds) if finalist.milliseconds else None),
        score=metric.score(verdict.score),
        drop=metric.drop(verdict.drop),
        drop_upper=metric.drop(verdict.drop_upper),
        n=words.samples(verdict),
        verdict=status_badge(verdict.status),
        remark="; ".join(remarks),
    )
