"""A float that seemed faster than the best one, and why it does not count: or the verdict would hide it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from autotune.configuration import Configuration
from autotune.decide.digits import digits
from autotune.decide.front import points
from autotune.decide.storage import halved
from autotune.outcome import Finalist, Goal
from autotune.record import Trial

# A float at a tie is worth a word from this share above the best one's speed on.
_NOTABLE = 0.05
_SAME = {Configuration(), halved(Configuration())}


@dataclass(frozen=True)
class Passed:
    """A float that was passed over.

    Attributes:
        speed: over float f32, as it was last measured.
        best: how the best float may be called beside it, after its name.
        sentence: what it is, and why it does not count.
    """

    speed: float
    best: str
    sentence: str


def passed(best: Finalist, judged: Iterable[Finalist], unjudged: Iterable[Trial], goal: Goal) -> Passed | None:
    """Return the fastest float that seemed faster than the best one; None if there is none.

    Args:
        best: the best float.
        judged: all finalists.
        unjudged: trials of the search that did not come to be judged.
    """
    found = [*_of_judged(best, judged, goal), *_of_the_search(best, [t for t in unjudged if _counts(t)], goal)]
    return max(found, key=lambda p: p.speed, default=None)


def _of_judged(best: Finalist, judged: Iterable[Finalist], goal: Goal) -> Iterator[Passed]:
    enough = ("proven",) if goal.assurance == "proven" else ("proven", "expected")
    for one in judged:
        speed = one.speedup
        if not one.configuration.is_float or one.configuration in _SAME or one.trial == best.trial:
            continue
        name = f"Trial {one.trial} ({one.configuration.label}), {speed.estimate:.2f}x as fast as float f32"
        if one.verdict.status not in enough and speed.low > max(1.0, best.speedup.estimate):
            why = (
                "is beyond the tolerance on the holdout"
                if one.verdict.status == "beyond"
                else "is not proven to keep the tolerance"
            )
            yield Passed(
                speed.estimate, f", the best float that is {goal.assurance} to keep the tolerance", f"{name}, {why}."
            )
        elif one.verdict.status in enough and speed.estimate > (1 + _NOTABLE) * best.speedup.estimate:
            interval = f"{digits(speed.low)} to {digits(speed.high)}"
            yield Passed(
                speed.estimate,
                ", which no other float clearly beats here",
                f"{name}, is not clearly faster: its interval is {interval}.",
            )


def _of_the_search(best: Finalist, unjudged: Sequence[Trial], goal: Goal) -> Iterator[Passed]:
    for point in points(unjudged):
        if point.may_be_within(goal.tolerance) and point.speedup.low > max(1.0, best.speedup.estimate):
            speed = point.speedup.estimate
            name = f"Trial {point.trial.number} ({point.trial.configuration.label})"
            yield Passed(
                speed,
                ", the best float of those that were judged",
                f"{name}, {speed:.2f}x as fast as float f32 in the search, was not judged.",
            )


def _counts(trial: Trial) -> bool:
    return trial.configuration.is_float and trial.configuration not in _SAME
