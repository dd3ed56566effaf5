"""The scores of the float model and of a candidate on the same samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotune.stats.bootstrap import Statistic

Floats = NDArray[np.float64]
Scores = NDArray[Any]
Value = Callable[[Scores, NDArray[np.intp]], float]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Scores of the same samples in the same order.

    Attributes:
        reference, candidate: shape (n, ...); (n,) for a mean.
        value: metric of some samples: ``value(scores, indices)``; not called for a mean.
        sign: 1 where higher is better, else -1.
    """

    reference: Scores
    candidate: Scores
    value: Value
    is_mean: bool
    sign: float

    def __len__(self) -> int:
        return len(self.reference)

    @cached_property
    def changes(self) -> Floats:
        """Of a mean: what each sample loses, shape (n,); positive is worse."""
        changes: Floats = self.sign * (np.asarray(self.reference, np.float64) - np.asarray(self.candidate, np.float64))
        return changes

    @cached_property
    def are_binary(self) -> bool:
        """Tell whether the metric is the mean of scores that are all 0 or 1."""
        both = (self.reference, self.candidate)
        return self.is_mean and all(s.ndim == 1 and bool(np.isin(s, (0, 1)).all()) for s in both)

    @property
    def drop(self) -> Statistic:
        """The drop of some samples."""
        if self.is_mean:
            return lambda chosen: float(self.changes[chosen].mean())
        return lambda chosen: self.sign * (self.value(self.reference, chosen) - self.value(self.candidate, chosen))

    def differing(self) -> NDArray[np.bool_]:
        """Tell which samples' scores differ by more than rounding; shape (n,)."""
        if self.reference.dtype.kind != "f":
            different = self.reference != self.candidate
        else:
            size = float(np.abs(self.reference).max())
            rounding = 1e-6 * max(float(np.ptp(self.reference)), size * 1e-3)
            different = np.abs(self.reference - self.candidate) > rounding
        found: NDArray[np.bool_] = different.reshape(len(self), -1).any(axis=1)
        return found

    def scale(self) -> float:
        """Return how much one sample could lose: see ``drop_upper``."""
        if not self.is_mean:
            return abs(self.value(self.reference, np.arange(len(self)))) or 1.0
        both = np.concatenate([self.reference, self.candidate]).astype(np.float64)
        return float(np.ptp(both)) or float(np.abs(both).max()) or 1.0
