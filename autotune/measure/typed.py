"""Which operators really compute in bf16 when they are typed so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autotune.errors import one_line
from autotune.graph.inspect import clone, consumers, nodes_by_name
from autotune.graph.typing import type_bf16
from autotune.measure.compiled import compile_model
from autotune.record import OperatorRun


@dataclass(frozen=True)
class Bf16Probe:
    """What came of typing operators bf16.

    Attributes:
        executed: those that run so, in the order of the graph.
        alone: those of them that hand bf16 to no other: both conversions serve one operator.
        failure: why nothing could be found out, one short line; or empty.
    """

    executed: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    failure: str = ""


def executed_bf16(model: Any, operators: Sequence[str], threads: int) -> Bf16Probe:
    """Type all of ``operators`` in a copy of a float model and find out which run in bf16.

    An operator of which nothing is seen is left out, and so are those of a region in which anything typed bf16 runs
    otherwise: there the conversions would not be where the graph has them.
    """
    typed_model = clone(model)
    typed = type_bf16(typed_model, operators)
    try:
        nodes = compile_model(typed_model, "f32", threads).nodes()
    except RuntimeError as error:  # no kernel for some operator
        return Bf16Probe(failure=one_line(error))
    ran: dict[str, set[str]] = {}
    for node in nodes:
        for original in node.originals:
            ran.setdefault(original, set()).add(node.precision)
    members = frozenset[str]().union(*typed.regions)
    good = [part for part in typed.regions if all(ran.get(name, {"bf16"}) == {"bf16"} for name in part)]
    named = nodes_by_name(typed_model)
    seen = [n for n in operators if any(n in part for part in good) and _is_seen(named[n], ran, members)]
    alone = [n for n in seen if any(part.intersection(operators) == {n} for part in good)]
    return Bf16Probe(tuple(seen), tuple(alone))


def not_in_bf16(operators: Sequence[str], runs: Iterable[OperatorRun]) -> list[str]:
    """Name those of the operators that ran otherwise, with what they ran in; what is not seen is part of another node.

    Of several nodes of one name one in bf16 is enough: a bias that is computed apart has the name of its operator.
    """
    ran: dict[str, list[str]] = {}
    for run in runs:
        ran.setdefault(run.name, []).append(run.precision)
    return [f"{name} ({ran[name][0]})" for name in operators if "bf16" not in ran.get(name, ["bf16"])]


def _is_seen(node: Any, ran: Mapping[str, object], members: Collection[str]) -> bool:
    """Tell whether a kernel names the node, or what it computes right after it: a kernel is named after its last."""
    while node.get_friendly_name() in members:
        if node.get_friendly_name() in ran:
            return True
        readers = consumers(node)
        if len(readers) != 1:
            return False
        (node,) = readers
    return False
