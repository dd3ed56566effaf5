"""Weights of linear layers as 8-bit or 4-bit integers, with scales that OpenVINO's kernels multiply them by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import openvino as ov

from autotune.configuration import WeightForm, WeightSymmetry
from autotune.graph.constants import constant_value
from autotune.graph.inspect import clone, nodes_by_name
from autotune.graph.integers import Compressed, decompression
from autotune.graph.linear import linear_layer
from autotune.quantize.statistics import Floats

_INT8 = WeightForm()
_SMALLEST = float(np.finfo(np.float32).eps)


def compressed(weights: Floats, axis: int, symmetry: WeightSymmetry, form: WeightForm = _INT8) -> Compressed:
    """Return the integers of a matrix, as ``nncf.compress_weights`` of NNCF 3 computes them.

    That is INT8_SYM or INT8_ASYM, with 4 bits INT4_SYM or INT4_ASYM without data; groups of 8 bits NNCF does not offer,
    they follow the same formula. A symmetric scale has the sign that puts the value of the largest magnitude at the
    lowest integer, so all levels are used.

    Args:
        weights: (outputs, inputs) or (inputs, outputs).
        axis: of the inputs.

    Raises:
        ValueError: a weight is not finite, or the inputs are no whole groups.
    """
    if not form.divides(weights.shape[axis]):
        raise ValueError(f"{weights.shape[axis]} inputs are no whole groups of {form.group}")
    if form.group:
        shape = list(weights.shape)
        shape[axis : axis + 1] = [weights.shape[axis] // form.group, form.group]
        weights, axis = weights.reshape(shape), axis + 1
    low, high = weights.min(axis=axis, keepdims=True), weights.max(axis=axis, keepdims=True)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError("weights are not finite")
    levels: int = 2**form.bits
    if symmetry == "symmetric":
        half = levels // 2
        scales = _not_zero(np.where(np.abs(low) >= high, np.abs(low), -high) / np.float32(half))
        values = np.rint(weights / scales)
        return Compressed(np.clip(values, -half, half - 1, out=values).astype(np.int8), scales)
    low, high = np.minimum(low, 0), np.maximum(high, 0)
    scales = _not_zero((high - low) / np.float32(levels - 1))
    zero_points = np.clip(-np.rint(low / scales), 0, levels - 1)
    values = np.rint(weights / scales + zero_points)
    return Compressed(np.clip(values, 0, levels - 1, out=values).astype(np.uint8), scales, zero_points.astype(np.uint8))


def compress(model: ov.Model, forms: Mapping[str, WeightForm], symmetry: WeightSymmetry) -> ov.Model:
    """Return a copy in which the weights of linear layers are integers; other weights share memory with ``model``.

    Scales are f32, where NNCF rounds them to f16: small weights would lose a part of theirs.

    Args:
        forms: friendly names of linear layers whose weights are floats -> what these become.

    Raises:
        ValueError: there is no such layer, its weights are integers already or not finite, or its inputs are no whole
            groups.
    """
    copy = clone(model)
    nodes = nodes_by_name(copy)
    for name, form in forms.items():
        layer = linear_layer(nodes[name]) if name in nodes else None
        if layer is None:
            raise ValueError(f"'{name}' is no linear layer of float weights here")
        target = nodes[name].input(1)
        source = target.get_source_output()
        weights = constant_value(source)
        try:
            made = compressed(weights, 1 if layer.transposed else 0, symmetry, form)
        except ValueError as error:
            raise ValueError(f"'{name}': {error}") from error
        target.replace_source_output(decompression(made, form, weights.shape, name))
    copy.validate_nodes_and_infer_types()
    return copy


def _not_zero(scales: Floats) -> Floats:
    found: Floats = np.where(np.abs(scales) < _SMALLEST, np.float32(_SMALLEST), scales).astype(np.float32)
    return found
