"""Weights of linear layers as int8, with a scale per output channel that OpenVINO's kernels multiply them by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from autotune.configuration import WeightSymmetry
from autotune.graph.constants import constant_value
from autotune.graph.inspect import clone, nodes_by_name
from autotune.graph.linear import linear_layer
from autotune.quantize.statistics import Floats

_LEVELS = 256
_SMALLEST = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Compressed:
    """A matrix as ``(values - zero_points) * scales``.

    Attributes:
        values: int8, or uint8 with zero points.
        scales, zero_points: one for each output channel, shaped to broadcast; no zero points for symmetric weights.
    """

    values: NDArray[np.int8] | NDArray[np.uint8]
    scales: Floats
    zero_points: NDArray[np.uint8] | None = None


def compressed(weights: Floats, axis: int, symmetry: WeightSymmetry) -> Compressed:
    """Return the int8 form of a matrix, as ``nncf.compress_weights`` (INT8_SYM, INT8_ASYM) of NNCF 3 computes it.

    A symmetric scale has the sign that puts the value of the largest magnitude at -128, so all levels are used.

    Args:
        weights: (outputs, inputs) or (inputs, outputs).
        axis: of the inputs.

    Raises:
        ValueError: a weight is not finite.
    """
    low, high = weights.min(axis=axis, keepdims=True), weights.max(axis=axis, keepdims=True)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError("weights are not finite")
    if symmetry == "symmetric":
        scales = _not_zero(np.where(np.abs(low) >= high, np.abs(low), -high) / np.float32(_LEVELS // 2))
        values = np.rint(weights / scales)
        return Compressed(np.clip(values, -128, 127, out=values).astype(np.int8), scales)
    low, high = np.minimum(low, 0), np.maximum(high, 0)
    scales = _not_zero((high - low) / np.float32(_LEVELS - 1))
    zero_points = np.clip(-np.rint(low / scales), 0, _LEVELS - 1)
    values = np.rint(weights / scales + zero_points)
    return Compressed(
        np.clip(values, 0, _LEVELS - 1, out=values).astype(np.uint8), scales, zero_points.astype(np.uint8)
    )


def compress(model: ov.Model, names: Iterable[str], symmetry: WeightSymmetry) -> ov.Model:
    """Return a copy in which the weights of these linear layers are int8; other weights share memory with ``model``.

    Scales are f32, where NNCF rounds them to f16: small weights would lose a part of theirs.

    Args:
        names: friendly names of linear layers whose weights are floats.

    Raises:
        ValueError: there is no such layer, or its weights are integers already or not finite.
    """
    copy = clone(model)
    nodes = nodes_by_name(copy)
    for name in names:
        layer = linear_layer(nodes[name]) if name in nodes else None
        if layer is None:
            raise ValueError(f"'{name}' is no linear layer of float weights here")
        target = nodes[name].input(1)
        source = target.get_source_output()
        try:
            made = compressed(constant_value(source), 1 if layer.transposed else 0, symmetry)
        except ValueError as error:
            raise ValueError(f"'{name}': {error}") from error
        target.replace_source_output(_decompression(made, name))
    copy.validate_nodes_and_infer_types()
    return copy


def _decompression(made: Compressed, name: str) -> ov.Output:
    """Integers to floats, less the zero points, times the scales: the pattern that OpenVINO's plugin looks for."""
    weights = _as_floats(made.values, f"{name}/weights")
    if made.zero_points is not None:
        zero_points = _as_floats(made.zero_points, f"{name}/zero_points")
        weights = ops.subtract(weights, zero_points, name=f"{name}/weights/shifted").output(0)
    scales = ops.constant(made.scales, ov.Type.f32, name=f"{name}/scales")
    return ops.multiply(weights, scales, name=f"{name}/weights/scaled").output(0)


def _as_floats(values: NDArray[np.int8] | NDArray[np.uint8], name: str) -> ov.Output:
    return ops.convert(ops.constant(values, name=name), "f32", name=f"{name}/to_f32").output(0)


def _not_zero(scales: Floats) -> Floats:
    found: Floats = np.where(np.abs(scales) < _SMALLEST, np.float32(_SMALLEST), scales).astype(np.float32)
    return found
