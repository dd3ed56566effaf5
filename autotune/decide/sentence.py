"""The verdict in plain English."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autotune.configuration import Configuration
from autotune.counts import named
from autotune.decide.digits import digits
from autotune.decide.passed import Passed
from autotune.outcome import Finalist, Goal, Verdict
from autotune.record import Interval


def sentence(
    winner: Finalist, best: Finalist, proven: Finalist, goal: Goal, why: str, *, passed_over: Passed | None = None
) -> str:
    """Say what won, how fast it is, what is known of its drop, and what is proven beside it.

    Args:
        best: the best float. proven: the fastest proven finalist. why: why a float model won, or
            none of a higher speed; or empty. passed_over: a float that seemed faster than the best one.
    """
    parts = [_speed_part(winner, best, goal, passed_over)]
    if passed_over is not None:
        parts.append(passed_over.sentence)
    if goal.max_latency_ms is not None:
        parts.append(_latency_part(winner, goal))
    if goal.min_speedup is not None:
        parts.append(_speedup_part(winner, goal.min_speedup, goal))
    if goal.max_size_bytes is not None:
        parts.append(_size_part(winner, goal.max_size_bytes, goal))
    if goal.max_memory_bytes is not None:
        parts.append(_memory_part(winner, goal.max_memory_bytes, goal))
    if winner.configuration != Configuration():
        parts.append(_drop_part(winner, goal))
    if why:
        parts.append(why)
    if proven.trial != winner.trial:
        parts.append(f"The fastest proven one is {_name(proven)}, {_times(proven)} as fast as float f32.")
    return " ".join(parts)


def why_float(judged: Sequence[Finalist], goal: Goal) -> str:
    """Say why no int8 finalist beat the best float; by the one that came closest."""
    int8 = [f for f in judged if not f.configuration.is_float]
    if not int8:
        return "No int8 candidate was judged: none was needed, or none could be measured to the end."
    enough = ("proven",) if goal.assurance == "proven" else ("proven", "expected")
    able = [f for f in int8 if f.verdict.status in enough]
    closest = max(able or int8, key=lambda f: f.speedup.estimate)
    verdict = closest.verdict
    if able:
        ratio = closest.speedup_best_float
        slower = "slower" if ratio.high < 1 else "not clearly faster"
        return (
            f"The fastest int8 candidate within the tolerance, {_name(closest)}, is {slower}: "
            f"{ratio.estimate:.2f}x as fast as the best float ({_interval(ratio, goal)})."
        )
    about = f"the fastest, {_name(closest)}, {_times(closest)} as fast as float f32, is {_change(verdict.drop)}"
    allowed = f"and {_allowed(closest, goal)} is allowed"
    if verdict.status == "beyond":
        return f"No int8 candidate keeps the tolerance on the holdout: {about}, {allowed}."
    bound = f"with {_percent(verdict.confidence)} confidence worse by at most {digits(verdict.drop_upper)}"
    return f"No int8 candidate is proven to keep the tolerance: {about}, {bound}, {allowed}{_more(closest)}."


def tied(fastest: Finalist) -> str:
    """Say why a finalist with a higher speed did not win: its order with the winner is in doubt."""
    return (
        f"{_capital(_name(fastest))}, {_times(fastest)} as fast as float f32, is not clearly faster; "
        "of equals a proven one wins, then the simplest, then the most accurate."
    )


def _speed_part(winner: Finalist, best: Finalist, goal: Goal, passed_over: Passed | None) -> str:
    if winner.configuration == Configuration():
        others = f"nothing that is {goal.assurance} to keep the tolerance"
        return f"{_capital(_name(winner))} wins: {others} is {'clearly ' if passed_over else ''}faster."
    text = f"{_capital(_name(winner))} is {_times(winner)} as fast as float f32 ({_interval(winner.speedup, goal)})"
    if best.trial == winner.trial:
        return text + (f"{passed_over.best}." if passed_over else "; it is the best float.")
    if best.configuration == Configuration():
        return text + (passed_over.best if passed_over else ", which is the best float here") + "."
    ratio = winner.speedup_best_float
    return text + f" and {ratio.estimate:.2f}x as fast as the best float, {_name(best)} ({_interval(ratio, goal)})."


def _drop_part(winner: Finalist, goal: Goal) -> str:
    verdict = winner.verdict
    facts = (
        f"On {verdict.n} holdout samples{_groups(verdict)} {goal.metric} is {digits(verdict.score, 4)} against "
        f"{digits(verdict.float_score, 4)}: {_change(verdict.drop)} and, with {_percent(verdict.confidence)} "
        f"confidence, {_at_most(verdict.drop_upper)}"
    )
    if verdict.status == "proven":
        return f"{facts}; so it is proven to keep the tolerance of {_allowed(winner, goal)}."
    return (
        f"{facts}; so it is expected, but not proven, to keep the tolerance of {_allowed(winner, goal)}{_more(winner)}."
    )


def _latency_part(winner: Finalist, goal: Goal) -> str:
    milliseconds = float(np.median(winner.milliseconds))
    if winner.meets_latency:
        return f"It takes {digits(milliseconds)} ms; {goal.max_latency_ms:g} ms were asked for."
    return (
        f"The asked latency of {goal.max_latency_ms:g} ms is not met: {_nothing(goal)}, and this one, "
        f"{_best_effort(goal)}, takes {digits(milliseconds)} ms."
    )


def _speedup_part(winner: Finalist, asked: float, goal: Goal) -> str:
    if winner.meets_speedup:
        return f"At least {asked:g}x float f32 was asked for."
    return f"The asked speedup of {asked:g}x is not met: {_nothing(goal)}, and this one is {_best_effort(goal)}."


def _size_part(winner: Finalist, allowed: int, goal: Goal) -> str:
    if winner.meets_size:
        return f"Its constants take no more than the {_megabytes(allowed)} asked for."
    takes = "an unknown size" if winner.size_bytes is None else _megabytes(winner.size_bytes)
    return (
        f"The asked size of {_megabytes(allowed)} is not met: {_nothing(goal)}, and this one, the nearest to that, "
        f"takes {takes}."
    )


def _nothing(goal: Goal) -> str:
    met = "it" if goal.limits == 1 else "all that was asked"
    return f"nothing that is {goal.assurance} to keep the tolerance meets {met}"


def _best_effort(goal: Goal) -> str:
    """Several limits, or one that speed alone does not meet, have another best effort than the fastest."""
    return "the fastest" if goal.limits == 1 else "the nearest to that"


def _memory_part(winner: Finalist, allowed: int, goal: Goal) -> str:
    peak = winner.peak_memory_bytes
    if winner.meets_memory and peak is not None:
        return f"Its peak memory is {_megabytes(peak)}; {_megabytes(allowed)} were asked for."
    takes = "could not be measured" if peak is None else f"is {_megabytes(peak)}"
    return (
        f"The asked peak memory of {_megabytes(allowed)} is not met: no finalist that is {goal.assurance} to keep the "
        f"tolerance meets all that was asked, and that of this one, the nearest to it, {takes}."
    )


def _megabytes(size: int) -> str:
    return f"{digits(size / 1e6, 4)} MB"


def _more(finalist: Finalist) -> str:
    verdict = finalist.verdict
    one = "labelled sample" if verdict.groups is None else "group of labelled samples"
    several = "labelled samples" if verdict.groups is None else "groups of labelled samples"
    more = verdict.more_samples if verdict.groups is None else verdict.more_groups
    if more is None:
        return f"; no reasonable number of further {several} would prove it"
    return f"; about {_rounded(more)} more {named(more, one, several)} would prove it if the rates stay the same"


def _groups(verdict: Verdict) -> str:
    return "" if verdict.groups is None else f" in {verdict.groups} groups"


def _allowed(finalist: Finalist, goal: Goal) -> str:
    tolerance = f"{digits(finalist.verdict.tolerance)}"
    return f"{goal.max_drop} ({tolerance})" if goal.max_drop.endswith("%") else tolerance


def _change(drop: float) -> str:
    if abs(drop) < 1e-12:
        return "no change"
    return f"{'worse' if drop > 0 else 'better'} by {digits(abs(drop))}"


def _at_most(bound: float) -> str:
    return f"worse by at most {digits(bound)}" if bound >= 0 else f"better by at least {digits(-bound)}"


def _interval(interval: Interval, goal: Goal) -> str:
    return f"{_percent(goal.confidence)} interval {digits(interval.low)} to {digits(interval.high)}"


def _times(finalist: Finalist) -> str:
    return f"{finalist.speedup.estimate:.2f}x"


def _percent(confidence: float) -> str:
    return f"{confidence * 100:.4g} %"


def _rounded(count: int) -> str:
    """Two significant digits: it is an extrapolation."""
    return f"{int(float(f'{count:.2g}')):,}" if count >= 100 else str(count)


def _name(finalist: Finalist) -> str:
    return f"trial {finalist.trial} ({finalist.configuration.label})"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
