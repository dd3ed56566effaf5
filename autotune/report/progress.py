"""The view behind the anytime curve: the best so far over time. A pure function of a run."""

from __future__ import annotations

from autotune.record import Trial
from autotune.report import words
from autotune.report.lookup import Lookup
from autotune.report.pictures import Anytime, Moment
from autotune.report.words import MetricWords


def anytime(found: Lookup, metric: MetricWords) -> Anytime:
    """Every trial that was timed and scored, when it ended; duplicates and failures have no speed."""
    ordered = sorted(found.run.trials, key=lambda t: t.ended_seconds)
    moments = tuple(m for t in ordered if (m := _moment(t, found.run.goal.tolerance, metric)) is not None)
    line: list[tuple[float, float]] = []
    for moment in moments:
        if moment.within and (not line or moment.speedup > line[-1][1]):
            line.append((moment.seconds, moment.speedup))
    end = max((m.seconds for m in moments), default=0.0)
    told = "nothing was within the tolerance"
    if line:
        told = f"the last improvement, to {words.ratio(line[-1][1])}, came after {words.duration(line[-1][0])}"
        line.append((end, line[-1][1]))
    speeds = [m.speedup for m in moments]
    low, high = min([0.95, *speeds]), max([1.05, *speeds])
    return Anytime(
        moments=moments,
        line=tuple(line),
        x_range=(0.0, 1.03 * end or 1.0),
        y_range=(low - 0.06 * (high - low), high + 0.08 * (high - low)),
        summary=f"Curve of the best speedup within the tolerance over {words.duration(end)} of search: {told}.",
    )


def _moment(trial: Trial, tolerance: float, metric: MetricWords) -> Moment | None:
    measured = trial.measurement
    if trial.state not in ("complete", "stopped") or measured is None or measured.latency is None:
        return None
    speed = measured.latency.speedup
    within = trial.state == "complete" and measured.drop is not None and measured.drop <= tolerance
    return Moment(
        trial=trial.number,
        seconds=trial.ended_seconds,
        speedup=speed.estimate,
        within=within,
        details=(
            f"trial {trial.number}: {trial.configuration.label}",
            f"{words.ratio(speed.estimate)} ({words.between(speed)}), drop {metric.drop(measured.drop)}",
            f"after {words.duration(trial.ended_seconds)}",
        ),
    )
