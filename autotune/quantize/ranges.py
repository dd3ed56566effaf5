"""From estimated extremes to the ranges of FakeQuantize: NNCF's formulas (its ``quantization/fake_quantize.py``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import openvino as ov

from autotune.configuration import ActivationChoice, Estimator, Granularity, OverflowFix
from autotune.graph.constants import constant_value
from autotune.quantize.estimators import estimate
from autotune.quantize.observe import Observation
from autotune.quantize.points import ActivationQuantizer, Placement, WeightQuantizer
from autotune.quantize.statistics import Floats

_LEVELS = 256
_WEIGHT_LEVELS = 255
_SMALLEST = np.float32(8e-5)
_NARROWEST = np.float32(8e-4)


@dataclass(frozen=True, eq=False)
class Range:
    """Ranges of one FakeQuantize (input and output alike).

    Attributes:
        low, high: float32, shape () per tensor, or of the tensor's rank with extent 1 but for the channels' axis.
        levels: 256, or 255 for weights.
    """

    low: Floats
    high: Floats
    levels: int

    @property
    def finite(self) -> bool:
        """Whether every border is finite."""
        return bool(np.isfinite(self.low).all() and np.isfinite(self.high).all())


def symmetric_range(low: Floats, high: Floats, *, signed: bool) -> Range:
    """Return the range of activations for a symmetric int8 quantiser.

    Args:
        low: smallest values, any shape; only their sign counts.
        high: largest magnitudes, of the same shape.
        signed: signed even if nothing is negative.
    """
    top = _widened(high)
    bottom = -top * np.float32(_LEVELS / (_LEVELS - 2)) if signed or bool((low < 0).any()) else np.zeros_like(top)
    return Range(bottom, top, _LEVELS)


def affine_range(low: Floats, high: Floats) -> Range:
    """Return the range of activations for an affine uint8 quantiser: holds zero, on a level.

    As in NNCF, the range is left as it is where zero would come less than half a step from either end.

    Args:
        low, high: smallest and largest values, of any one shape.
    """
    narrow = np.where(high - low > _NARROWEST, np.float32(0), _NARROWEST)
    left = np.where(low - narrow < 0, low - narrow, np.float32(0))
    right = np.where(high + narrow > 0, high + narrow, np.float32(0))
    steps = np.float32(_LEVELS - 1)
    zero = np.round(-left * (steps / (right - left)))
    with np.errstate(divide="ignore", invalid="ignore"):  # zero at either end: not taken
        moved_left = np.where(zero < steps, zero / (zero - steps) * right, left)
        moved_right = np.where(zero > 0, (zero - steps) / zero * left, right)
    take_left = right - moved_left > moved_right - left  # of the two, the one that widens
    return Range(
        np.where(take_left, moved_left, left).astype(np.float32),
        np.where(take_left, right, moved_right).astype(np.float32),
        _LEVELS,
    )


def weight_range(weight: Floats, channel_axes: Sequence[int], *, half: bool) -> Range:
    """Return the symmetric, narrow range of weights.

    Args:
        weight: any rank.
        channel_axes: axes with a range per index; () for one range, of shape ().
        half: use 7 of the 8 bits, so that sums of products of 8 bits cannot saturate.
    """
    kept = {axis % weight.ndim for axis in channel_axes}
    axes = tuple(axis for axis in range(weight.ndim) if axis not in kept)
    top = _widened(np.abs(weight).max(axis=axes, keepdims=bool(channel_axes)))
    if half:
        top = top * np.float32(2)  # 127 instead of 254 levels over the same values
    return Range(-top, top, _WEIGHT_LEVELS)


def _widened(high: Floats) -> Floats:
    """At least 1 % of the largest channel and 8e-5: a dead channel must not get a scale of zero."""
    least = np.maximum(np.max(high) * np.float32(0.01), _SMALLEST)
    widened: Floats = np.asarray(np.maximum(high, least), np.float32)
    return widened


class ActivationRanges:
    """Ranges of activation quantisers, from an observation; estimates are kept per (tensor, estimator, symmetry)."""

    def __init__(self, observation: Observation) -> None:
        self._tensors = observation.tensors
        self._estimates: dict[tuple[str, Estimator, bool], tuple[float, float]] = {}

    def of(
        self, placement: Placement, activation: ActivationChoice, overrides: Mapping[str, ActivationChoice]
    ) -> dict[str, Range]:
        """Return the ranges by quantiser name.

        The choice of a quantiser is its override, or ``activation``. Quantisers per channel take min of min and max of
        max whatever the estimator (as NNCF). Quantisers of one group share the widest range of all.

        Raises:
            ValueError: a range or what was observed is not finite, or nothing was; names the quantiser.
        """
        together: dict[object, list[ActivationQuantizer]] = defaultdict(list)
        for quantizer in placement.activations:
            together[quantizer.name if quantizer.group is None else quantizer.group].append(quantizer)
        ranges: dict[str, Range] = {}
        for members in together.values():
            shared = self._shared(members, [overrides.get(q.name, activation) for q in members])
            ranges |= {quantizer.name: shared for quantizer in members}
        return ranges

    def _shared(self, members: Sequence[ActivationQuantizer], choices: Sequence[ActivationChoice]) -> Range:
        symmetric = any(is_symmetric(q, choice) for q, choice in zip(members, choices, strict=True))
        extremes = [self._extremes(q, c.estimator, symmetric) for q, c in zip(members, choices, strict=True)]
        low = np.minimum.reduce([low for low, _ in extremes])
        high = np.maximum.reduce([high for _, high in extremes])
        with np.errstate(over="ignore", invalid="ignore"):  # found out below
            if symmetric:
                shared = symmetric_range(low, high, signed=any(q.signed for q in members))
            else:
                shared = affine_range(low, high)
        if not shared.finite:
            name = members[0].name
            raise ValueError(
                f"quantiser '{name}' would get the range {low.min():g} to {high.max():g}, which is not finite; "
                "another estimator, or keeping its operator float, avoids that"
            )
        return shared

    def _extremes(self, quantizer: ActivationQuantizer, estimator: Estimator, symmetric: bool) -> tuple[Floats, Floats]:
        statistics, axis = self._tensors.get(quantizer.tensor), quantizer.channel_axis
        if statistics is None or (axis is not None and axis not in statistics.channels):
            raise ValueError(f"quantiser '{quantizer.name}' quantises '{quantizer.tensor}', which was not observed")
        if axis is not None:
            low, high = statistics.channels[axis]
            return low, np.maximum(np.abs(low), np.abs(high)) if symmetric else high
        key = (quantizer.tensor, estimator, symmetric)
        if key not in self._estimates:
            if not statistics.finite:
                raise ValueError(
                    f"quantiser '{quantizer.name}' quantises '{quantizer.tensor}', "
                    "which has values that are not finite; keep its operator float"
                )
            self._estimates[key] = estimate(statistics, estimator, symmetric=symmetric)
        lowest, highest = self._estimates[key]
        return np.asarray(lowest, np.float32), np.asarray(highest, np.float32)


def is_symmetric(quantizer: ActivationQuantizer, choice: ActivationChoice) -> bool:
    """Tell whether the quantiser becomes symmetric under this choice."""
    if quantizer.must_be_symmetric or choice.symmetry == "symmetric":
        return True
    return quantizer.symmetric if choice.symmetry == "as-preset" else False


class WeightRanges:
    """Ranges of the weight quantisers of one float model, worked out once for each way of quantising."""

    def __init__(self, model: ov.Model) -> None:
        self._nodes = {node.get_friendly_name(): node for node in model.get_ops()}
        self._ranges: dict[tuple[str, int, tuple[int, ...], bool], Range] = {}

    def of(self, placement: Placement, granularity: Granularity, overflow_fix: OverflowFix) -> dict[str, Range]:
        """Return the ranges by quantiser name.

        Raises:
            ValueError: a range is not finite; names the quantiser.
        """
        return {q.name: self._range(q, granularity, overflow_fix) for q in placement.weights}

    def _range(self, quantizer: WeightQuantizer, granularity: Granularity, overflow_fix: OverflowFix) -> Range:
        axes = quantizer.channel_axes if granularity == "per-channel" else ()
        half = overflow_fix == "all" or (overflow_fix == "first-layer" and quantizer.first_layer)
        key = (quantizer.node, quantizer.port, axes, half)
        if key not in self._ranges:
            weight = constant_value(self._nodes[quantizer.node].input_value(quantizer.port))
            found = weight_range(weight, axes, half=half)
            if not found.finite:
                raise ValueError(f"quantiser '{quantizer.name}' has weights that are not finite")
            self._ranges[key] = found
        return self._ranges[key]
