"""Is the drop beyond the tolerance? A test that may be looked at after every sample.

Betting against "the mean drop is at most the tolerance": a capital of 1 is multiplied, per sample, by
``1 + stake * (difference - tolerance)``. While the hypothesis holds it cannot be expected to grow, whatever the
distribution, and exceeds ``1 / error`` at any time with probability at most ``error`` (Ville). Source: I. Waudby-Smith
and A. Ramdas, Estimating means of bounded random variables by betting, JRSS-B 86, 2024, sections 3 to 5; betting the
mean capital of a grid of stakes is the grid form of section 4 (F. Orabona and K.-S. Jun, Tight concentrations from the
universal portfolio, IEEE Trans. Inf. Theory 70, 2024): the order within a chunk does not matter, and no stake depends
on the data.

For paired 0/1 scores (differences -1, 0, 1) there is no exact sign test of a drop above a positive tolerance, since the
share of discordant pairs is unknown; the bets need no such share.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROUNDING = 1e-9
# Shares of the largest stake that cannot lose everything; log-spaced: the best one is about drop / variance.
_SHARES: Floats = np.geomspace(0.003, 0.99, 24)


class DropTest:
    """Rejects "the mean drop is at most the tolerance" at any time, wrongly with probability at most ``error``.

    Attributes:
        samples: how many differences were seen.
        hopeless: whether the hypothesis was rejected; it stays so.
    """

    def __init__(
        self, tolerance: float, error: float = 0.01, *, lowest: float = -1.0, population: int | None = None
    ) -> None:
        """Begin.

        Args:
            tolerance: largest drop allowed, in the units of the differences.
            lowest: no difference can be below this (the candidate gains at most so much); -1 for 0/1 scores. There is
                no upper limit.
            population: with it, the hypothesis is about the mean of so many samples (a split) of which those seen are
                a random part without replacement, not about the distribution they came from; it becomes certain as
                the split is used up (section 5 of the source).

        Raises:
            ValueError: an argument is out of range.
        """
        if not 0 < error < 1:
            raise ValueError(f"error: {error} is not between 0 and 1")
        if not lowest < tolerance < math.inf:
            raise ValueError(f"lowest: {lowest} must be below the tolerance {tolerance}")
        if population is not None and population < 1:
            raise ValueError(f"population: {population} is less than 1")
        self._tolerance = tolerance
        self._limit = -math.log(error)
        self._lowest = lowest
        self._population = population
        self._capital = np.zeros(len(_SHARES))  # logarithms, by share
        self._sum = 0.0
        self._highest = 0.0
        self._certain = False
        self.samples = 0
        self.hopeless = False

    @property
    def evidence(self) -> float:
        """The largest logarithm of the capital so far: ``exp(-evidence)`` is a p-value valid at any time."""
        return math.inf if self._certain else self._highest

    def update(self, differences: Floats) -> bool:
        """Take the next samples and return whether the candidate is hopeless.

        Args:
            differences: shape (k,), float score minus candidate score, signed so that positive is worse.

        Raises:
            ValueError: a difference is below ``lowest`` or not a number, or there are more than the population.
        """
        values = np.asarray(differences, np.float64).ravel()
        if not (values >= self._lowest - _ROUNDING).all():
            raise ValueError(f"a difference is below {self._lowest} or not a number")
        if self._population is not None and self.samples + len(values) > self._population:
            raise ValueError(f"more than {self._population} differences")
        if len(values):
            self._bet(values)
        self.hopeless = self.hopeless or self._certain or self._highest >= self._limit
        return self.hopeless

    def _bet(self, values: Floats) -> None:
        totals = self._sum + np.cumsum(values)
        room = self._room(np.concatenate([[self._sum], totals[:-1]]))
        open_ = room > _ROUNDING  # where the hypothesis leaves only the lowest value there is nothing to bet on
        ratios = np.divide(values - self._lowest - room, room, out=np.zeros(len(values)), where=open_)
        paths = self._capital[:, None] + np.cumsum(np.log1p(_SHARES[:, None] * ratios[None, :]), axis=1)
        top = paths.max(axis=0)
        self._highest = max(self._highest, float((top + np.log(np.exp(paths - top).mean(axis=0))).max()))
        self._capital = paths[:, -1]
        self._sum = float(totals[-1])
        self.samples += len(values)
        if self._population is not None:
            least = totals + (self._population - self.samples + np.arange(len(values))[::-1]) * self._lowest
            self._certain = self._certain or bool((least > self._tolerance * self._population + _ROUNDING).any())

    def _room(self, sums: Floats) -> Floats:
        """Return how far above the lowest value the mean of each next difference may be under the hypothesis."""
        if self._population is None:
            return np.full(len(sums), self._tolerance - self._lowest)
        left = self._population - self.samples - np.arange(len(sums))
        room: Floats = (self._tolerance * self._population - sums) / left - self._lowest
        return room
