"""Operators of the OpenVINO model, found again in the PyTorch graph: by kind, sizes and order. Pure."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

from autotune.findings import GraphOperator

_FAMILIES = (
    ("Convolution", "GroupConvolution", "conv1d", "conv2d", "conv3d"),
    (
        *("ConvolutionBackpropData", "GroupConvolutionBackpropData"),
        *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    ),
    ("MatMul", "linear", "matmul", "__matmul__", "bmm", "addmm", "baddbmm"),
    ("ScaledDotProductAttention", "scaled_dot_product_attention"),
    ("Add", "add", "__add__", "__iadd__", "add_"),
    ("Multiply", "mul", "__mul__", "__imul__", "mul_"),
    ("ReduceMean", "mean"),
    ("MVN", "layer_norm"),
    ("AvgPool", "avg_pool2d", "adaptive_avg_pool2d"),
    ("MaxPool", "max_pool2d"),
    ("Concat", "cat", "concat"),
)
FAMILIES = {kind: family[0] for family in _FAMILIES for kind in family}
# Sums and products with constants are biases and scales, which either graph may have folded.
_OF_ACTIVATIONS = ("Add", "Multiply")
_TWO = 2
_ATTENTION = "ScaledDotProductAttention"
_MAKE_NEW = ("Convolution", "ConvolutionBackpropData", "MatMul", _ATTENTION)


def comparable(operator: GraphOperator) -> bool:
    """Tell whether the operators of this kind are looked for in the other graph."""
    family = FAMILIES.get(operator.kind)
    return family is not None and (family not in _OF_ACTIVATIONS or operator.activations >= _TWO)


def makes_new(kind: str) -> bool:
    """Tell whether operators of this kind have weights, or are as costly: what they give has a range of its own."""
    return FAMILIES.get(kind) in _MAKE_NEW


def mapped(operators: Sequence[GraphOperator], nodes: Sequence[GraphOperator]) -> dict[str, str]:
    """Return the PyTorch names of operators.

    Of operators of one family and size, the n-th of one graph is the n-th of the other, where both have as many; so it
    is among those of a family that are left. Conversion keeps their order, but for branches side by side.

    Args:
        operators: of the OpenVINO model, in the order of the graph.
        nodes: of the PyTorch graph, in the order of execution.
    """
    known: dict[str, str] = {}
    ours, theirs = (list(filter(comparable, graph)) for graph in (operators, nodes))
    for key in (_by_size, _by_family):
        for mine, others in _alike(ours, theirs, key):
            known.update(zip((o.name for o in mine), (o.name for o in others), strict=True))
        taken = set(known.values())
        ours, theirs = [o for o in ours if o.name not in known], [o for o in theirs if o.name not in taken]
    return known


def attentions(operators: Sequence[GraphOperator], nodes: Sequence[GraphOperator]) -> dict[str, tuple[str, str]]:
    """Return the PyTorch names of both products of attentions that are one operator in OpenVINO's model only.

    The n-th of a size is the n-th, where both graphs have as many.

    Args:
        operators, nodes: as for :func:`mapped`.
    """
    fused = [operator for operator in operators if FAMILIES.get(operator.kind) == _ATTENTION]
    products = [n for n in nodes if FAMILIES.get(n.kind) == "MatMul" and n.activations >= _TWO]
    if any(FAMILIES.get(node.kind) == _ATTENTION for node in nodes):
        return {}
    pairs = [  # queries by keys, then what came of it by values
        (one, other) for one, other in itertools.pairwise(products) if one.sizes[0] in other.sizes[1:]
    ]
    found: dict[str, tuple[str, str]] = {}
    for sizes in dict.fromkeys(operator.sizes for operator in fused):
        mine = [operator.name for operator in fused if operator.sizes == sizes]
        like = [(a.name, b.name) for a, b in pairs if (b.sizes[0], *a.sizes[1:]) == sizes]
        if len(mine) == len(like):
            found.update(zip(mine, like, strict=True))
    return found


def _by_family(operator: GraphOperator) -> Hashable:
    return FAMILIES[operator.kind], min(operator.activations, _TWO)


def _by_size(operator: GraphOperator) -> Hashable:
    return _by_family(operator), operator.sizes


def _alike(
    ours: Sequence[GraphOperator], theirs: Sequence[GraphOperator], key: Callable[[GraphOperator], Hashable]
) -> list[tuple[list[GraphOperator], list[GraphOperator]]]:
    """Return the operators of each key, where both graphs have as many."""
    groups: defaultdict[Hashable, tuple[list[GraphOperator], list[GraphOperator]]] = defaultdict(lambda: ([], []))
    for side, graph in enumerate((ours, theirs)):
        for operator in graph:
            groups[key(operator)][side].append(operator)
    return [(mine, others) for mine, others in groups.values() if len(mine) == len(others)]
