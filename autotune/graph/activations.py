"""The operators of a model, and the activation quantisers of a candidate with the operators that read them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

import openvino as ov

from autotune.findings import ActivationRange, GraphOperator
from autotune.graph.constants import constant_value, is_constant

_FAKE_QUANTIZE = "FakeQuantize"
_NO_OPERATORS = ("Constant", "Parameter", "Result")


def graph_operators(model: ov.Model) -> tuple[GraphOperator, ...]:
    """Return the operators of a float model, but those that only constants go into."""
    found = []
    for node in model.get_ordered_ops():
        inputs = node.input_values()
        activations = sum(not is_constant(value) for value in inputs)
        if node.get_type_name() not in _NO_OPERATORS and activations:
            sizes = _size(node.output(0)), *sorted(map(_size, inputs[:2]))
            found.append(GraphOperator(node.get_friendly_name(), node.get_type_name(), activations, sizes))
    return tuple(found)


def activation_ranges(
    model: ov.Model, operators: Collection[str], ends: Collection[str]
) -> tuple[ActivationRange, ...]:
    """Return the ranges of the quantisers of activations, in the order of the graph.

    Args:
        operators: names of the readers that are told.
        ends: those of them that make new values of what they read; what stands behind the others reads it, too.
    """
    found = []
    for node in model.get_ordered_ops():
        if node.get_type_name() == _FAKE_QUANTIZE and not is_constant(node.input_value(0)):
            low, high = (constant_value(node.input_value(port)).reshape(-1) for port in (1, 2))
            readers = tuple(dict.fromkeys(_readers(node, operators, ends)))
            found.append(ActivationRange(readers, tuple(map(float, low)), tuple(map(float, high))))
    return tuple(found)


def _readers(quantiser: ov.Node, operators: Collection[str], ends: Collection[str]) -> Iterator[tuple[str, int]]:
    """Yield (operator, which of its activations) that a value reaches with no other quantiser in between."""
    pending = [quantiser]
    seen: set[str] = set()
    while pending:
        for output in pending.pop().outputs():
            for target in output.get_target_inputs():
                node, name = target.get_node(), target.get_node().get_friendly_name()
                if name in operators:
                    yield name, sum(not is_constant(node.input_value(port)) for port in range(target.get_index()))
                stops = name in ends or node.get_type_name() == _FAKE_QUANTIZE
                if not stops and node.get_name() not in seen:
                    seen.add(node.get_name())
                    pending.append(node)


def _size(output: ov.Output) -> int:
    """Return how many elements a tensor has; -1 where that depends on the sample."""
    shape = output.get_partial_shape()
    return math.prod(shape.to_shape()) if shape.is_static else -1
