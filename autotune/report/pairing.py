"""The view behind the plots of interleaved pairs. A pure function of a run.

Finalists are timed in common rounds, so that value i of two of them is one pair.
"""

from __future__ import annotations

import math

from autotune.outcome import Finalist
from autotune.record import Interval
from autotune.report import words
from autotune.report.lookup import Lookup, median, short_name
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
    return _pairs(
        ("float f32", _name(found, second)),
        ("float", _role(found, second)),
        (first.milliseconds, second.milliseconds),
        second.speedup,
        ("round", found.run.goal.confidence),
    )


def duel(found: Lookup) -> Pairs | None:
    """The winner's duel in the search: the one that it was in itself, else the last that another had with it. None
    where there was none, or its pairs were not recorded.
    """
    fought = [(t, t.measurement.duel) for t in found.run.trials if t.measurement and t.measurement.duel]
    own = [(t, d) for t, d in fought if t.number == found.run.winner and d.own_ms]
    others = [(t, d) for t, d in fought if d.against == found.run.winner and d.own_ms]
    if not (own or others):
        return None
    trial, fight = (own or others)[-1]
    winner_second = trial.number == found.run.winner
    names = (f"trial {fight.against}", "the winner") if winner_second else ("the winner", f"trial {trial.number}")
    roles: tuple[Role, Role] = ("finalist", "winner") if winner_second else ("winner", "finalist")
    return _pairs(names, roles, (fight.rival_ms, fight.own_ms), fight.ratio, ("pair", found.run.goal.confidence))


def _pairs(
    names: tuple[str, str],
    roles: tuple[Role, Role],
    milliseconds: tuple[tuple[float, ...], tuple[float, ...]],
    speed: Interval,
    told: tuple[str, float],
) -> Pairs | None:
    """Return two models pair by pair; None where nothing was timed.

    Args:
        speed: of the second against the first.
        told: what one value of each is called, and the confidence of the interval.
    """
    noun, confidence = told
    ratios = tuple(float(f"{before / after:.5g}") for before, after in zip(*milliseconds, strict=False) if after > 0)
    if not ratios:
        return None
    middle = median(ratios)
    shown = sorted(ratios)
    cut = int(_STALLS * len(shown))
    low, high = shown[cut], shown[-1 - cut]
    pad = 0.15 * (high - low) or 0.05
    faster = sum(r > 1 for r in ratios)
    known = math.isfinite(speed.low) and math.isfinite(speed.high)
    subject = names[1][0].upper() + names[1][1:]
    lead = (
        f"{subject} was the faster one in {words.count(faster)} of {words.count(len(ratios), noun)}; "
        f"half of the {noun}s gave more than {words.ratio(middle)}{_interval(speed, confidence)}."
    )
    return Pairs(
        names=names,
        roles=roles,
        milliseconds=milliseconds,
        ratios=ratios,
        median=middle,
        low=speed.low if known else None,
        high=speed.high if known else None,
        y_max=1.15 * max(map(_upper, milliseconds)),
        ratio_range=(low - pad, high + pad),
        noun=noun,
        lead=lead,
        summary=f"Milliseconds of {names[0]} and of {names[1]} in each {noun}. {lead}",
    )


def _interval(speed: Interval, confidence: float) -> str:
    ends = words.between(speed)
    return f" ({words.confidence(confidence)} interval of the median {ends})" if ends else ""


def _upper(values: tuple[float, ...]) -> float:
    ordered = sorted(values)
    return ordered[-1 - int(_STALLS * len(ordered))]


def _name(found: Lookup, finalist: Finalist) -> str:
    short = short_name(finalist)
    return f"the winner ({short})" if finalist.trial == found.run.winner else short


def _role(found: Lookup, finalist: Finalist) -> Role:
    if finalist.trial == found.run.winner:
        return "winner"
    return "float" if finalist.configuration.is_float else "finalist"
