"""Scale the channels of a tensor by changing the constants that make it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import openvino as ov

from autotune.forms.elementwise import activations_of
from autotune.forms.weighted import Channels, Weighted, replace_constant, weighted
from autotune.graph.constants import constant_value

_POOLING = ("AvgPool", "MaxPool")


def is_homogeneous(node: ov.Node, axis: int) -> bool:
    """Tell whether f(a * x) = a * f(x) for every a > 0 per channel on ``axis``."""
    kind = node.get_type_name()
    return kind in ("PRelu", "Relu") or (kind in _POOLING and axis == 1)


@dataclass(frozen=True, eq=False)
class Folding:
    """The constants that the channels of a tensor come of, as far as factors go.

    Attributes:
        axis, rank: of the channels, counted from the front, and of the tensor.
        steps: the layers whose weights are scaled, and constants that are; True: divided.
    """

    axis: int
    rank: int
    steps: tuple[Weighted | tuple[ov.Input, bool], ...]

    def multiply(self, factors: Channels) -> None:
        """Multiply the channels by positive factors, one per channel, without a new operator."""
        shape = [1] * self.rank
        shape[self.axis] = len(factors)
        scale = factors.reshape(shape)
        for step in self.steps:
            if isinstance(step, Weighted):
                step.scale_out(factors)
                continue
            target, divides = step
            values = constant_value(target.get_source_output()).astype(np.float64)
            replace_constant(target, (values / scale if divides else values * scale).astype(np.float32))


def folding(output: ov.Output, channels: int, axis: int, readers: Sequence[ov.Input]) -> Folding | None:
    """Return how the channels of ``output`` can be scaled without a new operator; None where that cannot be done.

    Factors go into a Multiply or Divide with a constant, or into weights; on the way there through additions of
    constants, which are scaled too, and through operators that commute with positive factors.

    Args:
        axis: of the channels, counted from the front.
        readers: all that may read the scaled tensor.
    """
    steps = _plan(output, channels, axis, readers)
    return None if steps is None else Folding(axis, len(output.get_partial_shape()), tuple(steps))


def _plan(
    output: ov.Output, channels: int, axis: int, readers: Sequence[ov.Input]
) -> list[Weighted | tuple[ov.Input, bool]] | None:
    if {_place(target) for target in output.get_target_inputs()} != {_place(target) for target in readers}:
        return None
    node = output.get_node()
    layer = weighted(node, varying=True)
    if layer is not None:
        fits = layer.channel_axis == axis and layer.out == channels
        return [layer] if fits else None
    kind = node.get_type_name()
    if is_homogeneous(node, axis):
        return _plan(node.input_value(0), channels, axis, [node.input(0)])
    sources = activations_of(node, varying=True)
    if kind not in ("Multiply", "Divide", "Add", "Subtract") or sources is None or len(sources) != 1:
        return None
    port = 0 if _same(node.input_value(0), sources[0]) else 1
    constant = node.input(1 - port)
    if kind in ("Multiply", "Divide"):
        return [(constant, kind == "Divide" and port == 0)]
    rest = _plan(node.input_value(port), channels, axis, [node.input(port)])
    return None if rest is None else [(constant, False), *rest]


def _same(one: ov.Output, other: ov.Output) -> bool:
    return bool(one.get_node().get_name() == other.get_node().get_name() and one.get_index() == other.get_index())


def _place(target: ov.Input) -> tuple[str, int]:
    return target.get_node().get_name(), target.get_index()
