"""Range estimators: how observed values become a range. One file each, and one line in ``_ESTIMATORS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from autotune.configuration import Estimator, EstimatorName
from autotune.quantize.estimators.entropy import entropy
from autotune.quantize.estimators.mean_min_max import mean_min_max
from autotune.quantize.estimators.min_max import min_max
from autotune.quantize.estimators.moving_average import moving_average
from autotune.quantize.estimators.mse import mse
from autotune.quantize.estimators.percentile import percentile
from autotune.quantize.statistics import TensorStatistics

_ESTIMATORS: Mapping[EstimatorName, Callable[[TensorStatistics, bool, float | None], tuple[float, float]]] = {
    "min-max": min_max,
    "mean-min-max": mean_min_max,
    "moving-average": moving_average,
    "percentile": percentile,
    "mse": mse,
    "entropy": entropy,
}


def estimate(statistics: TensorStatistics, estimator: Estimator, *, symmetric: bool) -> tuple[float, float]:
    """Return (low, high) of one tensor, before zero is put on a level.

    For ``symmetric``, ``high`` bounds the magnitude and ``low`` tells the sign only, as in NNCF's statistics.

    Raises:
        ValueError: the estimator's parameter is missing or out of its range.
    """
    return _ESTIMATORS[estimator.name](statistics, symmetric, estimator.parameter)
