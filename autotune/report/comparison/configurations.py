"""What the winners' configurations have in common and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from autotune.configuration import Configuration
from autotune.report import words
from autotune.report.comparison.page import Cell
from autotune.report.listing import choices

_NONE = Cell("none")
_SINGLY = "range of "


def choice_rows(winners: Sequence[Configuration | None]) -> Iterator[tuple[str, tuple[Cell, ...]]]:
    """Yield each choice that some winner makes, with what every winner chose; a dash where it has no such choice."""
    listed = [{} if winner is None else _choices(winner) for winner in winners]
    for name in _order(listed):
        yield name, tuple(one.get(name, Cell(words.MISSING)) for one in listed)


def _order(listed: Sequence[Mapping[str, Cell]]) -> list[str]:
    """Names in the order of the longest list, what only others have behind it."""
    longest = max(listed, key=len)
    return list(dict.fromkeys([*longest, *(name for one in listed for name in one)]))


def _choices(configuration: Configuration) -> dict[str, Cell]:
    """By name; what may be hundreds of names is counted, and opens on demand."""
    cells = {"configuration": Cell(configuration.label), "SHA-256": Cell(configuration.digest[:12])}
    q, compression = configuration.quantization, configuration.compression
    compressed = compression.operators if compression is not None else ()
    kept = () if q is None else tuple(name for name in q.float_operators if name not in compressed)
    lists = {
        "operators kept float": kept,
        "operators in bf16": configuration.bf16_operators,
        **({} if compression is None else {f"{compression.scheme} linear layers": compressed}),
        **{f"form {form.name}": form.groups for form in configuration.forms},
    }
    strengths = {f"form {f.name}": f"alpha {f.alpha:g}" for f in configuration.forms if f.alpha is not None}
    singly = []
    for choice in choices(configuration):
        if choice.term.startswith(_SINGLY):
            singly.append(f"{choice.term.removeprefix(_SINGLY)}: {choice.value}")
        elif choice.term in lists:
            noun = "group" if choice.term.startswith("form ") else "operator"
            cells[choice.term] = _counted(lists[choice.term], noun, strengths.get(choice.term, ""))
        else:
            cells[choice.term] = Cell(choice.value)
    if q is not None:
        cells["ranges set singly"] = _counted(tuple(singly), "quantiser")
    return cells


def _counted(names: Sequence[str], noun: str, sub: str = "") -> Cell:
    return Cell(words.count(len(names), noun), sub, items=tuple(names)) if names else _NONE
