"""What is recorded of one tensor: extremes of every sample, random elements of some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TensorStatistics:
    """The record of one tensor over n samples.

    Attributes:
        low, high: float32 (n,), smallest and largest value of each sample, in sample order.
        elements: float32 (m,), values at random positions of every fourth sample (all values of a small tensor);
            empty where the tensor's shape depends on the data.
        size: elements of the tensor in one sample; 0 where it depends on the data.
        channels: by axis, float32 (C,) pairs: smallest and largest value of each channel over all samples. Ranges per
            channel are min of min and max of max (as NNCF's are), so that samples need not be kept apart.
    """

    low: Floats
    high: Floats
    elements: Floats
    size: int
    channels: Mapping[int, tuple[Floats, Floats]] = field(default_factory=dict)

    @cached_property
    def ordered(self) -> Floats:
        """``elements`` in ascending order."""
        return np.sort(self.elements)
