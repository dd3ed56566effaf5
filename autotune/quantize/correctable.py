"""Which operators have a bias that can be corrected, and the input whose mean that needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import openvino as ov

from autotune.graph.constants import is_constant
from autotune.graph.inspect import tensor_key


@dataclass(frozen=True, eq=False)
class Correctable:
    """A Convolution or MatMul with constant weights on input 1 and a constant added to what it computes.

    Attributes:
        node: friendly name.
        kind: ``Convolution`` or ``MatMul``.
        attributes: strides, pads, dilations or transpose flags, as OpenVINO gives them.
        activation, weights, bias, output: outputs in the model.
        channel_axis: axis of ``activation`` that the operator sums over, not negative.
    """

    node: str
    kind: str
    attributes: Mapping[str, Any]
    activation: ov.Output
    weights: ov.Output
    bias: ov.Output
    output: ov.Output
    channel_axis: int


def correctable(model: ov.Model) -> list[Correctable]:
    """Return the operators that bias correction applies to, in topological order (NNCF's ``is_node_with_bias``)."""
    return [found for node in model.get_ordered_ops() if (found := _inspect(node)) is not None]


def averaged(model: ov.Model) -> dict[str, tuple[str, int]]:
    """Return the operators with a bias, and the key and the axis of the tensor whose means that needs."""
    return {c.node: (tensor_key(c.activation), c.channel_axis) for c in correctable(model)}


def bias_input(output: ov.Output) -> ov.Input | None:
    """Return the input of the only Add after ``output`` that takes a constant, the bias; None without such an Add."""
    found = []
    for target in output.get_target_inputs():
        node = target.get_node()
        if node.get_type_name() == "Add" and node.get_input_size() == 2:
            other = node.input(1 - target.get_index())
            if _is_stored(other.get_source_output()):
                found.append(other)
    return found[0] if len(found) == 1 else None


def _inspect(node: ov.Node) -> Correctable | None:
    kind = node.get_type_name()
    if kind not in ("Convolution", "MatMul"):
        return None
    activation, weights, output = node.input_value(0), node.input_value(1), node.output(0)
    bias = bias_input(output)
    if bias is None or is_constant(activation) or not is_constant(weights):
        return None
    shape, whole = activation.get_partial_shape(), (activation, weights, output)
    if any(o.get_partial_shape().is_dynamic for o in (whole if kind == "Convolution" else whole[1:2])):
        return None
    if shape.rank.is_dynamic or len(weights.get_shape()) < 2 or len(shape) < 1:
        return None
    rank = len(shape)
    attributes = node.get_attributes()
    axis = 1 if kind == "Convolution" else rank - 1
    if kind == "MatMul" and attributes["transpose_a"] and rank > 1:
        axis = rank - 2
    if shape[axis].is_dynamic:
        return None
    return Correctable(
        node.get_friendly_name(), kind, attributes, activation, weights, bias.get_source_output(), output, axis
    )


def _is_stored(output: ov.Output) -> bool:
    node = output.get_node()
    if node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    return bool(node.get_type_name() == "Constant")
