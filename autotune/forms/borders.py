"""Convolutions written with axes that come and go: no reordering of memory at their borders.

Exporters write a convolution over one axis as one over two, between a reshape that adds an axis of extent 1 and one
that takes it away. Behind it, the reshape keeps the bias and the activation function from being fused into the
convolution and forces its output out of the layout that it computes in: here they, and reductions, come before the
reshape. In front of it, a transpose to channels first is written the one way that OpenVINO merges with its own
reordering to channels-last memory, which then moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from autotune.forms.base import chosen_groups
from autotune.forms.elementwise import activations_of
from autotune.forms.relayout import Relayout, Shape, reshape, transpose
from autotune.forms.weighted import weighted
from autotune.graph.constants import Floats, constant_value, is_constant
from autotune.graph.inspect import extents

_CONVOLUTIONS = ("Convolution", "GroupConvolution")
_REDUCTIONS: dict[str, Callable[..., ov.Node]] = {
    "ReduceMax": ops.reduce_max,
    "ReduceMin": ops.reduce_min,
    "ReduceMean": ops.reduce_mean,
    "ReduceSum": ops.reduce_sum,
}


class ConvolutionBorders:
    """Reshape and Transpose around convolutions, moved and merged; see the module."""

    name = "convolution-borders"

    def groups(self, model: ov.Model) -> dict[str, tuple[str, ...]]:
        """Return every convolution with something to gain, as a group of its own."""
        names = [node.get_friendly_name() for node in _convolutions(model) if _gains(node)]
        return {name: (name,) for name in names}

    def apply(self, model: ov.Model, groups: Collection[str]) -> None:
        """Rewrite the borders of these convolutions."""
        chosen_groups(self.name, self.groups(model), groups)
        for node in list(_convolutions(model)):
            if node.get_friendly_name() in groups:
                _merge_before(node)
                _move_behind(model, node)
                model.validate_nodes_and_infer_types()


def _convolutions(model: ov.Model) -> Iterator[ov.Node]:
    for node in model.get_ordered_ops():
        if node.get_type_name() in _CONVOLUTIONS and weighted(node) is not None:
            yield node


def _gains(node: ov.Node) -> bool:
    return _source(node) is not None or _narrowed(node) is not None


def _source(node: ov.Node) -> ov.Output | None:
    """Return the channels-last tensor that a Transpose before the convolution reads; None if there is none to merge."""
    before = node.input_value(0).get_node()
    if before.get_type_name() != "Transpose" or not is_constant(before.input_value(1)):
        return None
    source = before.input_value(0)
    shape = list(extents(source.get_shape()))
    order = [int(axis) for axis in constant_value(before.input_value(1))]
    channels_last = [order[0], *order[2:], order[1]]
    # Axes of extent 1 are nowhere in memory: the others must be in the order of a channels-last image already.
    kept = [axis for axis in channels_last if shape[axis] != 1]
    if kept != sorted(kept) or channels_last == sorted(channels_last):
        return None
    widened = source.get_node()
    return widened.input_value(0) if widened.get_type_name() == "Reshape" else source


def _merge_before(node: ov.Node) -> None:
    source = _source(node)
    if source is not None:
        batch, channels, *image = extents(node.input_value(0).get_shape())
        name = node.get_friendly_name()
        rowwise = reshape(source, [batch, *image, channels], f"{name}/channels-last")
        order = [0, len(image) + 1, *range(1, len(image) + 1)]
        node.input(0).replace_source_output(transpose(rowwise, order, f"{name}/image"))


def _narrowed(node: ov.Node) -> ov.Node | None:
    """Return the Reshape that takes axes of extent 1 off the convolution's output, if an operator can go before it."""
    readers = [target.get_node() for target in node.output(0).get_target_inputs()]
    if len(readers) != 1 or readers[0].get_type_name() != "Reshape":
        return None
    narrow = readers[0]
    if narrow.output(0).get_partial_shape().is_dynamic or _kept_axes(node, narrow) is None:
        return None
    after = [target.get_node() for target in narrow.output(0).get_target_inputs()]
    return narrow if any(_movable(reader, lambda output: _same(output, narrow.output(0))) for reader in after) else None


def _kept_axes(node: ov.Node, narrow: ov.Node) -> list[int] | None:
    """Return the axis of the convolution's output that each axis of the reshaped one is."""
    kept: list[int] = []
    wide = list(extents(node.output(0).get_shape()))
    for extent in extents(narrow.output(0).get_shape()):
        axis = kept[-1] + 1 if kept else 0
        while axis < len(wide) and wide[axis] != extent and wide[axis] == 1:
            axis += 1
        if axis == len(wide) or wide[axis] != extent:
            return None
        kept.append(axis)
    left = [extent for axis, extent in enumerate(wide) if axis not in kept]
    return kept if left and set(left) == {1} else None


def _move_behind(model: ov.Model, node: ov.Node) -> None:
    narrow = _narrowed(node)
    kept = None if narrow is None else _kept_axes(node, narrow)
    if narrow is None or kept is None:
        return
    rank = len(node.output(0).get_shape())

    def widen(values: Floats, shape: Shape) -> Floats:
        extents = [1] * rank
        for axis, extent in zip(kept[-values.ndim :] if values.ndim else [], values.shape, strict=True):
            extents[axis] = extent
        return values.reshape(extents)

    layout = Relayout(widen, reshape_back)
    layout.hold(narrow.output(0), node.output(0))
    for after, movable in [(n, activations_of(n)) for n in model.get_ordered_ops()]:
        if movable is not None and all(layout.moved(source) for source in movable):
            layout.move(after)
        elif after.get_type_name() in _REDUCTIONS and _movable(after, layout.moved):
            axes = [kept[int(axis)] for axis in constant_value(after.input_value(1)).reshape(-1)]
            constant = ops.constant(np.array(axes, np.int64), name=f"{after.get_friendly_name()}/axes")
            # Nothing moves past it: without its axes the layout is another one.
            reduced = _REDUCTIONS[after.get_type_name()](layout.of(after.input_value(0)), constant, True)
            layout.end(after.output(0), reduced.output(0))
    layout.finish()


def reshape_back(output: ov.Output, shape: Shape, name: str) -> ov.Output:
    """Return the tensor without the axes of extent 1."""
    return reshape(output, shape, f"{name}/narrow")


def _movable(node: ov.Node, moved: Callable[[ov.Output], bool]) -> bool:
    """Tell whether an operator that reads a narrow tensor can read the wide one instead."""
    if node.get_type_name() in _REDUCTIONS:
        return moved(node.input_value(0)) and is_constant(node.input_value(1))
    sources = activations_of(node)
    return sources is not None and all(moved(source) for source in sources)


def _same(one: ov.Output, other: ov.Output) -> bool:
    return bool(one.get_node().get_name() == other.get_node().get_name() and one.get_index() == other.get_index())
