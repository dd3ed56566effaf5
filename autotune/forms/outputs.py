"""Convolutions of few output channels that compute neighbouring outputs as channels.

A kernel works on 8 or 16 output channels at a time, however few there are: a convolution that ends in one channel, as
heads of segmentation and of pitch or keypoint maps do, leaves most of each vector unused. Here one step of a wider
kernel computes ``blocks`` outputs along the last axis, each as channels of its own: stride and kernel grow, the kernel
holds the old one ``blocks`` times, shifted, with zeros around it (a banded Toeplitz matrix). Per output that is
``(blocks - 1) * stride + kernel`` products for each vector instead of ``kernel`` products for each output. Channels
come last in OpenVINO's memory, where the result is the old one already: the operators that turn it back move nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from autotune.forms.base import chosen_groups
from autotune.forms.elementwise import activations_of
from autotune.forms.relayout import Relayout, Shape, reshape, transpose
from autotune.forms.weighted import Weighted, weighted
from autotune.graph.constants import Floats
from autotune.graph.inspect import consumers

# Floats of a vector of AVX-512.
LANES = 16
# Products and vectors must promise this much.
WORTH = 1.3


class OutputsAsChannels:
    """Convolution of few channels -> one of more channels and fewer places; see the module."""

    name = "outputs-as-channels"

    def groups(self, model: ov.Model) -> dict[str, tuple[str, ...]]:
        """Return every convolution with something to gain, as a group of its own."""
        names = [layer.name for layer, _ in _found(model)]
        return {name: (name,) for name in names}

    def apply(self, model: ov.Model, groups: Collection[str]) -> None:
        """Rewrite these convolutions, and let the element-wise operators behind them work on the new channels."""
        found = list(_found(model))
        chosen_groups(self.name, {layer.name: () for layer, _ in found}, groups)
        for layer, blocking in found:
            if layer.name in groups:
                _rewrite(layer, blocking)
        model.validate_nodes_and_infer_types()


@dataclass(frozen=True)
class Blocking:
    """How many outputs along the last axis become channels.

    Attributes:
        blocks: so many at a time. places: how many times along the last axis.
        channels, extent: of the output as it was.
        kernel, stride: along the last axis, as they were.
    """

    blocks: int
    channels: int
    extent: int
    kernel: int
    stride: int

    @property
    def places(self) -> int:
        return -(-self.extent // self.blocks)

    @property
    def width(self) -> int:
        """Extent of the new kernel along the last axis."""
        return (self.blocks - 1) * self.stride + self.kernel

    @property
    def gain(self) -> float:
        """How many times fewer products of whole vectors."""
        before = self.extent * self.kernel * _vectors(self.channels)
        return before / (self.places * self.width * _vectors(self.channels * self.blocks))

    def weights(self, kernel: Floats) -> Floats:
        """Return the new kernel, (blocks * channels, in, ..., width); the channel is the faster index.

        Args:
            kernel: (channels, in, ..., kernel).
        """
        made = np.zeros((self.blocks, *kernel.shape[:-1], self.width), kernel.dtype)
        for block in range(self.blocks):
            made[block, ..., block * self.stride : block * self.stride + self.kernel] = kernel
        return made.reshape(-1, *made.shape[2:])

    def constant(self, values: Floats, shape: Shape) -> Floats:
        """Return what is broadcast to a tensor of this shape, for the tensor with outputs as channels."""
        values = values.reshape((1,) * (len(shape) - values.ndim) + values.shape)
        if values.shape[1] == values.shape[-1] == 1:
            return values
        if values.shape[-1] == 1:
            return np.concatenate([values] * self.blocks, axis=1)
        first, *middle = values.shape[0], *values.shape[2:-1]
        whole = np.broadcast_to(values, (first, self.channels, *middle, self.extent))
        rest = [(0, 0)] * (whole.ndim - 1)
        padded = np.pad(whole, [*rest, (0, self.places * self.blocks - self.extent)])
        split = padded.reshape(*whole.shape[:-1], self.places, self.blocks)
        return np.moveaxis(split, -1, 1).reshape(first, self.blocks * self.channels, *middle, self.places)

    def back(self, output: ov.Output, shape: Shape, name: str) -> ov.Output:
        """Return the tensor as it was."""
        batch, channels, *image, extent = shape
        last = [*range(2, len(shape)), 1]
        rows = transpose(output, [0, *last], f"{name}/channels-last")
        wide = reshape(rows, [batch, *image, self.places * self.blocks, channels], f"{name}/outputs")
        if self.places * self.blocks != extent:
            numbers = (0, extent, 1, len(shape) - 2)
            wide = ops.slice(wide, *(ops.constant(np.array([n], np.int64)) for n in numbers)).output(0)
        return transpose(wide, [0, len(shape) - 1, *range(1, len(shape) - 1)], f"{name}/image")


def _vectors(channels: int) -> int:
    return -(-channels // LANES)


def _found(model: ov.Model) -> Iterator[tuple[Weighted, Blocking]]:
    for node in model.get_ordered_ops():
        layer = weighted(node) if node.get_type_name() == "Convolution" else None
        blocking = None if layer is None else _blocking(layer)
        if layer is not None and blocking is not None:
            yield layer, blocking


def _blocking(layer: Weighted) -> Blocking | None:
    """Return the blocking that gains most; None if none is worth it."""
    node = layer.node
    output = node.output(0)
    if output.get_partial_shape().is_dynamic or output.get_element_type() != ov.Type.f32:
        return None
    asked = node.get_attributes()
    kernel, stride = node.input(1).get_shape()[-1], asked["strides"][-1]
    extent = output.get_shape()[-1]
    padded = node.input(0).get_shape()[-1] + asked["pads_begin"][-1] + asked["pads_end"][-1]
    # Automatic pads are only known where OpenVINO has put them into the attributes.
    if asked["dilations"][-1] != 1 or (padded - kernel) // stride + 1 != extent:
        return None
    most = min(LANES // layer.out, extent)
    possible = [Blocking(blocks, layer.out, extent, kernel, stride) for blocks in range(2, most + 1)]
    if layer.into == 1:  # with one place left and a stride, OpenVINO (2026.4) computes other numbers from one channel
        possible = [blocking for blocking in possible if blocking.places > 1]
    # What cuts off nothing at the end needs no operator for it.
    best = max(possible, key=lambda b: (b.gain * (1.0 if b.extent % b.blocks == 0 else 0.9), b.blocks), default=None)
    return best if best is not None and best.gain >= WORTH else None


def _rewrite(layer: Weighted, blocking: Blocking) -> None:
    node = layer.node
    asked = node.get_attributes()
    weights = blocking.weights(layer.weights)
    step = blocking.blocks * blocking.stride
    begin, end = list(asked["pads_begin"]), list(asked["pads_end"])
    needed = (blocking.places - 1) * step + blocking.width
    end[-1] = needed - begin[-1] - node.input(0).get_shape()[-1]
    if end[-1] < 0:  # what is left over at the end meets zeros: OpenVINO cannot compile pads that take away
        weights = np.pad(weights, [(0, 0)] * (weights.ndim - 1) + [(0, -end[-1])])
        end[-1] = 0
    kernel = ops.constant(weights, name=f"{layer.name}/kernel")
    strides = [*asked["strides"][:-1], step]
    made = ops.convolution(node.input_value(0), kernel, strides, begin, end, asked["dilations"])
    layout = Relayout(blocking.constant, blocking.back)
    behind = _behind(node)
    layout.replace(node.output(0), made.output(0))
    pending = [node]
    while pending:
        for after in consumers(pending.pop()):
            sources = None if layout.moved(after.output(0)) else behind[after.get_name()]
            if sources is not None and all(layout.moved(source) for source in sources):
                layout.move(after)
                pending.append(after)
    layout.finish()


def _behind(node: ov.Node) -> dict[str, list[ov.Output] | None]:
    """Return what each operator behind a node reads that may move with it, by unique name; None for one that cannot."""
    found: dict[str, list[ov.Output] | None] = {}
    pending = [node]
    while pending:
        for after in consumers(pending.pop()):
            name = after.get_name()
            if name not in found:
                found[name] = activations_of(after)
                if found[name] is not None:
                    pending.append(after)
    return found
