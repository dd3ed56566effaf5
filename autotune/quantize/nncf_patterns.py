"""NNCF's patterns of operators, searched for in a graph as NNCF does, in a twentieth of the time.

NNCF hands each of some two hundred patterns to a general search for subgraphs, which was most of the time that placing
quantisers in a new graph took. Here a pattern is searched for only where each of its edges joins two kinds of operators
that an edge of the graph joins too, and from its rarest operator on, along edges. What is found stays the same: induced
subgraphs, longer patterns first, each operator in one of them (``find_subgraphs_matching_pattern`` of NNCF 3.4). Where
matches of one pattern overlap, NNCF takes whichever comes first out of a set; here it is the first in the graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from nncf.common.graph.graph_matching import _sort_patterns_by_len
from nncf.common.graph.patterns import GraphPattern
from nncf.common.graph.patterns.manager import PatternsManager
from nncf.common.utils.backend import BackendType

from autotune.quantize.nncf_graphs import sorted_operators

_Kinds = frozenset[Any]
_Edges = Mapping[str, Mapping[str, int]]

_OUTSIDE = GraphPattern.NON_PATTERN_NODE_TYPE
_ANYTHING = {GraphPattern.ANY_PATTERN_NODE_TYPE, _OUTSIDE}
_KNOWN = {GraphPattern.LABEL_ATTR, GraphPattern.METATYPE_ATTR, GraphPattern.PATTERN_NODE_TO_EXCLUDE}


class Patterns:
    """Patterns as NNCF searches for them, the longest first."""

    def __init__(self, full: GraphPattern) -> None:
        """Take apart what NNCF made.

        Raises:
            ValueError: a pattern asks for more than kinds of operators.
        """
        parts = sorted(full.get_weakly_connected_subgraphs(), key=_sort_patterns_by_len, reverse=True)
        self._parts = [_Part(part.copy()) for part in parts]

    def matches(self, graph: Any, *, strict: bool = True) -> list[list[str]]:
        """Return the operators (keys of a networkx graph) of every pattern that is found, in topological order.

        Args:
            strict: only where nothing else reads what is inside a pattern, or is read by it.
        """
        seen = _Graph(graph)
        taken: set[str] = set()
        found = []
        for part in self._parts:
            if not part.is_possible(seen):
                continue
            for match in part.matches(seen, taken):
                if strict and not part.is_alone(seen, match):
                    continue
                inside = {node for node, wanted in match.items() if wanted in part.counted}
                if not inside & taken:
                    taken |= inside
                    found.append(seen.ordered(inside))
        return found


class _Graph:
    """A graph of operators: their kinds, and how many edges lead from one to another."""

    def __init__(self, graph: Any) -> None:
        self.kinds = {key: _kinds(data) for key, data in graph.nodes(data=True)}
        self.after = {key: {taker: len(edges) for taker, edges in near.items()} for key, near in graph.adjacency()}
        self.before: dict[str, dict[str, int]] = {key: {} for key in self.kinds}
        for giver, takers in self.after.items():
            for taker, count in takers.items():
                self.before[taker][giver] = count
        self.joined = {
            (self.kinds[giver], self.kinds[taker]) for giver, takers in self.after.items() for taker in takers
        }
        self.by_kinds: dict[_Kinds, list[str]] = {}
        for key, kinds in self.kinds.items():
            self.by_kinds.setdefault(kinds, []).append(key)
        self._answers: dict[object, bool] = {}

    def has(self, wanted: _Kinds) -> bool:
        """Tell whether there is such an operator."""
        if wanted not in self._answers:
            self._answers[wanted] = any(_fits(wanted, kinds) for kinds in self.by_kinds)
        return self._answers[wanted]

    def joins(self, giver: _Kinds, taker: _Kinds) -> bool:
        """Tell whether an edge leads from such an operator to such another one."""
        key = giver, taker
        if key not in self._answers:
            self._answers[key] = any(_fits(giver, one) and _fits(taker, other) for one, other in self.joined)
        return self._answers[key]

    def of(self, wanted: _Kinds) -> list[str]:
        """Return such operators."""
        return [key for kinds, keys in self.by_kinds.items() if _fits(wanted, kinds) for key in keys]

    def ordered(self, keys: Set[str]) -> list[str]:
        """Return them in topological order, of those that may come next the first by name."""
        return sorted_operators(self.after, {key: len(self.before[key].keys() & keys) for key in keys})


@dataclass(frozen=True)
class _Step:
    """The next operator of a pattern.

    Attributes:
        node: in the pattern.
        counted: whether it belongs to what is found; else it only has to be there.
        edges: to every operator before it, how many lead from there and how many to there.
        near: the first of those that an edge joins it with; None for the first step.
    """

    node: Any
    counted: bool
    edges: tuple[tuple[int, int], ...]
    near: int | None


class _Part:
    """One pattern."""

    def __init__(self, graph: Any) -> None:
        unknown = {name for _, data in graph.nodes(data=True) for name in data} - _KNOWN
        if unknown:
            raise ValueError(f"NNCF's patterns ask for {', '.join(sorted(map(str, unknown)))}")
        self.graph = graph
        self.wanted = {key: frozenset(data[GraphPattern.METATYPE_ATTR]) for key, data in graph.nodes(data=True)}
        self.counted = {
            key for key, data in graph.nodes(data=True)
            if _OUTSIDE not in self.wanted[key] and not data.get(GraphPattern.PATTERN_NODE_TO_EXCLUDE, False)
        }  # fmt: skip
        self._steps_from: dict[Any, list[_Step]] = {}

    @cached_property
    def _pairs(self) -> set[tuple[_Kinds, _Kinds]]:
        return {(self.wanted[giver], self.wanted[taker]) for giver, taker in self.graph.edges()}

    @cached_property
    def _open(self) -> dict[Any, tuple[bool, bool]]:
        """Of each operator, whether others may be read by it, and read it; those outside the pattern are left out."""
        above, below = self.graph.pred, self.graph.succ
        return {
            node: (bool(below[node] and not above[node]), bool(above[node] and not below[node]))
            for node, kinds in self.wanted.items()
            if _OUTSIDE not in kinds
        }

    def is_alone(self, graph: _Graph, match: Mapping[str, Any]) -> bool:
        """Tell whether only the first operators of a match read others, and only its last ones are read by others.

        It is ``_is_subgraph_matching_strict`` of NNCF 3.4.
        """
        for key, node in match.items():
            reads, is_read = self._open.get(node, (True, True))
            if not (
                (reads or graph.before[key].keys() <= match.keys())
                and (is_read or graph.after[key].keys() <= match.keys())
            ):
                return False
        return True

    def is_possible(self, graph: _Graph) -> bool:
        """Tell whether each operator and each edge is in the graph, somewhere."""
        return all(map(graph.has, self.wanted.values())) and all(graph.joins(*pair) for pair in self._pairs)

    def matches(self, graph: _Graph, taken: Set[str]) -> Iterator[dict[str, Any]]:
        """Yield graph's operator -> pattern's; none of those that count is ``taken``, which may grow meanwhile."""
        fitting = {key: graph.of(kinds) for key, kinds in self.wanted.items()}
        first = min(fitting, key=lambda key: len(fitting[key]))
        return _from_here(
            graph, taken, self._steps(first), {key: dict.fromkeys(keys) for key, keys in fitting.items()}, []
        )

    def _steps(self, first: Any) -> list[_Step]:
        """Return the operators in an order in which each but the first is joined with one before it."""
        if first not in self._steps_from:
            order = [first]
            for node in order:
                near = [*self.graph.successors(node), *self.graph.predecessors(node)]
                order += dict.fromkeys(other for other in near if other not in order)
            self._steps_from[first] = [self._step(node, order[:place]) for place, node in enumerate(order)]
        return self._steps_from[first]

    def _step(self, node: Any, before: Sequence[Any]) -> _Step:
        count = self.graph.number_of_edges
        edges = tuple((count(other, node), count(node, other)) for other in before)
        near = next((place for place, counts in enumerate(edges) if any(counts)), None)
        return _Step(node, node in self.counted, edges, near)


def _from_here(
    graph: _Graph, taken: Set[str], steps: Sequence[_Step], fitting: Mapping[Any, Mapping[str, None]], chosen: list[str]
) -> Iterator[dict[str, Any]]:
    """Yield the matches that begin with the operators ``chosen``, one for each of the first steps."""
    if len(chosen) == len(steps):
        yield {key: step.node for key, step in zip(chosen, steps, strict=True)}
        return
    step = steps[len(chosen)]
    if step.near is None:
        nearby = list(fitting[step.node])
    else:
        to_it = step.edges[step.near][0] > 0
        nearby = list((graph.after if to_it else graph.before)[chosen[step.near]])
    for key in nearby:
        if key in fitting[step.node] and not (step.counted and key in taken) and _joined(graph, key, chosen, step):
            yield from _from_here(graph, taken, steps, fitting, [*chosen, key])


def _joined(graph: _Graph, key: str, chosen: Sequence[str], step: _Step) -> bool:
    """Tell whether an operator has the pattern's edges to those before it, and no others."""
    if key in chosen or key in graph.after[key]:
        return False
    return all(
        graph.after[other].get(key, 0) == to_it and graph.after[key].get(other, 0) == from_it
        for other, (to_it, from_it) in zip(chosen, step.edges, strict=True)
    )


@cache
def hardware_patterns(device: Any, model_type: Any) -> Patterns:
    """Return the patterns that the device computes as one operator; made once, in a few hundredths of a second."""
    return Patterns(PatternsManager.get_full_hw_pattern_graph(BackendType.OPENVINO, device, model_type))


@cache
def ignored_patterns(device: Any, model_type: Any) -> Patterns:
    """Return the patterns that are never quantised."""
    return Patterns(PatternsManager.get_full_ignored_pattern_graph(BackendType.OPENVINO, device, model_type))


def _kinds(data: Any) -> _Kinds:
    """Return what a pattern may call an operator: its type or its metatype."""
    return frozenset((data.get(GraphPattern.METATYPE_ATTR), data.get(GraphPattern.NODE_TYPE_ATTR)))


def _fits(wanted: _Kinds, kinds: _Kinds) -> bool:
    return bool(wanted & kinds or wanted & _ANYTHING)
