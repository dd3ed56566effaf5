"""Which operators stand next to each node: whose choice of float or int8 a node's own time depends on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import openvino as ov

from autotune.graph.inspect import activation_names, nodes_by_name


@dataclass(frozen=True)
class Neighbours:
    """The operators nearest to a node: ``feeds`` upstream, ``reads`` downstream, no other operator in between."""

    feeds: tuple[str, ...]
    reads: tuple[str, ...]


def neighbours(model: ov.Model, operators: Collection[str]) -> dict[str, Neighbours]:
    """Return the neighbours of every node that depends on an input of the model, operators themselves included.

    Names are in topological order. Constants and what is folded from them are left out.

    Args:
        operators: friendly names of the operators that may be float or int8.
    """
    active = activation_names(model)
    nodes = {name: node for name, node in nodes_by_name(model).items() if name in active}
    order = {name: place for place, name in enumerate(nodes)}
    sources = {name: [n for n in map(_source, node.inputs()) if n in nodes] for name, node in nodes.items()}
    targets: dict[str, list[str]] = {name: [] for name in nodes}
    for name, names in sources.items():
        for source in names:
            targets[source].append(name)
    feeds = _nearest(nodes, sources, operators)
    reads = _nearest(reversed(nodes), targets, operators)
    return {
        name: Neighbours(*(tuple(sorted(side[name], key=order.__getitem__)) for side in (feeds, reads)))
        for name in nodes
    }


def edges(model: ov.Model, operators: Collection[str]) -> dict[tuple[str, str], int]:
    """Return the pairs of operators of which the second reads what the first gives, and how many elements flow.

    Where other nodes lie in between it is the smaller of what the one gives and the other takes.
    """
    nodes = nodes_by_name(model)
    found = {}
    for name, near in neighbours(model, operators).items():
        if name in operators:
            taken = max((_elements(value.get_source_output()) for value in nodes[name].inputs()[:1]), default=0)
            for source in near.feeds:
                found[source, name] = min(_elements(nodes[source].output(0)), taken)
    return found


def sizes(model: ov.Model) -> dict[str, int]:
    """Return how many elements the first output of every node has; 0 where its shape is not fixed."""
    return {name: _elements(node.output(0)) for name, node in nodes_by_name(model).items() if node.get_output_size()}


def _nearest(
    ordered: Iterable[str], previous: Mapping[str, list[str]], operators: Collection[str]
) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in ordered:
        found[name] = set()
        for other in previous[name]:
            found[name] |= {other} if other in operators else found[other]
    return found


def _source(target: ov.Input) -> str:
    return str(target.get_source_output().get_node().get_friendly_name())


def _elements(output: ov.Output) -> int:
    shape = output.get_partial_shape()
    if shape.is_dynamic:
        return 0
    count = 1
    for extent in shape.to_shape():
        count *= int(extent)
    return count
