"""Exponential moving average of each sample's extremes."""

from __future__ import annotations

import numpy as np

from autotune.quantize.statistics import TensorStatistics


def moving_average(statistics: TensorStatistics, symmetric: bool, parameter: float | None) -> tuple[float, float]:
    """Return ``r = r + c * (extreme - r)`` over the samples in their order, starting at the first's extremes.

    ``parameter`` is c, the weight of the newest sample. TensorFlow (c = 1 - ema_decay; Jacob et al. 2018, section 3.1)
    and ONNX Runtime's ``MinMaxCalibrater`` (``averaging_constant``) do the same per batch. Ignores the elements.

    Raises:
        ValueError: c is not in (0, 1].
    """
    if parameter is None or not 0 < parameter <= 1:
        raise ValueError(f"moving-average needs a parameter in (0, 1], not {parameter}")
    last = len(statistics.low) - 1
    weights = parameter * (1 - parameter) ** np.arange(last, -1, -1, dtype=np.float64)
    weights[0] = (1 - parameter) ** last
    high = statistics.magnitude if symmetric else statistics.high
    return float(weights @ statistics.low.astype(np.float64)), float(weights @ high.astype(np.float64))
