"""Smallest and largest value seen."""

from __future__ import annotations

from autotune.quantize.statistics import TensorStatistics


def min_max(statistics: TensorStatistics, symmetric: bool, parameter: float | None) -> tuple[float, float]:
    """Return the extremes over all samples: nothing seen is clipped (NNCF's ``MINMAX``). Ignores the elements."""
    del parameter
    high = statistics.magnitude if symmetric else statistics.high
    return statistics.lowest, float(high.max())
