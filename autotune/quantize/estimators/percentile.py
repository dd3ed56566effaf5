"""Quantiles of the pooled samples."""

from __future__ import annotations

import numpy as np

from autotune.quantize.statistics import Floats, TensorStatistics


def percentile(statistics: TensorStatistics, symmetric: bool, parameter: float | None) -> tuple[float, float]:
    """Return the range that holds the share p of all values of all samples together.

    ``parameter`` is p, two-sided: affine ranges leave out (1 - p) / 2 at each end, symmetric ones the largest 1 - p of
    the magnitudes. Linear between neighbouring values. As ONNX Runtime's ``PercentileCalibrater`` and TensorRT's
    percentile calibration, but from elements, not bins. Ignores the extremes of the samples, but for the sign.

    Raises:
        ValueError: p is not in (0.5, 1].
    """
    if parameter is None or not 0.5 < parameter <= 1:
        raise ValueError(f"percentile needs a parameter in (0.5, 1], not {parameter}")
    if symmetric:
        return statistics.lowest, float(np.quantile(np.abs(statistics.elements), parameter))
    tail = (1 - parameter) / 2
    return _quantile(statistics.elements, tail), _quantile(statistics.elements, 1 - tail)


def _quantile(ascending: Floats, share: float) -> float:
    at, beyond = divmod(share * (len(ascending) - 1), 1)
    left, right = ascending[int(at)], ascending[min(int(at) + 1, len(ascending) - 1)]
    return float(left) * (1 - beyond) + float(right) * beyond
