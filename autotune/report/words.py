"""Numbers as a person reads them. Pure functions; what is missing or not finite is an en dash."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autotune.counts import counted
from autotune.decide import digits
from autotune.outcome import Goal, Verdict
from autotune.record import Interval

MISSING = "–"
MINUS = "−"


@dataclass(frozen=True)
class MetricWords:
    """Writes scores and drops with as many decimals as the tolerance needs to be seen.

    Attributes:
        name: of the metric.
        decimals: digits after the point.
    """

    name: str
    decimals: int

    @classmethod
    def of(cls, goal: Goal, baseline_score: float) -> MetricWords:
        """Two significant digits of the tolerance; of a thousandth of the float score where the tolerance is 0."""
        step = goal.tolerance if goal.tolerance > 0 else abs(baseline_score) / 1000
        decimals = 1 - math.floor(math.log10(step)) if step > 0 and math.isfinite(step) else 4
        return cls(goal.metric, min(max(decimals, 0), 9))

    def score(self, value: float | None) -> str:
        """A score, unsigned unless negative."""
        if value is None or not math.isfinite(value):
            return MISSING
        return _clean(f"{value:,.{self.decimals}f}")

    @staticmethod
    def tolerance(value: float) -> str:
        """A tolerance: as given, with three significant digits."""
        return digits(value)

    def drop(self, value: float | None) -> str:
        """A drop with its sign: ``+`` is worse than float."""
        if value is None or not math.isfinite(value):
            return MISSING
        return _clean(f"{value:+,.{self.decimals}f}")

    def error(self, value: float | None) -> str:
        """The standard error of a drop: ``± 0.0021``; empty where there is none, or the drop is exactly known."""
        return f"± {self.score(value)}" if value and math.isfinite(value) else ""


def _clean(text: str) -> str:
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def milliseconds(value: float | None) -> str:
    """Three significant digits, with unit."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{_three_digits(value)} ms"


def microseconds(value: float | None) -> str:
    """Three significant digits, without unit (the column's head has it)."""
    if value is None or not math.isfinite(value):
        return MISSING
    return _three_digits(value)


def _three_digits(value: float) -> str:
    if value == 0:
        return "0"
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return _clean(f"{value:,.{decimals}f}")


def rate(value: float | None) -> str:
    """Inferences per second of so many milliseconds each: ``833 /s``."""
    if value is None or not math.isfinite(value) or value <= 0:
        return MISSING
    return f"{_three_digits(1000 / value)} /s"


def ratio(value: float | None) -> str:
    """A speed ratio: ``3.52×``."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:.2f}×"


def between(interval: Interval) -> str:
    """The ends of an interval of ratios: ``3.41 to 3.60×``; empty where an end is unknown."""
    if not (math.isfinite(interval.low) and math.isfinite(interval.high)):
        return ""
    return f"{interval.low:.2f} to {interval.high:.2f}×"


def size(value: int | None) -> str:
    """Bytes in decimal units."""
    if value is None:
        return MISSING
    for unit, step in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= step:
            return f"{_three_digits(value / step)} {unit}"
    return f"{value} B"


def duration(seconds: float) -> str:
    """Wall time: ``0.42 s``, ``12.3 s``, ``3 min 05 s``, ``1 h 02 min``."""
    if not math.isfinite(seconds):
        return MISSING
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count(value: int, noun: str = "", plural: str = "") -> str:
    """``1,200``, or with a noun ``1 trial``, ``1,200 trials``."""
    return counted(value, noun, plural) if noun else f"{value:,}"


def roughly(value: int) -> str:
    """Two significant digits of an extrapolation: ``7,900``."""
    return f"{int(float(f'{value:.2g}')):,}" if value >= 100 else str(value)


def samples(verdict: Verdict) -> str:
    """What was judged on: ``1,200 samples``, or ``1,200 samples in 20 groups``."""
    told = count(verdict.n, "sample")
    return told if verdict.groups is None else f"{told} in {count(verdict.groups, 'group')}"


def percent(share: float) -> str:
    """A share as whole percent; tenths below one percent."""
    return f"{100 * share:.1f} %" if share and share < 0.01 else f"{100 * share:.0f} %"


def share(value: float) -> str:
    """A share with two significant digits as percent: ``0.0012 %``, ``150 %``; a very small one as less than that."""
    if value and abs(value) < 1e-6:
        return "below 0.0001 %" if value > 0 else f"above {MINUS}0.0001 %"
    return f"{digits(100 * value, 2).replace('-', MINUS)} %"


def confidence(value: float) -> str:
    """A confidence: ``95 %``, ``99.9 %``."""
    return f"{100 * value:.4g} %"


def change(before: float, after: float) -> str:
    """Relative change: ``−74 %``, ``+3 %``, ``same``; empty where it has no meaning."""
    if not before:
        return ""
    percentage = round(100 * (after - before) / before)
    return f"{percentage:+d} %".replace("-", MINUS) if percentage else "same"
