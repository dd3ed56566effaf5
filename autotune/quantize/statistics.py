"""What is recorded of one tensor: extremes and random elements of every sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_TAIL = 1024
_THINNING = 16


@dataclass(frozen=True, eq=False)
class TensorStatistics:
    """The record of one tensor over n samples.

    Attributes:
        low, high: float32 (n,), smallest and largest value of each sample, in sample order.
        elements: float32 (m,), ascending: values at random positions of every sample (all values of a small tensor).
        size: elements of the tensor in one sample; the mean where it depends on the data.
        channels: by axis, the smallest and largest value of each channel over all samples, float32 of the tensor's rank
            with extent 1 but for that axis. Ranges per channel are min of min and max of max (as NNCF's are), so the
            samples need not be kept apart.
    """

    low: Floats
    high: Floats
    elements: Floats
    size: int
    channels: Mapping[int, tuple[Floats, Floats]] = field(default_factory=dict)

    @property
    def magnitude(self) -> Floats:
        """The largest magnitude of each sample, float32 (n,)."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def finite(self) -> bool:
        """Whether no infinite value and no NaN was seen."""
        ends = self.elements[[0, -1]]  # NaN sorts last
        return bool(np.isfinite(self.low).all() and np.isfinite(self.high).all() and np.isfinite(ends).all())

    @property
    def lowest(self) -> float:
        """The smallest value of all samples."""
        return float(self.low.min())

    @cached_property
    def population(self) -> tuple[Doubles, Doubles]:
        """Values ascending and how many values of the n samples each stands for, both float64 (k,).

        An element stands for its share of all values, an extreme for itself alone. Of many elements, those between the
        tails are thinned out to every 16th: neighbours there are all but equal.
        """
        extremes = np.sort(np.concatenate([self.low, self.high])).astype(np.float64)
        values = self.elements.astype(np.float64)
        counts = np.full(len(values), max(1.0, self.size * len(self.low) / len(values)))
        if len(values) > 4 * _TAIL:
            steps = (len(values) - 2 * _TAIL) // _THINNING
            right = _TAIL + steps * _THINNING
            middle = slice(_TAIL + _THINNING // 2, right, _THINNING)
            values = np.concatenate([values[:_TAIL], values[middle], values[right:]])
            counts = np.concatenate([counts[:_TAIL], counts[middle] * _THINNING, counts[right:]])
        at = np.searchsorted(values, extremes)
        return np.insert(values, at, extremes), np.insert(counts, at, 1.0)
