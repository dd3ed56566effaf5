"""Which operators to keep float: from what was found out about a frame, corrected by its trials.

A *frame* is an int8 configuration with no operator kept float that need not be. Sets of float operators come from the
knapsack, one for each budget of accuracy cost. Scored trials correct the costs; as these add up only roughly, the
budget that the tolerance stands for is found by bisection: what was within the tolerance bounds it from below, what was
beyond from above.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from autotune.configuration import Configuration
from autotune.prior.cost import CostModel, Scored
from autotune.prior.gain import Timed, TimeModel, attribute, border_costs
from autotune.prior.knapsack import Choice, Item, choose, refine, sweep
from autotune.protocol import Explored
from autotune.record import Trial

# A set must be predicted to be faster than the best within the tolerance by this factor to be worth a trial.
WORTH = 1.01
BUDGETS = 16
# What was given up lost so many standard errors less than it had lost by then, at least.
_SURELY = 2.0
# With more items, refining by predicted time would take seconds.
_MOST_REFINED = 60


@dataclass(frozen=True)
class Known:
    """A trial of the frame: its float operators, and what was measured.

    Attributes:
        timed: against float f32; None without a latency. scored: None without a drop.
        within: whether it kept the tolerance; None without a drop.
    """

    float_operators: frozenset[str]
    timed: Timed | None
    scored: Scored | None
    within: bool | None


class Guide:
    """Proposes sets of float operators for one frame.

    Args:
        frame: see the module.
        explored: what the child found out.
        free: operators that the recipe lets be either.
        reference: microseconds of float f32 by its profile.

    Attributes:
        time: predicts that of a set. cost: its drop; None where accuracy was not looked at.
    """

    def __init__(self, frame: Configuration, explored: Explored, free: Iterable[str], reference: float) -> None:
        assert frame.quantization is not None
        self.frame = frame
        self._kept = frozenset(frame.quantization.float_operators)
        allowed = frozenset(free)
        operators = explored.operators
        self._groups = {
            label: tuple(name for name in members if name in allowed) for label, members in explored.groups.items()
        }
        self._groups = {label: members for label, members in self._groups.items() if members}
        self.cost = CostModel(self._groups, explored.costs) if explored.costs else None
        floats, int8 = (attribute(runs, operators, explored.near) for runs in (explored.float_runs, explored.int8_runs))
        borders = border_costs(explored.edges, explored.int8_runs, explored.sizes)
        self.time = TimeModel(floats, int8, reference, borders)

    def propose(self, trials: Iterable[Trial], tolerance: float, to_beat: float) -> Configuration | None:
        """Return the next set worth a trial, or None.

        Args:
            trials: all so far; those of this frame correct the models of time and of cost, and bound the budget.
            tolerance: of the drop, in the metric's own units. to_beat: speed against float f32 of the best within it.
        """
        known = self._known(trials, tolerance)
        self.time.correct([k.timed for k in known if k.timed])
        if self.cost:
            self.cost.correct([k.scored for k in known if k.scored])
        items = self._items()
        tried = {k.float_operators for k in known}
        fresh = [c for c in self._choices(items) if self._set(c) not in tried and self._predicted(c) > WORTH * to_beat]
        if not self.cost:
            return self._configuration(fresh[0]) if fresh else None
        low = max((self.cost.predict(k.float_operators) for k in known if k.within), default=0.0)
        high = min((self.cost.predict(k.float_operators) for k in known if k.within is False), default=math.inf)
        # Where what was within and what was beyond overlap, the budget is somewhere in the overlap.
        low, high = min(low, high), max(low, high)
        between = [c for c in fresh if low <= c.cost < high]
        return self._configuration(between[len(between) // 2]) if between else None

    def _items(self) -> list[Item]:
        gains = self.time.gains()
        costs = self.cost.costs() if self.cost else {}
        return [
            Item(members, sum(gains.get(name, 0.0) for name in members), costs.get(label, 0.0))
            for label, members in self._groups.items()
        ]

    def _choices(self, items: Sequence[Item]) -> Sequence[Choice]:
        """By falling cost."""
        if not items:
            return ()
        if not self.cost:
            return (refine(choose(items, math.inf), items, math.inf, self._time),)
        predict = self._time if len(items) <= _MOST_REFINED else None
        return sorted(sweep(items, BUDGETS, predict), key=lambda choice: -choice.cost)

    def _time(self, float_operators: Collection[str]) -> float:
        return self.time.predict(self._kept.union(float_operators))

    def _set(self, choice: Choice) -> frozenset[str]:
        return self._kept | frozenset(choice.float_operators)

    def _predicted(self, choice: Choice) -> float:
        return 1 / max(self.time.predict(self._set(choice)), 1e-3)

    def _configuration(self, choice: Choice) -> Configuration:
        assert self.frame.quantization is not None
        quantization = replace(self.frame.quantization, float_operators=tuple(self._set(choice)))
        return replace(self.frame, quantization=quantization)

    def _known(self, trials: Iterable[Trial], tolerance: float) -> list[Known]:
        found = []
        for trial in trials:
            q, measured = trial.configuration.quantization, trial.measurement
            if q is None or trial.state == "duplicate" or frame_of(trial.configuration, self._kept) != self.frame:
                continue
            kept = frozenset(q.float_operators)
            latency = measured.latency if measured else None
            speed = latency.speedup if latency else None
            scored = _scored(kept, trial, tolerance)
            found.append(
                Known(
                    kept,
                    Timed(kept, 1 / speed.estimate, 1 / speed.low - 1 / speed.high) if speed else None,
                    scored,
                    None if scored is None else not scored.at_least and scored.drop <= tolerance,
                )
            )
        return found


def _scored(kept: frozenset[str], trial: Trial, tolerance: float) -> Scored | None:
    """Return what a trial lost; what was given up lost more than the tolerance, as it was surely beyond it."""
    measured = trial.measurement
    if measured is None or measured.drop is None:
        return None
    error = measured.drop_error or 0.0
    if trial.state == "complete":
        return Scored(kept, measured.drop, error)
    return Scored(kept, max(tolerance, measured.drop - _SURELY * error), 0.0, at_least=True)


def frame_of(configuration: Configuration, kept: Iterable[str]) -> Configuration | None:
    """Return the frame of an int8 configuration; ``kept``: operators that the recipe keeps float.

    None for a float one, and for one with compressed layers, which the model of time does not know.
    """
    q = configuration.quantization
    return (
        None
        if q is None or configuration.compression is not None
        else replace(configuration, quantization=replace(q, float_operators=tuple(kept)))
    )
