"""Smoothing in a PyTorch module, as ``forms.smoothing`` does it: linear layers read what a factor per channel divides.

The factors are those of the OpenVINO candidate, and are not trained: weights and ranges can do what they would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from nncf.common.graph import NNCFGraph

from autotune.findings import SmoothedActivation

# Of a layer: what its input is multiplied by.
BUFFER = "smoothed_by"
_CONSTANT = "nncf_model_const"
_WEIGHT = ".weight"
# Of a linear layer's forward.
_INPUT = "input"

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
Hook = Callable[[torch.nn.Module, tuple[Any, ...], dict[str, Any]], Arguments]


def smooth(
    module: torch.nn.Module, graph: NNCFGraph, activations: Sequence[SmoothedActivation], names: Mapping[str, str]
) -> frozenset[str]:
    """Smooth what linear layers read, where all of a group are such and their weights serve nothing else.

    Args:
        graph: of the module.
        names: PyTorch's name of each of OpenVINO's operators.

    Returns:
        OpenVINO's names of the operators that read what stays as it is.
    """
    weights = _weights(graph)
    uses = Counter(weights.values())
    shared = Counter(id(p) for part in module.modules() for p in part.parameters(recurse=False))
    left: set[str] = set()
    for activation in activations:
        found = [weights.get(names.get(operator, "")) for operator in activation.operators]
        layers = [module.get_submodule(name.removesuffix(_WEIGHT)) for name in found if name and uses[name] == 1]
        able = [
            layer
            for layer in layers
            if isinstance(layer, torch.nn.Linear)
            and layer.in_features == len(activation.factors)
            and shared[id(layer.weight)] == 1
        ]
        if len(able) < len(activation.operators):
            left.update(activation.operators)
            continue
        factors = torch.tensor(activation.factors, dtype=able[0].weight.dtype)
        for layer, hook in zip(able, _dividing(len(able)), strict=True):
            with torch.no_grad():
                layer.weight.mul_(factors)
            layer.register_buffer(BUFFER, 1 / factors)
            layer.register_forward_pre_hook(hook, with_kwargs=True)
    return frozenset(left)


def smoothing_nodes(graph: NNCFGraph) -> list[str]:
    """Return the names of the multiplications that smooth: quantisers are to stand behind them."""
    return [
        node.node_name
        for node in graph.get_all_nodes()
        if any(_is_constant(edge.from_node, f".{BUFFER}") for edge in graph.get_input_edges(node))
    ]


def _weights(graph: NNCFGraph) -> dict[str, str]:
    """Return the parameter that each operator has for weights, where a layer holds it."""
    return {
        node.node_name: str(edge.from_node.node_name)
        for node in graph.get_all_nodes()
        for edge in graph.get_input_edges(node)
        if edge.input_port_id == 1 and _is_constant(edge.from_node, _WEIGHT)
    }


def _is_constant(node: Any, end: str) -> bool:
    return node.node_type == _CONSTANT and str(node.node_name).endswith(end)


def _dividing(layers: int) -> list[Hook]:
    """Return a hook for each layer that reads one tensor: all get one product, with one quantiser behind it.

    Each layer runs once at a time: where one is given the same tensor again, the module runs again, or a copy of it.
    Functions, for a copy of the module takes them as they are: objects would be copied with the tensors that they hold.
    """
    last: list[torch.Tensor] = []
    served: set[int] = set()

    def hook_of(number: int) -> Hook:
        def hook(layer: torch.nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> Arguments:
            value = given[0] if given else named[_INPUT]
            if number in served or not last or last[0] is not value:
                last[:] = value, value * layer.get_buffer(BUFFER)
                served.clear()
            served.add(number)
            return ((last[1], *given[1:]), named) if given else (given, {**named, _INPUT: last[1]})

        return hook

    return [hook_of(number) for number in range(layers)]
