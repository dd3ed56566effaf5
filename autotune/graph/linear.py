"""Linear layers: products with a constant matrix, the operators whose weights alone can be int8."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import openvino as ov

from autotune.graph.constants import is_constant

PRODUCT = "MatMul"
_SOME_ROWS = 64


@dataclass(frozen=True)
class Linear:
    """A linear layer.

    Attributes:
        rows, inputs, outputs: sizes of the activation and of the matrix, of one inference; where samples differ in
            length, rows are 64.
        transposed: the matrix is stored (outputs, inputs).
    """

    name: str
    rows: int
    inputs: int
    outputs: int
    transposed: bool


def linear_layers(model: ov.Model) -> Iterator[Linear]:
    """Yield the products of an activation with a constant matrix of floats, in topological order.

    A matrix that is made of stored integers is none of floats.
    """
    for node in model.get_ordered_ops():
        layer = linear_layer(node)
        if layer is not None:
            yield layer


def linear_layer(node: ov.Node) -> Linear | None:
    """Return the linear layer that a node is, None if it is none."""
    if node.get_type_name() != PRODUCT or node.get_attributes()["transpose_a"]:
        return None
    activation, weights = (node.input_value(port) for port in (0, 1))
    shape = activation.get_partial_shape()
    if shape.rank.is_dynamic or not weights.get_element_type().is_real():
        return None
    if not is_constant(weights) or is_constant(activation) or len(weights.get_shape()) != 2 or _is_stored(weights):
        return None
    transposed = bool(node.get_attributes()["transpose_b"])
    first, second = weights.get_shape()
    inputs, outputs = (second, first) if transposed else (first, second)
    rows = _SOME_ROWS if shape.is_dynamic else int(np.prod(activation.get_shape()[:-1], dtype=np.int64))
    return Linear(node.get_friendly_name(), rows, inputs, outputs, transposed)


def _is_stored(weights: ov.Output) -> bool:
    """Tell whether the values come from integers, converted and scaled."""
    pending = [weights.get_node()]
    while pending:
        node = pending.pop()
        if node.get_type_name() == "Convert" and not node.get_input_element_type(0).is_real():
            return True
        pending += [node.input_value(port).get_node() for port in range(node.get_input_size())]
    return False
