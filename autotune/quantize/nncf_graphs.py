"""NNCF's graphs of operators and of the points between them, made without copying each part several times.

What they hold is NNCF's own; nothing of it is changed once it is made.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from types import FunctionType
from typing import Any

import openvino as ov
from nncf.common.graph import NNCFGraph
from nncf.common.insertion_point_graph import InsertionPointGraph
from nncf.openvino.graph.nncf_graph_builder import GraphConverter


class _Numbered(NNCFGraph):  # type: ignore[misc]
    """NNCF's graph of operators; the next one's number is not looked for among those of all."""

    def add_nncf_node(self, *args: Any, **named: Any) -> Any:
        """Add an operator under the next number."""
        return super().add_nncf_node(*args, **named, node_id_override=len(self._node_id_to_key_dict))


def operators_of(model: ov.Model) -> NNCFGraph:
    """Return NNCF's graph of a model's operators (``nncf.build_graph``)."""
    make = GraphConverter.create_nncf_graph
    ours = FunctionType(make.__code__, {**make.__globals__, "NNCFGraph": _Numbered})
    return ours(model)


def copied(graph: NNCFGraph) -> NNCFGraph:
    """Return a copy of NNCF's graph of operators, to take nodes and edges out of: what they hold is shared."""
    other: NNCFGraph = copy.copy(graph)
    for name, value in vars(graph).items():
        setattr(other, name, value.copy() if isinstance(value, dict) else _copy_into(type(value)(), value))
    return other


def _copy_into(empty: Any, graph: Any) -> Any:
    """Copy networkx's graph as its ``copy`` does, in the same order, without asking about each node and edge."""
    empty.graph.update(graph.graph)
    empty._node.update((key, data.copy()) for key, data in graph._node.items())
    empty._succ.update((key, {}) for key in graph._node)
    empty._pred.update((key, {}) for key in graph._node)
    for giver, takers in graph._succ.items():
        for taker, edges in takers.items():
            empty._succ[giver][taker] = empty._pred[taker][giver] = {key: data.copy() for key, data in edges.items()}
    return empty


class FusedGraph(InsertionPointGraph):  # type: ignore[misc]
    """NNCF's graph of operators and points between them, to be asked about again and again."""

    def __init__(self, graph: InsertionPointGraph | None = None) -> None:
        """Take NNCF's graph over, without the one below it, which is needed for fusing only."""
        super(InsertionPointGraph, self).__init__()
        if graph is not None:
            _copy_into(self, graph)

    def __deepcopy__(self, memo: dict[int, Any]) -> FusedGraph:
        """Return a copy that shares what the solver only reads; it writes to the dictionaries of edges."""
        return FusedGraph(self)


class PointGraph(InsertionPointGraph):  # type: ignore[misc]
    """NNCF's graph of operators and points before patterns are fused in it.

    NNCF copies all that nodes hold, three times; nothing of it is changed afterwards.
    """

    def __init__(self, graph: NNCFGraph | None = None) -> None:
        """Take the graph whose operators get points; None for an empty copy (networkx asks for one)."""
        if graph is None:
            super(InsertionPointGraph, self).__init__()
        else:
            super().__init__(_Lent(graph))

    def fused(self, matches: Iterable[Sequence[str]]) -> FusedGraph:
        """Return a copy with one operator for each match of a pattern, its operators in topological order.

        It is ``get_ip_graph_with_merged_hw_optimized_operations`` of NNCF 3.4 without its copies of what nodes hold.
        """
        fused = FusedGraph(self)
        for match in matches:
            if len(match) > 1:
                self._fuse(fused, match)
        return fused

    def _fuse(self, fused: FusedGraph, match: Sequence[str]) -> None:
        before = list(self.in_edges(match[0], data=True))
        after = list(self.out_edges(match[-1], data=True))
        kept = {key for giver, taker, _ in (*before, *after) for key in (giver, taker)}
        points = {key: self.nodes[key][self.ASSOCIATED_IP_NODE_KEYS_NODE_ATTR] for key in match}
        attributes = {
            **self.nodes[match[0]],
            self.IS_MERGED_NODE_ATTR: True,
            self.ASSOCIATED_IP_NODE_KEYS_NODE_ATTR: set().union(*points.values()) & kept,
            # The first one stands for all where operators are ignored by name.
            self.MERGED_NNCF_NODE_LIST_NODE_ATTR: [self.nodes[key][self.REGULAR_NODE_REF_NODE_ATTR] for key in match],
        }
        merged = "".join(f"{key}\n" for key in match)
        for key in match:
            for inside in (*(points[key] - kept), key):
                fused.remove_node(inside)
        fused.add_node(merged, **attributes)
        for giver, _, held in before:
            fused.add_edge(giver, merged, **held)
        for _, taker, held in after:
            fused.add_edge(merged, taker, **held)


class _Lent:
    """NNCF's graph of operators, whose copy is the graph below it itself."""

    def __init__(self, graph: NNCFGraph) -> None:
        self._graph = graph

    def __getattr__(self, name: str) -> Any:
        return getattr(self._graph, name)

    def get_nx_graph_copy(self) -> _Itself:
        return _Itself(self._graph._nx_graph)


class _Itself:
    """What stands for a graph that is to be copied and needs no copy."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self._graph
