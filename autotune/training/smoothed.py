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

Hook = Callable[[torch.nn.Module, tuple[Any, ...]], tuple[Any, ...]]


def smooth(
    module: torch.nn.Module, graph: NNCFGraph, activations: Sequence[SmoothedActivation], names: Mapping[str, str]
) -> int:
    """Smooth what linear layers read, where all of a group are such and their weights serve nothing else.

    Args:
        graph: of the module.
        names: PyTorch's name of each of OpenVINO's operators.

    Returns:
        How many of the activations stay as they are.
    """
    weights = _weights(graph)
    uses = Counter(weights.values())
    shared = Counter(id(p) for part in module.modules() for p in part.parameters(recurse=False))
    left = 0
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
            left += 1
            continue
        factors = torch.tensor(activation.factors, dtype=able[0].weight.dtype)
        hook = _divided_once()
        for layer in able:
            with torch.no_grad():
                layer.weight.mul_(factors)
            layer.register_buffer(BUFFER, 1 / factors)
            layer.register_forward_pre_hook(hook)
    return left


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


def _divided_once() -> Hook:
    """Return what gives all layers that read one tensor the same product: one operator, with one quantiser behind it.

    A function, for a copy of the module takes it as it is: an object would be copied with the tensors that it holds.
    """
    last: list[torch.Tensor] = []

    def hook(layer: torch.nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        value = given[0]
        if not last or last[0] is not value:
            last[:] = value, value * layer.get_buffer(BUFFER)
        return last[1], *given[1:]

    return hook
