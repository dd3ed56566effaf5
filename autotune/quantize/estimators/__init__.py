"""Range estimators: how observed values become a range. One file each, and one line here."""

from __future__ import annotations

from autotune.configuration import Estimator
from autotune.quantize.statistics import TensorStatistics


def estimate(statistics: TensorStatistics, estimator: Estimator, *, symmetric: bool) -> tuple[float, float]:
    """Return (low, high) of one tensor, before zero is put on a level.

    For ``symmetric``, ``high`` bounds the magnitude and ``low`` only tells the sign, as in NNCF's statistics.
    """
    raise NotImplementedError
