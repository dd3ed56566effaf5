"""NNCF's graphs of operators and of the points between them, made without copying each part several times.

What they hold is NNCF's own; nothing of it is changed once it is made.
"""

from __future__ import annotations

import copy
import heapq
from collections.abc import Iterable, Mapping, Sequence
from types import FunctionType
from typing import Any, TypeVar

import openvino as ov
from nncf.common.graph import NNCFGraph, NNCFNode
from nncf.common.graph.layer_attributes import Dtype
from nncf.common.insertion_point_graph import (
    InsertionPointGraph,
    InsertionPointGraphNodeType,
    PostHookInsertionPoint,
    PreHookInsertionPoint,
)
from nncf.openvino.graph.nncf_graph_builder import GraphConverter

from autotune.graph.inspect import extents

_Key = TypeVar("_Key", str, int)


class _Numbered(NNCFGraph):  # type: ignore[misc]
    """NNCF's graph of operators; the next one's number is not looked for among those of all."""

    def add_nncf_node(self, *args: Any, **named: Any) -> Any:
        """Add an operator under the next number."""
        return super().add_nncf_node(*args, **named, node_id_override=len(self._node_id_to_key_dict))


class _Converter(GraphConverter):  # type: ignore[misc]
    """NNCF's way from a model to its graph; edges are not compared with those that are there."""

    @staticmethod
    def _add_edges_to_nncf_graph(model: ov.Model, graph: _Numbered) -> None:
        keys = {name: graph._node_id_to_key_dict[number] for name, (number,) in graph._node_name_to_node_id_map.items()}
        after, before = graph._nx_graph._succ, graph._nx_graph._pred
        for node in model.get_ops():
            giver = keys[node.get_friendly_name()]
            for port, output in enumerate(node.outputs()):
                takers: dict[str, list[int]] = {}
                for target in output.get_target_inputs():
                    takers.setdefault(keys[target.get_node().get_friendly_name()], []).append(target.get_index())
                if not takers:
                    continue
                held = {
                    NNCFGraph.ACTIVATION_SHAPE_EDGE_ATTR: list(extents(output.partial_shape.get_max_shape())),
                    NNCFGraph.OUTPUT_PORT_ID_EDGE_ATTR: port,
                    NNCFGraph.DTYPE_EDGE_ATTR: GraphConverter.convert_to_nncf_dtype(output.get_element_type()),
                }
                for taker, ports in sorted(takers.items()):  # else in an order of the moment, as NNCF's is
                    edges = after[giver].setdefault(taker, {})
                    before[taker][giver] = edges
                    for number in sorted(ports):
                        edges[len(edges)] = {**held, NNCFGraph.INPUT_PORT_ID_EDGE_ATTR: number}


def operators_of(model: ov.Model) -> NNCFGraph:
    """Return NNCF's graph of a model's operators (``nncf.build_graph``)."""
    make = GraphConverter.create_nncf_graph
    names = {"NNCFGraph": _Numbered, "GraphConverter": _Converter, "tuple": extents}  # it makes tuples of shapes only
    ours = FunctionType(make.__code__, {**make.__globals__, **names})
    return ours(model)


def sorted_operators(after: Mapping[_Key, Iterable[_Key]], before: Mapping[_Key, int]) -> list[_Key]:
    """Return keys in topological order, of those that may come next the smallest first.

    Args:
        after: key -> those that read it, each once.
        before: key -> how many it reads.
    """
    waiting = dict(before)
    ready = [key for key, count in waiting.items() if not count]
    heapq.heapify(ready)
    found = []
    while ready:
        key = heapq.heappop(ready)
        found.append(key)
        for taker in after[key]:
            if taker in waiting:
                waiting[taker] -= 1
                if not waiting[taker]:
                    heapq.heappush(ready, taker)
    return found


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

    # Not kept: a view refers back to the graph, and Python would have to look for what is left over of every copy.
    edges = property(InsertionPointGraph.edges.func)

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

    NNCF adds and removes each edge several times, and copies all that nodes hold; nothing of it is changed afterwards.
    """

    def __init__(self, graph: NNCFGraph | None = None) -> None:
        """Take the graph whose operators get points, one per input and one behind each; None for an empty copy.

        Nodes and edges come in the order in which NNCF leaves them (networkx asks for an empty copy).
        """
        super(InsertionPointGraph, self).__init__()
        if graph is not None:
            self._base_nx_graph = base = graph._nx_graph
            order = sorted_operators(base._succ, {key: len(near) for key, near in base._pred.items()})
            for key in order:
                operator = {
                    self.REGULAR_NODE_REF_NODE_ATTR: graph.get_node_by_key(key),
                    self.NODE_TYPE_NODE_ATTR: InsertionPointGraphNodeType.OPERATOR,
                    self.ASSOCIATED_IP_NODE_KEYS_NODE_ATTR: set(),
                    self.IS_MERGED_NODE_ATTR: False,
                }
                self._put(key, operator)
            integer = {
                key: any(
                    edge[graph.DTYPE_EDGE_ATTR] is Dtype.INTEGER for near in takers.values() for edge in near.values()
                )
                for key, takers in base._succ.items()
            }
            for key in order:
                name = base._node[key][NNCFNode.NODE_NAME_ATTR]
                self._add_points(key, name, base._pred[key], integer)

    def _add_points(self, key: str, name: str, givers: Mapping[str, Any], integer: Mapping[str, bool]) -> None:
        """Add the points before and behind an operator; those behind the operators that it reads are there."""
        ports = sorted(
            (edge[NNCFGraph.INPUT_PORT_ID_EDGE_ATTR], giver, edge[NNCFGraph.DTYPE_EDGE_ATTR] is Dtype.INTEGER)
            for giver, edges in givers.items()
            for edge in edges.values()
        )
        points = self._node[key][self.ASSOCIATED_IP_NODE_KEYS_NODE_ATTR]
        for port, giver, whole in ports:
            before = self.get_pre_hook_node_key(key, port)
            point = PreHookInsertionPoint(name, port)
            self._put(before, self._point(InsertionPointGraphNodeType.PRE_HOOK, point))
            behind = self.get_post_hook_node_key(giver)
            self._join(behind, before, {"input_port_id": port, self.IS_INTEGER_PATH_EDGE_ATTR: integer[giver]})
            self._join(before, key, {"input_port_id": port, self.IS_INTEGER_PATH_EDGE_ATTR: whole})
            points.add(before)
        after = self.get_post_hook_node_key(key)
        self._put(after, self._point(InsertionPointGraphNodeType.POST_HOOK, PostHookInsertionPoint(name)))
        self._join(key, after, {self.IS_INTEGER_PATH_EDGE_ATTR: integer[key]})
        points.add(after)

    def _point(self, kind: InsertionPointGraphNodeType, point: object) -> dict[str, object]:
        return {self.NODE_TYPE_NODE_ATTR: kind, self.INSERTION_POINT_NODE_ATTR: point}

    def _put(self, key: str, data: dict[str, object]) -> None:
        self._node[key] = data
        self._succ[key] = {}
        self._pred[key] = {}

    def _join(self, giver: str, taker: str, data: dict[str, object]) -> None:
        self._succ[giver][taker] = self._pred[taker][giver] = {0: data}

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
        first, last = match[0], match[-1]
        before = [(giver, held) for giver, edges in self._pred[first].items() for held in edges.values()]
        after = [(taker, held) for taker, edges in self._succ[last].items() for held in edges.values()]
        kept = {first, last, *(key for key, _ in (*before, *after))}
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
        for giver, held in before:
            fused.add_edge(giver, merged, **held)
        for taker, held in after:
            fused.add_edge(merged, taker, **held)
