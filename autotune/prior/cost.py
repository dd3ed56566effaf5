"""What a set of float operators will cost in accuracy: from operators' errors alone, corrected by what trials lost.

Errors of operators add up only roughly, and what an error of the outputs costs the metric nobody knows before a trial
is scored. So the errors, scaled to the metric, give a prior and every scored trial moves it: ridge regression of drops
on what is quantised, towards the prior, with no cost below a share of the prior's (C. L. Lawson and R. J. Hanson,
Solving Least Squares Problems, 1974, chapter 23). Of a trial that was given up only a bound is known: it gets an
unknown excess, not negative, over that bound.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Standard deviations of the prior. A group's own cost is known to a factor of three, and to a share of the sum of all
# for what its error alone does not show; the scale to a factor of two.
_OWN = 2.0
_UNSEEN = 0.05
_WHOLE = 1.0
# The least that is left of a prior's cost: groups that cost next to nothing keep their order.
_LEAST = 0.01
# What no sum of costs explains, as shares of a trial's drop and of the mean drop.
_NOISE = 0.3
_TYPICAL = 0.05
# The weights of trials depend on the scale that they give: by then it hardly moves.
_ROUNDS = 6
# Lawson and Hanson's steps are about as many as unknowns.
_STEPS = 10


@dataclass(frozen=True)
class Scored:
    """What a set lost.

    Attributes:
        drop: in the metric's own units; negative where the candidate is better than float.
        error: standard error of the drop; infinite where it is not known, which tells nothing.
        at_least: the trial was given up: ``drop`` is a bound from below.
    """

    float_operators: frozenset[str]
    drop: float
    error: float
    at_least: bool = False


class CostModel:
    """Predicts the drop of candidates of one frame.

    Args:
        groups: label -> operators that are quantised together; a group is int8 unless all of them are float.
        errors: label -> squared error when it alone is quantised; missing ones are 0, what is negative counts as 0. A
            group of infinite error costs that whatever trials lose.
    """

    def __init__(self, groups: Mapping[str, Sequence[str]], errors: Mapping[str, float]) -> None:
        known = {label: max(0.0, errors.get(label, 0.0)) for label in groups}
        self._hopeless = frozenset(label for label, error in known.items() if not error < math.inf)
        self._labels = tuple(label for label in groups if label not in self._hopeless)
        self._members = [frozenset(groups[label]) for label in self._labels]
        self._errors = np.array([known[label] for label in self._labels], dtype=np.float64)
        self.correct(())

    def costs(self) -> dict[str, float]:
        """Return what quantising each group costs: in the metric's units once a trial lost anything, errors before."""
        costs = dict(zip(self._labels, self._weights.tolist(), strict=True))
        return costs | dict.fromkeys(self._hopeless, math.inf)

    def predict(self, float_operators: Collection[str]) -> float:
        """Return the drop of a set, in the units of :meth:`costs`; groups of infinite error are taken to be float."""
        return float(self._quantised(float_operators) @ self._weights)

    def correct(self, trials: Sequence[Scored]) -> None:
        """Replace what earlier trials taught by what these do; all of them, each time.

        A trial weighs by its standard error, and never by less noise than 30 % of its drop for what no sum of costs
        explains. Where no trial lost or gained anything the prior stays.
        """
        self._weights = self._errors
        rows = np.array([self._quantised(t.float_operators) for t in trials]).reshape(len(trials), len(self._labels))
        tells = (rows @ self._errors > 0) & np.isfinite([t.error for t in trials])
        rows = rows[tells]
        drops = np.array([t.drop for t in trials])[tells]
        if not drops.any():
            return
        bounds = np.array([t.at_least for t in trials])[tells]
        known = np.hypot(np.array([t.error for t in trials])[tells], _TYPICAL * np.abs(drops).mean())
        scale = _scale(rows, self._errors, drops, known, bounds)
        self._weights = self._fit(rows, drops, np.hypot(known, _NOISE * np.abs(drops)), bounds, scale)

    def _fit(self, rows: Floats, drops: Floats, noise: Floats, bounds: Bools, scale: float) -> Floats:
        """Return the costs: unknowns are what each has above its least, the scale, and the excess of each bound."""
        from scipy.optimize import nnls

        count, prior = len(self._errors), scale * self._errors
        spread = _OWN * prior + _UNSEEN * float(prior.sum())
        least = _LEAST * prior
        excess = -np.eye(len(drops))[:, bounds] / noise[:, None]
        own = np.hstack([np.diag(1 / spread), (-prior / spread)[:, None], np.zeros((count, excess.shape[1]))])
        whole = np.concatenate([np.zeros(count), [1 / _WHOLE], np.zeros(excess.shape[1])])
        told = np.hstack([rows / noise[:, None], np.zeros((len(drops), 1)), excess])
        targets = np.concatenate([-least / spread, [1 / _WHOLE], (drops - rows @ least) / noise])
        found, _ = nnls(np.vstack([own, whole, told]), targets, maxiter=_STEPS * own.shape[1])
        weights: Floats = least + found[:count]
        return weights

    def _quantised(self, float_operators: Collection[str]) -> Floats:
        kept = set(float_operators)
        return np.array([not kept.issuperset(members) for members in self._members], dtype=np.float64)


def _scale(rows: Floats, errors: Floats, drops: Floats, noise: Floats, bounds: Bools) -> float:
    """Return units of the metric per squared error, by weighted least squares through 0.

    A sum is known no better than the costs in it. Of bounds only those that the scored trials do not reach take part.
    Not below one standard error: what lost nothing so far may lose as much.
    """
    sums, spread = rows @ errors, rows @ errors**2
    used, scale = np.full(len(drops), True), float(np.abs(drops).sum() / sums.sum())
    for _ in range(_ROUNDS):
        weights = used * sums / (noise**2 + (_OWN * scale) ** 2 * spread)
        least = 1 / math.sqrt(float(used @ (sums / noise) ** 2))
        scale = max(float(weights @ drops) / float(weights @ sums), least)
        used = ~bounds | (scale * sums < drops)
        if not used.any():
            break
    return scale
