"""Which operators to quantise: the most time gained within a budget of accuracy cost.

Assumption: costs add up. A quantised operator adds an error of its own to the outputs; while errors are small and
uncorrelated their squares add (Dong et al., HAWQ-V2, NeurIPS 2020, sections 3.1 and 3.2; Zhou et al., Adaptive
Quantization for Deep Neural Network, AAAI 2018, measured it for output distances). So costs must be squared errors.

The front of all (cost, gain) sums is built item by item, each time without the sums that another one beats (Nemhauser
and Ullmann, Discrete dynamic programming and capital allocation, Management Science 15, 1969). One front answers every
budget. Its expected size is polynomial on perturbed data (Beier and Voecking, STOC 2003); a grid of gains bounds it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Predict = Callable[[Collection[str]], float]

BUDGETS = 12
# Costs of a set are added in another order here than there.
_ROUNDING = 1 + 1e-9
# A front longer than this is thinned to a grid of gains; until then answers are exact.
_MOST_STATES = 20_000
# What thinning may lose altogether, as a share of the sum of all gains.
PRECISION = 0.005


@dataclass(frozen=True)
class Item:
    """One operator, or some that are quantised or kept float together.

    Attributes:
        gain: what quantising it saves, in any unit of time; negative where int8 is slower.
        cost: squared error that quantising it adds to the outputs, not negative; infinite: it always stays float.
    """

    operators: tuple[str, ...]
    gain: float
    cost: float


@dataclass(frozen=True)
class Choice:
    """A set of float operators, sorted, with what quantising all others gains and costs."""

    float_operators: tuple[str, ...]
    gain: float
    cost: float


def choose(items: Sequence[Item], budget: float) -> Choice:
    """Return the set that gains most at a cost of at most ``budget``; of equal gains the cheapest.

    Never over budget. Exact while the front has at most 20,000 sums, else within 0.5 % of the sum of all gains.

    Raises:
        ValueError: as for :func:`front`.
    """
    affordable = [choice for choice in front(items) if choice.cost <= budget]
    if not affordable:
        raise ValueError(f"budget: {budget} is negative")
    return affordable[-1]


def sweep(items: Sequence[Item], budgets: int = BUDGETS, predict: Predict | None = None) -> tuple[Choice, ...]:
    """Return the distinct sets of evenly log-spaced budgets, fastest first; neighbours need not be nested.

    Budgets run from the smallest positive cost of one item to the sum of all costs. The last is all that is worth
    quantising; what costs nothing is always quantised.

    Args:
        predict: time of a set of float operators, any unit; where it knows more than the sum of gains (borders between
            float and int8), sets are refined by it, see :func:`refine`, and ordered by it.

    Raises:
        ValueError: as for :func:`front`.
    """
    points = front(items)
    costs = [item.cost for item in items if 0 < item.cost < math.inf and item.gain > 0]
    spaced = np.geomspace(min(costs), sum(costs), budgets) * _ROUNDING if costs else np.array([math.inf])
    ends = np.array([choice.cost for choice in points])
    places = np.searchsorted(ends, spaced, side="right") - 1
    found = [(points[int(place)], float(budget)) for place, budget in zip(places, spaced, strict=True)]
    if predict is None:
        distinct = {choice.float_operators: choice for choice, _ in found}
        return tuple(sorted(distinct.values(), key=lambda choice: -choice.gain))
    known = _remembered(predict)  # neighbouring budgets are refined through the same sets
    refined = [refine(choice, items, budget, known) for choice, budget in found]
    times = {choice.float_operators: (known(choice.float_operators), choice.cost, choice) for choice in refined}
    return tuple(choice for *_, choice in sorted(times.values(), key=lambda entry: entry[:2]))


def refine(choice: Choice, items: Sequence[Item], budget: float, predict: Predict) -> Choice:
    """Turn single items float or int8, the best first, while that lowers the predicted time within the budget.

    A local optimum: no single turn improves it. Items of infinite cost stay float.
    """
    quantised = [set(item.operators).isdisjoint(choice.float_operators) for item in items]
    best = predict(choice.float_operators)
    while True:
        turned = []
        for place in range(len(items)):
            trial = [on != (place == i) for i, on in enumerate(quantised)]
            made = _choice(items, trial)
            if made.cost <= budget and made.cost < math.inf:
                turned.append((predict(made.float_operators), place))
        if not turned or min(turned)[0] >= best:
            return _choice(items, quantised)
        best, place = min(turned)
        quantised[place] = not quantised[place]


def _remembered(predict: Predict) -> Predict:
    known: dict[tuple[str, ...], float] = {}

    def remembered(float_operators: Collection[str]) -> float:
        key = tuple(float_operators)
        if key not in known:
            known[key] = predict(key)
        return known[key]

    return remembered


def _choice(items: Sequence[Item], quantised: Sequence[bool]) -> Choice:
    kept = [name for item, on in zip(items, quantised, strict=True) if not on for name in item.operators]
    chosen = [item for item, on in zip(items, quantised, strict=True) if on]
    return Choice(tuple(sorted(kept)), sum(item.gain for item in chosen), sum(item.cost for item in chosen))


def front(items: Sequence[Item]) -> tuple[Choice, ...]:
    """Return the best set for every budget from 0 up, from the cheapest to the one with the largest gain.

    Items that gain nothing stay float. The first choice costs 0.

    Raises:
        ValueError: a cost is negative, a gain is not finite, or items share an operator.
    """
    _check(items)
    useful = [item for item in items if item.gain > 0 and item.cost < math.inf]
    step = PRECISION * sum(item.gain for item in useful) / max(1, len(useful))
    costs, gains = np.zeros(1), np.zeros(1)
    history: list[tuple[NDArray[np.intp], NDArray[np.bool_]]] = []
    for item in useful:
        before = len(costs)
        kept = _undominated(
            np.concatenate([costs, costs + item.cost]), np.concatenate([gains, gains + item.gain]), step
        )
        history.append((kept % before, kept >= before))
        costs = np.concatenate([costs, costs + item.cost])[kept]
        gains = np.concatenate([gains, gains + item.gain])[kept]
    everything = {name for item in items for name in item.operators}
    choices = []
    for place in range(len(costs)):
        state, quantised = place, set[str]()
        for item, (parents, taken) in zip(reversed(useful), reversed(history), strict=True):
            if taken[state]:
                quantised.update(item.operators)
            state = int(parents[state])
        choices.append(Choice(tuple(sorted(everything - quantised)), float(gains[place]), float(costs[place])))
    return tuple(choices)


def _undominated(costs: Floats, gains: Floats, step: float) -> NDArray[np.intp]:
    """Return the places of the sums that no other beats, by rising cost; of many, the cheapest in each cell of gains.

    A thinned sum is replaced by one as cheap that gains at most ``step`` less, so n items lose at most n steps.
    """
    order = np.lexsort((-gains, costs))
    best = np.maximum.accumulate(gains[order])
    rises = np.concatenate([[True], best[1:] > best[:-1]])
    kept: NDArray[np.intp] = order[rises]
    if len(kept) > _MOST_STATES:
        _, first = np.unique(np.floor(gains[kept] / step), return_index=True)
        kept = kept[np.union1d(first, [len(kept) - 1])]
    return kept


def _check(items: Sequence[Item]) -> None:
    names = [name for item in items for name in item.operators]
    if len(names) != len(set(names)):
        raise ValueError("an operator is in two items")
    for item in items:
        if not math.isfinite(item.gain) or math.isnan(item.cost):
            raise ValueError(f"{item.operators}: gain {item.gain} or cost {item.cost} is not a number")
        if item.cost < 0:
            raise ValueError(f"{item.operators}: the cost {item.cost} is negative")
