"""Matrices stored as integers with scales: the pattern that OpenVINO's linear layers read without making floats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from autotune.configuration import WeightForm

Integers = NDArray[np.int8] | NDArray[np.uint8]


@dataclass(frozen=True)
class Compressed:
    """A matrix as ``(values - zero_points) * scales``.

    Attributes:
        values: int8, or uint8 with zero points; of 4 bits those from -8 to 7 or from 0 to 15. In groups the axis of
            the inputs is two: groups and members.
        scales, zero_points: f32 and uint8, one for each output channel or group, shaped to broadcast; no zero points
            for symmetric weights.
    """

    values: Integers
    scales: NDArray[np.float32]
    zero_points: NDArray[np.uint8] | None = None


def decompression(made: Compressed, form: WeightForm, shape: tuple[int, ...], name: str) -> ov.Output:
    """Return the matrix: integers to floats, less the zero points, times the scales, and groups made one axis again.

    Args:
        shape: of the matrix. name: of the layer, which those of the nodes begin with.
    """
    weights = _as_floats(made.values, form, f"{name}/weights")
    if made.zero_points is not None:
        zero_points = _as_floats(made.zero_points, form, f"{name}/zero_points")
        weights = ops.subtract(weights, zero_points, name=f"{name}/weights/shifted").output(0)
    scales = ops.constant(made.scales, ov.Type.f32, name=f"{name}/scales")
    scaled = ops.multiply(weights, scales, name=f"{name}/weights/scaled").output(0)
    if not form.group:
        return scaled
    return ops.reshape(scaled, np.array(shape, np.int64), False, name=f"{name}/weights/whole").output(0)


def packed(values: Integers) -> NDArray[np.uint8]:
    """Return integers of 4 bits two to a byte, the first of them in the lower half; an odd one has 0 beside it."""
    halves = np.ascontiguousarray(values).ravel().view(np.uint8) & np.uint8(15)
    if halves.size % 2:
        halves = np.append(halves, np.uint8(0))
    return halves[::2] | (halves[1::2] << np.uint8(4))


def _as_floats(values: Integers, form: WeightForm, name: str) -> ov.Output:
    if form.bits == 4:
        # A tensor made of an array shares its memory, and does not keep it.
        tensor = ov.Tensor(ov.Type.i4 if values.dtype == np.int8 else ov.Type.u4, ov.Shape(values.shape))
        tensor.data.view(np.uint8).reshape(-1)[:] = packed(values)
        constant = ops.constant(tensor, name=name)
    else:
        constant = ops.constant(values, name=name)
    return ops.convert(constant, "f32", name=f"{name}/to_f32").output(0)
