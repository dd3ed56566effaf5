"""What saturating 8-bit sums cost, in numbers and in words."""

from __future__ import annotations

from autotune.outcome import Goal, Saturation


def saturation(score: float, emulated: float, samples: int, goal: Goal) -> Saturation:
    """Compare a candidate's score with that of its emulation in floats, on the same samples."""
    gained = emulated - score
    return Saturation(score, emulated, gained if goal.higher_is_better else -gained, samples)


def saturation_sentence(found: Saturation, goal: Goal) -> str:
    """Say what the winner loses because sums of 8-bit products saturate."""
    what = "costs nothing" if found.cost == 0 else f"{'costs' if found.cost > 0 else 'gains'} {abs(found.cost):.3g}"
    return (
        f"Saturation of 8-bit sums {what}: {goal.metric} of the winner is {found.score:.4g} on the {found.n} search "
        f"samples, {found.emulated_score:.4g} with the same int8 emulated in floats."
    )
