"""The median and its exact interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autotune.record import Interval


def values_needed(confidence: float) -> int:
    """Return the smallest number of values whose extremes enclose the median with ``confidence``."""
    return math.ceil(round(1 - math.log2(1 - confidence), 9))


def median_interval(values: NDArray[np.float64] | Sequence[float], confidence: float) -> Interval:
    """Return the median with the exact order-statistic interval that inverts the sign test.

    No assumption but independent values of one continuous distribution: the number of values below the true median
    is Binomial(n, 1/2). The interval is the narrowest symmetric pair of order statistics whose coverage is at least
    ``confidence``. Source: W. J. Conover, Practical Nonparametric Statistics, 3rd edition, 1999, section 3.2.

    Args:
        values: shape (n,), finite.
        confidence: two-sided, in (0, 1).

    Raises:
        ValueError: there are fewer than ``values_needed(confidence)`` values, or one is not finite.
    """
    from scipy.special import bdtr

    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    if n < values_needed(confidence):
        raise ValueError(f"{n} values; a median interval at {confidence:g} needs {values_needed(confidence)}")
    if not np.isfinite(ordered).all():
        raise ValueError("a value is not finite")
    # Coverage of [x(k+1), x(n-k)], counted from one, is 1 - 2 P(Binomial(n, 1/2) <= k).
    tails = 2 * bdtr(np.arange((n + 1) // 2, dtype=np.float64), n, 0.5)
    k = int(np.searchsorted(tails, (1 - confidence) * (1 + 1e-12), side="right")) - 1
    return Interval(float(np.median(ordered)), float(ordered[k]), float(ordered[n - 1 - k]))
