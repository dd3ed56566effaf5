"""Scale and zero point, as QuantizeLinear and DequantizeLinear have them, of OpenVINO's quantisers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotune.onnx_qdq.refusal import NotExpressibleError

_LEVELS = 256
# Borders are f32: a zero point worked out from them is off an integer by some 1e-5.
_OFF_LEVEL = 1e-3


@dataclass(frozen=True, eq=False)
class Scale:
    """How integers stand for floats: ``(integer - zero) * scale``.

    Attributes:
        scale: f32, shape () per tensor or (channels,) along ``axis``.
        zero: int8 or uint8, of the same shape.
        axis: of the channels; None per tensor.
    """

    scale: NDArray[np.float32]
    zero: NDArray[Any]
    axis: int | None


@dataclass(frozen=True, eq=False)
class Weight:
    """Int8 weights. ``values``: int8 or uint8, of the float weights' shape."""

    values: NDArray[Any]
    by: Scale


def activation_scale(borders: Sequence[NDArray[Any]], levels: int, where: str) -> Scale:
    """Return the scale of a FakeQuantize with these borders.

    Args:
        borders: low and high of what it takes, then of what it gives; one value each, or of the tensor's rank with one
            extent above 1.
        where: the quantiser's name, for messages.

    Raises:
        NotExpressibleError: QuantizeLinear does not compute this; names the quantiser.
    """
    low, high, out_low, out_high = borders
    if levels != _LEVELS:
        raise NotExpressibleError(f"quantiser '{where}' has {levels} levels, and QuantizeLinear always {_LEVELS}")
    if not (np.array_equal(low, out_low) and np.array_equal(high, out_high)):
        raise NotExpressibleError(f"quantiser '{where}' gives values of another range than it takes")
    bottom, top = np.broadcast_arrays(low.astype(np.float64), high.astype(np.float64))
    step = (top - bottom) / (levels - 1)
    zero = -bottom / step
    if np.abs(zero - np.round(zero)).max() > _OFF_LEVEL:
        raise NotExpressibleError(f"in quantiser '{where}' zero lies between two levels")
    if np.all(np.round(zero) == levels // 2):
        return along(step, np.zeros(step.shape, np.int8), where)
    if zero.min() < -_OFF_LEVEL or np.round(zero).max() >= levels:
        raise NotExpressibleError(f"the range of quantiser '{where}' does not hold zero")
    return along(step, np.round(zero).astype(np.uint8), where)


def along(scale: NDArray[Any], zero: NDArray[Any], where: str) -> Scale:
    """Return a scale with the axis that its values lie along.

    Args:
        scale, zero: of one shape: of the tensor's rank (or fewer: per tensor), extents 1 but for one axis.

    Raises:
        NotExpressibleError: there are two such axes.
    """
    axes = [axis for axis, extent in enumerate(scale.shape) if extent > 1]
    if len(axes) > 1:
        raise NotExpressibleError(f"'{where}' has scales along {len(axes)} axes")
    if not axes:
        return Scale(scale.astype(np.float32).reshape(()), zero.reshape(()), None)
    return Scale(scale.astype(np.float32).ravel(), zero.ravel(), axes[0])


def quantised_bias(bias: NDArray[Any], inputs: Scale, weights: Scale) -> Weight | None:
    """Return a bias as the int32 that runtimes add to their sums of products: its step is that of the products.

    Args:
        bias: f32, shape (channels,).
        inputs, weights: per tensor, or for weights per output channel.

    Returns:
        None where runtimes have no such form (inputs per channel) or int32 does not hold it.
    """
    if inputs.axis is not None:
        return None
    step = np.asarray(inputs.scale.astype(np.float64) * weights.scale, np.float32)
    values = np.round(bias.astype(np.float64) / step)
    if np.abs(values).max(initial=0) > np.iinfo(np.int32).max:
        return None
    scale = Scale(step, np.zeros(step.shape, np.int32), None if weights.axis is None else 0)
    return Weight(values.astype(np.int32), scale)
