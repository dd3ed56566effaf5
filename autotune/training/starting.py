"""Quantisers of a PyTorch module start from the ranges that the OpenVINO candidate has.

NNCF's two backends do not estimate alike: where a range per channel is the largest value seen in OpenVINO's models, it
is the mean of the samples' largest in PyTorch's, which cuts off channels that few samples use.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from nncf.common.graph import NNCFGraph, NNCFNode
from nncf.torch.quantization.layers import AsymmetricQuantizer, BaseQuantizer, SymmetricQuantizer

from autotune.findings import ActivationRange, GraphOperator
from autotune.training.mapping import makes_new

Reader = tuple[str, int]
# An operator of OpenVINO's, and which of its activations those of PyTorch's are; None for the same.
Place = tuple[str, tuple[int, ...] | None]
_NOT_THERE = -1

_QUANTISES = ("symmetric_quantize", "asymmetric_quantize")
_INPUT, _OUTPUT, _CONSTANT = "nncf_model_input", "nncf_model_output", "nncf_model_const"
# A quantiser's own parameters, which name it in the graph.
_PARAMETERS = ("._scale_param_storage", ".scale", ".input_low", "._input_range_param_storage", ".input_range")
# A symmetric range of 256 levels reaches one step further below than above.
_ASYMMETRY = 128 / 127
# A range of nothing would divide by it.
_LEAST = 1e-6


@dataclass(frozen=True)
class Unlike:
    """Quantisers of a module that none of OpenVINO's model is like.

    Attributes:
        all_others: every quantiser there has one that is like it, so these stand where that model has none.
    """

    names: tuple[str, ...]
    all_others: bool


def graph_operators(graph: NNCFGraph) -> list[GraphOperator]:
    """Return the operators of a module without quantisers that its outputs need, in the order of execution.

    OpenVINO's model has no others: a layer that a module runs and does not use is none there.
    """
    found = []
    used = _used(graph)
    for node in graph.get_all_nodes():
        if node.node_id not in used:
            continue
        inputs = sorted(graph.get_input_edges(node), key=lambda edge: edge.input_port_id)
        outputs = graph.get_output_edges(node)
        activations = sum(not _is_constant(graph, edge.from_node) for edge in inputs)
        sizes = (
            *(math.prod(e.tensor_shape) for e in outputs[:1]),
            *sorted(math.prod(e.tensor_shape) for e in inputs[:2]),
        )
        found.append(GraphOperator(node.node_name, node.node_type, activations, sizes))
    return found


def set_ranges(
    found: Mapping[str, BaseQuantizer],
    graph: NNCFGraph,
    ranges: Sequence[ActivationRange],
    names: Mapping[str, str],
    products: Mapping[str, tuple[str, str]],
) -> Unlike:
    """Give quantisers of activations the ranges of those that the same operators read in OpenVINO's model.

    Args:
        found: quantisers by name.
        graph: of the module with them.
        names: PyTorch's name of each of OpenVINO's operators.
        products: PyTorch's names of both products of attentions that are one operator there.

    Returns:
        The quantisers of activations that have none there, and keep theirs; of those that the outputs need.
    """
    there = Counter(reader for r in ranges for reader in r.readers)  # what several are read by tells none of them
    known = {reader: r for r in ranges for reader in r.readers if there[reader] == 1}
    ours: dict[str, Place] = {theirs: (name, None) for name, theirs in names.items()}
    for name, (first, second) in products.items():  # queries and keys; what came of them, and values
        ours |= {first: (name, (0, 1)), second: (name, (_NOT_THERE, 2))}
    used = _used(graph)
    readers = {
        _named(graph, node): tuple(dict.fromkeys(_readers(graph, node, ours)))
        for node in graph.get_all_nodes()
        if node.node_type in _QUANTISES and node.node_id in used and not _of_constant(graph, node)
    }
    here = Counter(reader for each in readers.values() for reader in each)
    left, taken_over = [], set[int]()
    for name, each in readers.items():
        taken = next((known[reader] for reader in each if reader in known and here[reader] == 1), None)
        if taken is None or not _set(found[name], taken):
            left.append(name)
        else:
            taken_over.add(id(taken))
    return Unlike(tuple(left), all_others=bool(ranges) and taken_over.issuperset(map(id, ranges)))


def of_activations(graph: NNCFGraph) -> set[str]:
    """Return the names of a module's quantisers that are on, and of what is computed of its inputs."""
    inputs = graph.get_nodes_by_types([_INPUT])
    return {_named(graph, node) for node in _reached(inputs, graph.get_next_nodes) if node.node_type in _QUANTISES}


def of_weights(graph: NNCFGraph) -> dict[str, str]:
    """Return the parameter of each quantiser of weights that is on; NNCF makes one for each call of a layer."""
    found = {}
    for node in graph.get_all_nodes():
        if node.node_type in _QUANTISES and _of_constant(graph, node):
            held = next(e.from_node.node_name for e in graph.get_input_edges(node) if e.input_port_id == 0)
            found[_named(graph, node)] = str(held)
    return found


def _used(graph: NNCFGraph) -> set[int]:
    """Return what the outputs come of; all, where they are no tensors or tuples of such and NNCF knows none."""
    ends = graph.get_nodes_by_types([_OUTPUT]) or graph.get_all_nodes()
    return {node.node_id for node in _reached(ends, graph.get_previous_nodes)}


def _reached(nodes: Iterable[NNCFNode], neighbours: Callable[[NNCFNode], list[NNCFNode]]) -> list[NNCFNode]:
    found = {node.node_id: node for node in nodes}
    pending = list(found.values())
    while pending:
        new = [node for node in neighbours(pending.pop()) if node.node_id not in found]
        found.update((node.node_id, node) for node in new)
        pending += new
    return list(found.values())


def _set(quantizer: BaseQuantizer, wanted: ActivationRange) -> bool:
    """Set a range, and tell whether it could be: per channel in one and not in the other, the widest serves all."""
    low, high = torch.tensor(wanted.low), torch.tensor(wanted.high)
    shape = tuple(quantizer.scale_shape)
    extent = torch.Size(shape).numel()
    if low.numel() not in (1, extent):
        low, high = low.min().reshape(1), high.max().reshape(1)
    low, high = (values.expand(extent).reshape(shape) for values in (low, high))
    with torch.no_grad():
        if isinstance(quantizer, SymmetricQuantizer):
            if not quantizer.signed and bool((low < 0).any()):
                return False
            quantizer.scale.copy_(torch.maximum(high, -low / _ASYMMETRY).clamp(min=_LEAST))
        elif isinstance(quantizer, AsymmetricQuantizer):
            quantizer.input_low.copy_(low)
            quantizer.input_range.copy_((high - low).clamp(min=_LEAST))
        else:
            return False
    return True


def _named(graph: NNCFGraph, node: NNCFNode) -> str:
    """Return a quantiser's name in the module: its parameters are constants of the graph.

    Raises:
        LookupError: none of them is; NNCF names them otherwise now.
    """
    for edge in graph.get_input_edges(node):
        for end in _PARAMETERS:
            if edge.from_node.node_type == _CONSTANT and edge.from_node.node_name.endswith(end):
                return str(edge.from_node.node_name.removesuffix(end))
    raise LookupError(f"NNCF's quantiser {node.node_name} has no parameter in the graph")


def _of_constant(graph: NNCFGraph, node: NNCFNode) -> bool:
    return any(e.input_port_id == 0 and e.from_node.node_type == _CONSTANT for e in graph.get_input_edges(node))


def _is_constant(graph: NNCFGraph, node: NNCFNode) -> bool:
    return node.node_type == _CONSTANT or (node.node_type in _QUANTISES and _of_constant(graph, node))


def _readers(graph: NNCFGraph, quantizer: NNCFNode, ours: Mapping[str, Place]) -> Iterator[Reader]:
    """Yield (OpenVINO's operator, which of its activations) as ``graph.activations`` does."""
    pending, seen = [quantizer], set()
    while pending:
        for edge in graph.get_output_edges(pending.pop()):
            node = edge.to_node
            if node.node_name in ours:
                before = [e for e in graph.get_input_edges(node) if e.input_port_id < edge.input_port_id]
                which = sum(not _is_constant(graph, e.from_node) for e in before)
                operator, order = ours[node.node_name]
                yield operator, which if order is None else order[which]
            stops = node.node_type in _QUANTISES or (node.node_name in ours and makes_new(node.node_type))
            if not stops and node.node_id not in seen:
                seen.add(node.node_id)
                pending.append(node)
