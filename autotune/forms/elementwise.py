"""Operators that treat every element alike: they commute with reshapes and transposes."""

from __future__ import annotations

import openvino as ov

from autotune.graph.constants import is_constant

UNARY = frozenset({
    "Abs", "Clamp", "Elu", "Erf", "Exp", "Gelu", "HSigmoid", "HSwish", "HardSigmoid", "Mish", "Negative", "Relu",
    "Sigmoid", "SoftPlus", "Sqrt", "Swish", "Tanh",
})  # fmt: skip
BINARY = frozenset({
    "Add", "Divide", "Maximum", "Minimum", "Multiply", "Power", "SquaredDifference", "Subtract",
})  # fmt: skip


def activations_of(node: ov.Node, varying: bool = False) -> list[ov.Output] | None:
    """Return the inputs that depend on the model's inputs; None unless the operator is element-wise.

    They all have the shape of the output, which is static: nothing but constants is broadcast.

    Args:
        varying: where there is one such input, its shape and that of the output may depend on the data.
    """
    kind = node.get_type_name()
    dynamic = node.output(0).get_partial_shape().is_dynamic
    if (kind not in UNARY and kind not in BINARY) or (dynamic and not varying):
        return None
    sources = [value.get_source_output() for value in node.inputs()]
    if kind in UNARY:
        found = sources[:1]  # the others are numbers: HardSigmoid's slope and offset, Swish's beta
        if not all(is_constant(source) for source in sources[1:]):
            return None
    else:
        found = [source for source in sources if not is_constant(source)]
    if dynamic:
        rank = node.output(0).get_partial_shape().rank
        alone = len(found) == 1 and rank.is_static and found[0].get_partial_shape().rank == rank
        return found if alone else None
    shape = node.output(0).get_shape()  # not made a list of: that takes fifteen times as long as to compare two
    if not found or any(s.get_partial_shape().is_dynamic or s.get_shape() != shape for s in found):
        return None
    return found
