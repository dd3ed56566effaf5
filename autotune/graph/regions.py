"""Which nodes around operators in bf16 compute in bf16 with them, so that only a region's border has conversions."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
import openvino as ov

from autotune.graph.constants import constant_value
from autotune.graph.inspect import CONSTANT, is_float, nodes_by_name

# They round no more than their operands were rounded: no sums over many elements, no powers, no exponentials alone.
_ELEMENTWISE = {"Add", "Subtract", "Multiply", "Divide", "Maximum", "Minimum"}
_ACTIVATIONS = {
    "Relu", "PRelu", "LeakyRelu", "Clamp", "Elu", "Erf", "Gelu", "HSwish", "HSigmoid", "Mish", "Sigmoid", "Swish",
    "Tanh",
}  # fmt: skip
_LAYOUT = {
    "Concat", "DepthToSpace", "MaxPool", "Reshape", "ShuffleChannels", "Slice", "SpaceToDepth", "Split", "Squeeze",
    "StridedSlice", "Transpose", "Unsqueeze", "VariadicSplit",
}  # fmt: skip
_CARRIERS = _ELEMENTWISE | _ACTIVATIONS | _LAYOUT
_LARGEST_BF16 = 3.38e38


def carriers(model: ov.Model, operators: Collection[str]) -> frozenset[str]:
    """Return the names of the nodes that are to compute in bf16 together with ``operators``.

    They are element-wise, activations or change the layout, and all floats they read come from the region or from
    constants. Some are on a way from one operator to another: without them there would be a conversion to f32 and one
    back. The others follow an operator, and at least one of the values that they read is theirs alone: a kernel
    computes them on its f32 sums, before it rounds, but not across a conversion.

    Args:
        operators: friendly names of operators that compute in bf16; reductions, normalisations and Softmax never do.
    """
    nodes = nodes_by_name(model)
    reached = set(operators)
    for name, node in nodes.items():
        if name not in reached and node.get_type_name() in _CARRIERS and _reads_only(node, reached):
            reached.add(name)
    leading = set(operators)
    for name, node in reversed(nodes.items()):
        if name in reached and any(reader in leading for reader in _readers(node)):
            leading.add(name)
    following: set[str] = set()
    for name, node in nodes.items():
        if name in reached - leading and node.get_type_name() in _ELEMENTWISE | _ACTIVATIONS:
            sources = set(_sources(node))
            if sources <= leading | following and any(len(_readers(nodes[source])) == 1 for source in sources):
                following.add(name)
    return frozenset((leading | following) - set(operators))


def regions(model: ov.Model, members: Collection[str]) -> tuple[frozenset[str], ...]:
    """Return the connected parts of ``members``, by name: those that hand values to each other."""
    part: dict[str, set[str]] = {}
    for name, node in nodes_by_name(model).items():
        if name in members:
            joined = {name}.union(*(part[source] for source in _sources(node) if source in members))
            part.update(dict.fromkeys(joined, joined))
    return tuple({id(found): frozenset(found) for found in part.values()}.values())


def _reads_only(node: ov.Node, members: Collection[str]) -> bool:
    """Tell whether all floats come from ``members``, one at least, or are constants that bf16 can hold."""
    floats = [value.get_source_output() for value in node.inputs() if is_float(value.get_source_output())]
    variable = [source for source in floats if source.get_node().get_type_name() != CONSTANT]
    if not variable or any(_name(source.get_node()) not in members for source in variable):
        return False
    constants = [source for source in floats if source.get_node().get_type_name() == CONSTANT]
    return all(_fits(source) for source in constants)


def _fits(constant: ov.Output) -> bool:
    largest = float(np.max(np.abs(constant_value(constant)), initial=0.0))
    return math.isfinite(largest) and largest <= _LARGEST_BF16


def _sources(node: ov.Node) -> list[str]:
    """Names of the nodes whose floats it reads, constants left out."""
    outputs = [value.get_source_output() for value in node.inputs()]
    return [_name(o.get_node()) for o in outputs if is_float(o) and o.get_node().get_type_name() != CONSTANT]


def _readers(node: ov.Node) -> list[str]:
    return [_name(target.get_node()) for output in node.outputs() for target in output.get_target_inputs()]


def _name(node: ov.Node) -> str:
    return str(node.get_friendly_name())
