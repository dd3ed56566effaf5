"""The view behind the plots of interleaved pairs. A pure function of a run.

Finalists are timed in common rounds, so that value i of two of them is one pair.
"""

from __future__ import annotations

import math

from autotune.outcome import Finalist
from autotune.record import Interval
from autotune.report import words
from autotune.report.lookup import Lookup, median
from autotune.report.pictures import Pairs, Role

_STALLS = 0.02


def pairs(found: Lookup) -> Pairs | None:
    """Float f32 and the winner; where float f32 won, it and the fastest of the others. None without two of them."""
    first, second = found.baseline_finalist, found.winner
    if first is None or second is None:
        return None
    if second is first:
        others = [f for f in found.run.finalists if f is not first and f.milliseconds]
        second = max(others, key=lambda f: f.speedup.estimate, default=None)
    if second is None or not first.milliseconds or not second.milliseconds:
        return None
    rounds = list(zip(first.milliseconds, second.milliseconds, strict=False))
    ratios = tuple(float(f"{before / after:.5g}") for before, after in rounds if after > 0)
    if not ratios:
        return None
    middle = median(ratios)
    shown = sorted(ratios)
    cut = int(_STALLS * len(shown))
    low, high = shown[cut], shown[-1 - cut]
    pad = 0.15 * (high - low) or 0.05
    faster = sum(r > 1 for r in ratios)
    known = math.isfinite(second.speedup.low) and math.isfinite(second.speedup.high)
    names = "float f32", _name(found, second)
    subject = names[1][0].upper() + names[1][1:]
    lead = (
        f"{subject} was the faster one in {words.count(faster)} of {words.count(len(ratios), 'round')}; "
        f"half of the rounds gave more than {words.ratio(middle)}{_interval(second.speedup, found)}."
    )
    return Pairs(
        names=names,
        roles=("float", _role(found, second)),
        milliseconds=(first.milliseconds, second.milliseconds),
        ratios=ratios,
        median=middle,
        low=second.speedup.low if known else None,
        high=second.speedup.high if known else None,
        y_max=1.15 * max(_upper(first.milliseconds), _upper(second.milliseconds)),
        ratio_range=(low - pad, high + pad),
        lead=lead,
        summary=f"Milliseconds of float f32 and of {names[1]} in each round. {lead}",
    )


def _interval(speed: Interval, found: Lookup) -> str:
    ends = words.between(speed)
    return f" ({words.confidence(found.run.goal.confidence)} interval of the median {ends})" if ends else ""


def _upper(values: tuple[float, ...]) -> float:
    ordered = sorted(values)
    return ordered[-1 - int(_STALLS * len(ordered))]


def _name(found: Lookup, finalist: Finalist) -> str:
    short = finalist.configuration.label if finalist.configuration.is_float else f"int8, trial {finalist.trial}"
    return f"the winner ({short})" if finalist.trial == found.run.winner else short


def _role(found: Lookup, finalist: Finalist) -> Role:
    if finalist.trial == found.run.winner:
        return "winner"
    return "float" if finalist.configuration.is_float else "finalist"
