"""Operators with constant weights: which axes their channels are on, and how to scale those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from autotune.graph.constants import Floats, constant, constant_value, is_constant

# A value per channel; factors are worked out in double precision.
Channels = NDArray[np.floating[Any]]

_CONVOLUTIONS = ("Convolution", "GroupConvolution")


@dataclass(frozen=True, eq=False)
class Weighted:
    """A MatMul, Convolution or GroupConvolution with constant weights on input 1.

    Attributes:
        node: the operator.
        channel_axis: of the channels in its activation and its output, counted from the front.
        into, out: number of channels read and written.
    """

    node: ov.Node
    channel_axis: int
    into: int
    out: int

    @property
    def name(self) -> str:
        """The operator's friendly name."""
        return str(self.node.get_friendly_name())

    @property
    def weights(self) -> Floats:
        """The weights, as they are stored."""
        return constant_value(self.node.input_value(1))

    def set_weights(self, weights: Floats) -> None:
        """Replace the weights; their type and name stay."""
        replace_constant(self.node.input(1), weights)

    def largest_in(self) -> Floats:
        """Return the largest magnitude of the weights by input channel."""
        return self._largest(self._in_axes())

    def largest_out(self) -> Floats:
        """Return the largest magnitude of the weights by output channel."""
        return self._largest(self._out_axes())

    def scale_in(self, factors: Channels) -> None:
        """Multiply the weights by a factor per input channel."""
        self._scale(factors, self._in_axes())

    def scale_out(self, factors: Channels) -> None:
        """Multiply the weights by a factor per output channel."""
        self._scale(factors, self._out_axes())

    def _largest(self, axes: tuple[int, ...]) -> Floats:
        weights = np.abs(self.weights)
        others = tuple(axis for axis in range(weights.ndim) if axis not in axes)
        largest: Floats = weights.max(axis=others).reshape(-1)
        return largest

    def _scale(self, factors: Channels, axes: tuple[int, ...]) -> None:
        weights = self.weights
        shape = [extent if axis in axes else 1 for axis, extent in enumerate(weights.shape)]
        self.set_weights((weights.astype(np.float64) * factors.reshape(shape)).astype(np.float32))

    def _in_axes(self) -> tuple[int, ...]:
        kind = self.node.get_type_name()
        if kind == "MatMul":
            return (1 if self.node.get_attributes()["transpose_b"] else 0,)
        return (1,) if kind == "Convolution" else (0, 2)

    def _out_axes(self) -> tuple[int, ...]:
        kind = self.node.get_type_name()
        if kind == "MatMul":
            return (0 if self.node.get_attributes()["transpose_b"] else 1,)
        return (0,) if kind == "Convolution" else (0, 1)


def weighted(node: ov.Node, varying: bool = False) -> Weighted | None:
    """Return the operator's channels; None if it has no constant float weights, or shapes that depend on the data.

    Args:
        varying: other axes than that of the channels may depend on the data, of a MatMul.
    """
    kind = node.get_type_name()
    if kind != "MatMul" and kind not in _CONVOLUTIONS:
        return None
    activation, weights, output = node.input_value(0), node.input_value(1), node.output(0)
    shapes = [value.get_partial_shape() for value in (activation, weights, output)]
    if any(_depends(shape, varying and kind == "MatMul") for shape in shapes):
        return None
    if not weights.get_element_type().is_real() or is_constant(activation) or not is_constant(weights):
        return None
    shape, _, result = shapes
    if kind == "MatMul":
        if len(weights.get_shape()) != 2 or len(shape) < 2 or node.get_attributes()["transpose_a"]:
            return None
        return Weighted(node, len(shape) - 1, shape[-1].get_length(), result[-1].get_length())
    return Weighted(node, 1, shape[1].get_length(), result[1].get_length())


def _depends(shape: ov.PartialShape, only_channels: bool) -> bool:
    """Tell whether a shape, or only its last extent, depends on the data."""
    if not only_channels or shape.rank.is_dynamic or len(shape) == 0:
        return bool(shape.is_dynamic)
    return bool(shape[-1].is_dynamic)


def replace_constant(target: ov.Input, values: Floats) -> None:
    """Feed ``target`` a new constant of the same element type; nothing else that reads the old one changes."""
    old = target.get_source_output()
    alone = len(old.get_target_inputs()) == 1
    name = old.get_node().get_friendly_name()  # names stay unique: NNCF tells nodes apart by them
    other = f"{target.get_node().get_friendly_name()}/input_{target.get_index()}"
    new = constant(values, old.get_element_type(), name if alone else other)
    target.replace_source_output(new.output(0))
