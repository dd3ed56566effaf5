"""Mean over samples of each sample's extremes."""

from __future__ import annotations

import numpy as np

from autotune.quantize.statistics import TensorStatistics


def mean_min_max(statistics: TensorStatistics, symmetric: bool, parameter: float | None) -> tuple[float, float]:
    """Return the mean of the samples' extremes: what NNCF does unless told otherwise. Ignores the elements."""
    del parameter
    high = statistics.magnitude if symmetric else statistics.high
    return float(statistics.low.mean(dtype=np.float64)), float(high.mean(dtype=np.float64))
