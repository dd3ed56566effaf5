"""Samples that come in groups: what one group's samples lose is alike, so the groups are the independent units."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.float64]


class Clusters:
    """The groups of some samples, in the order of their first samples.

    Attributes:
        sizes: shape (groups,), samples of each.
    """

    def __init__(self, members: Iterable[NDArray[np.intp]]) -> None:
        """Take the indices of each group's samples."""
        self._members = tuple(members)
        self.sizes: Floats = np.array([len(m) for m in self._members], dtype=np.float64)

    @classmethod
    def of(cls, groups: Array | None) -> Clusters | None:
        """Return the groups, or None where every sample stands alone.

        Args:
            groups: shape (n,), the group of each sample; None: there are none.
        """
        if groups is None:
            return None
        members: dict[object, list[int]] = {}
        for i, group in enumerate(groups.tolist()):
            members.setdefault(group, []).append(i)
        if len(members) == len(groups):
            return None
        return cls(np.asarray(m, dtype=np.intp) for m in members.values())

    def __len__(self) -> int:
        return len(self._members)

    def between(self, start: int, stop: int) -> Clusters:
        """Return the groups that lie in these samples as a whole; their samples are counted from ``start``."""
        return Clusters(m - start for m in self._members if m.min() >= start and m.max() < stop)

    def cuts(self) -> NDArray[np.intp]:
        """Return the numbers of first samples that are whole groups, ascending; the last is all samples."""
        last = np.empty(int(self.sizes.sum()), dtype=np.intp)
        for member in self._members:
            last[member] = member.max()
        return np.flatnonzero(np.maximum.accumulate(last) == np.arange(len(last))) + 1

    def samples(self, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the indices of the samples of some groups, which may repeat."""
        return np.concatenate([self._members[i] for i in chosen])

    def sums(self, values: Array) -> Floats:
        """Return the sum of each group's values; shape (n,) -> (groups,)."""
        return np.array([float(values[m].sum()) for m in self._members])

    def mean_error(self, values: Floats) -> float:
        """Return the cluster-robust standard error of the mean of all samples; infinity with fewer than two groups.

        The sandwich estimator of K.-Y. Liang and S. L. Zeger, Longitudinal data analysis using generalized linear
        models, Biometrika 73, 1986, with the correction CR2 for few groups of R. M. Bell and D. F. McCaffrey, Bias
        reduction in standard errors for linear regression with multi-stage samples, Survey Methodology 28, 2002,
        which for a mean is: a group's sum of residuals is divided by the root of the other groups' share of samples.
        With groups of equal size it is the standard error of the mean of the groups' means.

        Args:
            values: shape (n,).
        """
        if len(self) < 2:
            return math.inf
        n = self.sizes.sum()
        residuals = self.sums(values) - values.mean() * self.sizes
        return math.sqrt(float((residuals**2 / (1 - self.sizes / n)).sum())) / float(n)


def t_errors(errors: float, units: int) -> float:
    """Return how many standard errors of few independent units say as much as so many of infinitely many do.

    That is Student's quantile with ``units - 1`` degrees of freedom at the normal distribution's probability (A. C.
    Cameron, J. B. Gelbach and D. L. Miller, Bootstrap-based improvements for inference with clustered errors, Review
    of Economics and Statistics 90, 2008, recommend it for few groups). Infinity with fewer than two.
    """
    from scipy.special import ndtr, stdtrit

    return float(stdtrit(units - 1, ndtr(errors))) if units > 1 else math.inf
