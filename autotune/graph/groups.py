"""Operators that belong together by topology: worth keeping float, or quantising, as one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import openvino as ov

from autotune.graph.inspect import nodes_by_name
from autotune.graph.neighbours import neighbours

_PRODUCTS = "MatMul"


def groups(model: ov.Model, operators: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return label -> two or more operators, in topological order; groups may overlap, none is there twice.

    * ``shared:T``: operators that read the same tensor, e.g. query, key and value. T is the node that gives it.
    * ``attention:S``: for each softmax S between two products of activations, those products and the operators next to
      them: projections before, projection after.
    * ``branch:A``: for each sum A of two activations, the operators between the fork and A (a residual branch, or both
      arms of a block). A is among them where it is one itself.

    Args:
        model: normalised.
        operators: friendly names of the operators that may be float or int8.
    """
    graph = _Graph(model, operators)
    found: dict[str, tuple[str, ...]] = {}
    for label, members in (*graph.shared(), *graph.attention(), *graph.branches()):
        group = tuple(name for name in graph.order if name in members and name in operators)
        if len(group) > 1 and group not in found.values():
            found[label] = group
    return found


def cover(found: Mapping[str, tuple[str, ...]], operators: Iterable[str], most: int) -> dict[str, tuple[str, ...]]:
    """Return disjoint groups of all operators, at most ``most`` if that can be; single operators where possible.

    Groups are taken, smallest first, until few enough are left; what no group takes in stays by itself under its own
    name. After that, singles next to each other in the order given are joined, evenly.
    """
    names = list(operators)
    single = dict.fromkeys(names)
    chosen: dict[str, tuple[str, ...]] = {}
    for label, members in sorted(found.items(), key=lambda item: len(item[1])):
        if len(single) + len(chosen) <= most:
            break
        if all(name in single for name in members):
            chosen[label] = members
            for name in members:
                del single[name]
    alone = list(single)
    room = max(1, most - len(chosen))
    if len(alone) > room:
        size = -(-len(alone) // room)
        chunks = [tuple(alone[start : start + size]) for start in range(0, len(alone), size)]
        return chosen | {f"next:{chunk[0]}": chunk for chunk in chunks}
    return chosen | {name: (name,) for name in alone}


class _Graph:
    def __init__(self, model: ov.Model, operators: Collection[str]) -> None:
        self._nodes = nodes_by_name(model)
        self._operators = operators
        self._near = neighbours(model, operators)  # of the nodes that depend on an input
        self.order = list(self._near)
        self._places = {name: place for place, name in enumerate(self.order)}
        self._sources = {name: [n for n in self._inputs(name) if n in self._near] for name in self.order}
        self._dominators = self._immediate_dominators()

    def _inputs(self, name: str) -> list[str]:
        return [value.get_source_output().get_node().get_friendly_name() for value in self._nodes[name].inputs()]

    def shared(self) -> Iterable[tuple[str, set[str]]]:
        readers: dict[str, set[str]] = {}
        for name in self.order:
            if name in self._operators and len(self._sources[name]) == 1:
                readers.setdefault(self._sources[name][0], set()).add(name)
        return [(f"shared:{source}", members) for source, members in readers.items()]

    def attention(self) -> Iterable[tuple[str, set[str]]]:
        products = {
            name
            for name in self.order
            if self._nodes[name].get_type_name() == _PRODUCTS and len(self._sources[name]) == 2
        }
        for name in self.order:
            if self._nodes[name].get_type_name() == "Softmax":
                before = self._products(name, products, upward=True)
                after = self._products(name, products, upward=False)
                if before and after:
                    core = before | after
                    around = {n for product in before | after for n in self._near[product].feeds}
                    around |= {n for product in after for n in self._near[product].reads}
                    yield f"attention:{name}", core | around

    def _products(self, name: str, products: set[str], *, upward: bool) -> set[str]:
        """Return the products nearest to a softmax; other operators in between (a scale, a mask) are passed."""
        found, pending, seen = set[str](), [name], set[str]()
        while pending:
            near = self._near[pending.pop()]
            for other in near.feeds if upward else near.reads:
                if other in products:
                    found.add(other)
                elif other not in seen and self._nodes[other].get_type_name() in ("Add", "Multiply", "Divide"):
                    seen.add(other)
                    pending.append(other)
        return found

    def branches(self) -> Iterable[tuple[str, set[str]]]:
        for name in self.order:
            if self._nodes[name].get_type_name() == "Add" and len(set(self._sources[name])) == 2:
                fork = self._dominators[name]
                if fork is not None:
                    yield f"branch:{name}", self._between(fork, name) | {name}

    def _between(self, fork: str, end: str) -> set[str]:
        found, pending = set[str](), list(self._sources[end])
        while pending:
            name = pending.pop()
            if name != fork and name not in found:
                found.add(name)
                pending += self._sources[name]
        return found

    def _immediate_dominators(self) -> dict[str, str | None]:
        """Return for each node the nearest one that every path from the inputs passes; None: there is no such node.

        K. Cooper, T. Harvey, K. Kennedy, A Simple, Fast Dominance Algorithm, 2001; one sweep, for there are no cycles.
        """
        found: dict[str, str | None] = {}
        for name in self.order:
            common: str | None = None
            for position, source in enumerate(self._sources[name]):
                common = source if position == 0 else self._common(found, common, source)
            found[name] = common
        return found

    def _common(self, found: Mapping[str, str | None], one: str | None, other: str | None) -> str | None:
        while one is not None and other is not None and one != other:
            if self._places[one] > self._places[other]:
                one = found[one]
            else:
                other = found[other]
        return one if one == other else None
