"""Candidates by one call of ``nncf.quantize`` each, with all calibration samples: what observing once is compared with.

Placement, ranges and biases are NNCF's own, so a candidate differs a little from the one that is built by patching.
Estimators are those of NNCF that come nearest: ``mse`` is its histogram, which minimises a quantisation error too;
``percentile`` is the mean of the samples' quantiles.
"""

from __future__ import annotations

from typing import Any

import openvino as ov

from autotune.configuration import Estimator, EstimatorName, OverflowFix, Quantization
from autotune.data import Dataset
from autotune.quantize.nncf_public import quantize, unquantisable  # first: it keeps NNCF quiet

import nncf  # isort: skip
from nncf.common.quantization.structs import QuantizationScheme
from nncf.quantization.advanced_parameters import QuantizationParameters
from nncf.quantization.range_estimator import (
    AggregatorType,
    RangeEstimatorParameters,
    RangeEstimatorParametersSet,
    StatisticsCollectorParameters,
    StatisticsType,
)

_FIXES: dict[OverflowFix, nncf.OverflowFix] = {
    "off": nncf.OverflowFix.DISABLE,
    "first-layer": nncf.OverflowFix.FIRST_LAYER,
    "all": nncf.OverflowFix.ENABLE,
}
_SETS: dict[EstimatorName, RangeEstimatorParameters] = {
    "min-max": RangeEstimatorParametersSet.MINMAX,
    "mean-min-max": RangeEstimatorParametersSet.MEAN_MINMAX,
    "mse": RangeEstimatorParametersSet.HISTOGRAM,
}
_MODES = {"symmetric": QuantizationScheme.SYMMETRIC, "affine": QuantizationScheme.ASYMMETRIC}


def candidate(model: ov.Model, calibration: Dataset, quantization: Quantization) -> ov.Model:
    """Return ``model`` quantised by ``nncf.quantize``; it is not changed, and weights are not compressed.

    Args:
        model: normalised, of static shapes and batch 1; in the forms of the configuration.

    Raises:
        ValueError: NNCF has no such estimator, or cannot set single quantisers.
    """
    q = quantization
    if q.overrides:
        raise ValueError("nncf.quantize cannot set single quantisers")
    return quantize(
        model,
        (calibration.row(index) for index in range(len(calibration))),
        q.placement,
        q.preset,
        unquantisable(model).union(q.float_operators),
        bias_correction=q.bias_correction,
        **advanced(q),
    )


def advanced(q: Quantization) -> dict[str, Any]:
    """Return fields of NNCF's ``AdvancedQuantizationParameters``; the same for OpenVINO's models and PyTorch's.

    Raises:
        ValueError: NNCF has no such estimator.
    """
    symmetry = _MODES.get(q.activation.symmetry)
    return {
        "overflow_fix": _FIXES[q.overflow_fix],
        "activations_quantization_params": QuantizationParameters(mode=symmetry) if symmetry else None,
        "weights_quantization_params": QuantizationParameters(per_channel=False) if q.weights == "per-tensor" else None,
        "activations_range_estimator_params": _estimator(q.activation.estimator),
    }


def has_estimator(chosen: Estimator) -> bool:
    """Tell whether NNCF has an estimator like this one."""
    return chosen.name in (*_SETS, "percentile")


def _estimator(chosen: Estimator) -> RangeEstimatorParameters:
    if chosen.name == "percentile" and chosen.parameter is not None:
        tail = StatisticsCollectorParameters(
            StatisticsType.QUANTILE, AggregatorType.MEAN, quantile_outlier_prob=(1 - chosen.parameter) / 2
        )
        return RangeEstimatorParameters(tail, tail)
    if chosen.name not in _SETS:
        raise ValueError(f"nncf.quantize has no estimator like {chosen}")
    return _SETS[chosen.name]
