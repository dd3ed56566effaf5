"""NNCF's patterns of operators, without those that a graph cannot contain.

NNCF searches a graph for each of some two hundred patterns, which was most of the time that placing quantisers in a new
graph took. A pattern can only match where each of its edges joins two kinds of operators that an edge of the graph
joins too: that is found out in a moment, and few patterns are left. What is found stays the same.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from nncf.common.graph.patterns import GraphPattern
from nncf.common.graph.patterns.manager import PatternsManager
from nncf.common.utils.backend import BackendType

_Kinds = frozenset[Any]
_ANYTHING = {GraphPattern.ANY_PATTERN_NODE_TYPE, GraphPattern.NON_PATTERN_NODE_TYPE}


class Patterns(GraphPattern):  # type: ignore[misc]
    """Patterns as NNCF searches for them, each a graph of its own once and for all."""

    def __init__(self, graph: Any, parts: list[Any]) -> None:
        """Take the graph of all patterns and those of its parts that are wanted."""
        super().__init__()
        self._graph = graph
        self._parts = parts

    @classmethod
    def of(cls, full: GraphPattern) -> Patterns:
        """Take apart what NNCF made."""
        return cls(full.graph, [part.copy() for part in full.get_weakly_connected_subgraphs()])

    def get_weakly_connected_subgraphs(self) -> list[Any]:
        """Return the patterns, as NNCF asks for them."""
        return self._parts

    def within(self, graph: Any) -> Patterns:
        """Return the patterns that may be found in a graph of operators (networkx)."""
        kinds = {key: _kinds(data) for key, data in graph.nodes(data=True)}
        nodes = set(kinds.values())
        edges = {(kinds[giver], kinds[taker]) for giver, taker in graph.edges()}
        known: dict[object, bool] = {}

        def possible(part: Any) -> bool:
            wanted = {key: frozenset(data[GraphPattern.METATYPE_ATTR]) for key, data in part.nodes(data=True)}
            for node in wanted.values():
                if node not in known:
                    known[node] = any(_fits(node, kind) for kind in nodes)
            pairs = [(wanted[giver], wanted[taker]) for giver, taker in part.edges()]
            for giver, taker in pairs:
                if (giver, taker) not in known:
                    known[giver, taker] = any(_fits(giver, one) and _fits(taker, other) for one, other in edges)
            return all(known[key] for key in [*wanted.values(), *pairs])

        return Patterns(self._graph, [part for part in self._parts if possible(part)])


@cache
def hardware_patterns(device: Any, model_type: Any) -> Patterns:
    """Return the patterns that the device computes as one operator; made once, in a few hundredths of a second."""
    return Patterns.of(PatternsManager.get_full_hw_pattern_graph(BackendType.OPENVINO, device, model_type))


@cache
def ignored_patterns(device: Any, model_type: Any) -> Patterns:
    """Return the patterns that are never quantised."""
    return Patterns.of(PatternsManager.get_full_ignored_pattern_graph(BackendType.OPENVINO, device, model_type))


def _kinds(data: Any) -> _Kinds:
    """Return what a pattern may call an operator: its type or its metatype."""
    return frozenset((data.get(GraphPattern.METATYPE_ATTR), data.get(GraphPattern.NODE_TYPE_ATTR)))


def _fits(wanted: _Kinds, kinds: _Kinds) -> bool:
    return bool(wanted & kinds or wanted & _ANYTHING)
