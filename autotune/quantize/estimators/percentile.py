"""Quantiles of the pooled samples."""

from __future__ import annotations

import numpy as np

from autotune.quantize.statistics import TensorStatistics


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
        return statistics.lowest, _quantile(np.sort(np.abs(statistics.ordered)), parameter)
    tail = (1 - parameter) / 2
    return _quantile(statistics.ordered, tail), _quantile(statistics.ordered, 1 - tail)


def _quantile(ordered: np.ndarray[tuple[int], np.dtype[np.float32]], share: float) -> float:
    return float(np.interp(share * (len(ordered) - 1), np.arange(len(ordered)), ordered))
