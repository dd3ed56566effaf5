"""Fast bias correction, worked out from the means of the inputs: no inference.

NNCF's rule (``quantization/algorithms/fast_bias_correction``), after Nagel et al. 2019, section 4.2: quantised weights
shift the mean of an output channel by E[(Wq - W) x]; the bias takes that back. As in NNCF, the mean of x per channel
stands for x; unlike there, both outputs compared are those of the same constant image, so that what zero padding does
at the border, which is no quantisation error, stays out of the shift.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import numpy as np
import openvino as ov

from autotune.graph.constants import constant_value
from autotune.quantize.correctable import Correctable, correctable
from autotune.quantize.observe import Observation
from autotune.quantize.points import Placement
from autotune.quantize.ranges import Range
from autotune.quantize.statistics import Doubles, Floats
from autotune.quantize.stored import Stored, levels_of

# A shift of twice the bias is taken for a mistake (NNCF's threshold): that operator keeps its bias.
_LARGEST_RATIO = 2.0


class BiasTable:
    """Corrected biases of one float model, worked out once for each range of the weights.

    Layers are corrected independently and activation quantisers play no part, so a bias holds for every set of float
    operators.
    """

    def __init__(self, model: ov.Model, observation: Observation) -> None:
        self._operators = {found.node: found for found in correctable(model) if found.node in observation.means}
        self._means = observation.means
        self._biases: dict[tuple[str, bytes, bytes], Floats | None] = {}

    def of(
        self, placement: Placement, weights: Mapping[str, Range], stored: Mapping[str, Stored] = MappingProxyType({})
    ) -> dict[str, Floats]:
        """Return new biases by operator friendly name, of the operators whose bias is to change.

        Args:
            placement: its weight quantisers tell which operators are quantised.
            weights: ranges by quantiser name, as :meth:`WeightRanges.of` gives them.
            stored: the same weights as integers, as far as they are known.
        """
        found = {}
        for quantizer in placement.weights:
            operator = self._operators.get(quantizer.node)
            if operator is None or quantizer.port != 1:
                continue
            chosen = weights[quantizer.name]
            key = (quantizer.node, chosen.low.tobytes(), chosen.high.tobytes())
            if key not in self._biases:
                integers = stored.get(quantizer.name)
                self._biases[key] = _corrected(operator, self._means[quantizer.node], chosen, integers)
            bias = self._biases[key]
            if bias is not None:
                found[quantizer.node] = bias
        return found


def quantized(values: Floats, chosen: Range) -> Floats:
    """Return what FakeQuantize makes of ``values`` (float32, any shape that the range broadcasts to).

    In the order of OpenVINO's reference: with half ranges the largest weight of a channel lies midway between levels.
    """
    return _of_levels(levels_of(values, chosen), chosen)


def _of_levels(levels: Floats, chosen: Range) -> Floats:
    """Return the values of levels, in the memory of these."""
    levels /= np.float32(chosen.levels - 1)
    levels *= chosen.high - chosen.low
    levels += chosen.low
    return levels


def _corrected(operator: Correctable, mean: Floats, chosen: Range, stored: Stored | None) -> Floats | None:
    """Return the new bias, or None where it stays: a zero in it, or a shift that is too large (NNCF's rule)."""
    weight, bias = constant_value(operator.weights), constant_value(operator.bias)
    whole = quantized(weight, chosen) if stored is None else _of_levels(stored.levels, chosen)
    lost = np.subtract(weight, whole, dtype=np.float64)
    if operator.kind == "MatMul":
        shift = _matmul_shift(lost, mean, bool(operator.attributes["transpose_b"]))
        axis = -1
    else:
        shift = _convolution_shift(lost, mean, operator)
        axis = 1
    if bias.ndim > 1:
        shift = shift.reshape([len(shift) if i == axis % bias.ndim else 1 for i in range(bias.ndim)])
    if np.broadcast_shapes(shift.shape, bias.shape) != bias.shape or bool((bias == 0).any()):
        return None
    if float(np.abs(shift / bias).max()) >= _LARGEST_RATIO:
        return None
    return (bias + shift).astype(np.float32)


def _matmul_shift(lost: Doubles, mean: Floats, transposed: bool) -> Doubles:
    """Mean of x @ lost over all but the last axis; ``lost`` is (..., in, out), or (..., out, in) if transposed."""
    if transposed:
        lost = np.swapaxes(lost, -1, -2)
    products = mean.astype(np.float64) @ lost
    shift: Doubles = products.reshape(-1, products.shape[-1]).mean(axis=0)
    return shift


def _convolution_shift(lost: Doubles, mean: Floats, operator: Correctable) -> Doubles:
    """Mean over positions of lost * x, x constant per channel, zero in the padding; ``lost`` is (out, in, taps...)."""
    attributes = operator.attributes
    inputs, outputs = operator.activation.get_shape()[2:], operator.output.get_shape()[2:]
    shift = np.tensordot(mean.astype(np.float64), lost, axes=(0, 1))  # (out, taps...)
    for dimension in reversed(range(len(inputs))):
        inside = _inside(
            taps=lost.shape[2 + dimension],
            size=inputs[dimension],
            positions=outputs[dimension],
            stride=attributes["strides"][dimension],
            dilation=attributes["dilations"][dimension],
            padding=attributes["pads_begin"][dimension],
        )
        shift = shift @ inside
    return np.asarray(shift)


@cache
def _inside(*, taps: int, size: int, positions: int, stride: int, dilation: int, padding: int) -> Doubles:
    """Share of the output positions at which each tap lies inside the input, float64 (taps,); many layers ask alike."""
    at = stride * np.arange(positions)[:, None] + dilation * np.arange(taps)[None, :] - padding
    share: Doubles = ((at >= 0) & (at < size)).mean(axis=0)
    return share
