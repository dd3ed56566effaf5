"""What saturating 8-bit sums cost, in numbers and in words."""

from __future__ import annotations

from autotune.decide.digits import digits
from autotune.outcome import Goal, Saturation


def saturation(score: float, emulated: float, samples: int, goal: Goal) -> Saturation:
    """Compare a candidate's score with that of its emulation in floats, on the same samples."""
    gained = emulated - score
    return Saturation(score, emulated, gained if goal.higher_is_better else -gained, samples)


def saturation_sentence(found: Saturation, goal: Goal) -> str:
    """Say what the winner loses because sums of 8-bit products saturate."""
    does = "costs" if found.cost > 0 else "gains"
    what = "costs nothing" if abs(found.cost) < 1e-12 else f"{does} {digits(abs(found.cost))}"
    return (
        f"Saturation of 8-bit sums {what}: {goal.metric} of the winner is {digits(found.score, 4)} on the {found.n} "
        f"search samples, {digits(found.emulated_score, 4)} with the same int8 emulated in floats."
    )
