"""Where the winner's time goes: a treemap, grouped by scheme and precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autotune.report.charts.base import Figure, colour, escape, hover, layout
from autotune.report.page import OperatorGroup, OperatorRow, Operators
from autotune.report.words import percent

# Smaller ones cannot be seen; they are one cell for each group.
SMALLEST = 0.003
# Schemes differ in pattern as well as in colour.
_SCHEMES = {
    "int8-static": ("--plot-searched", ""),
    "int8-dynamic": ("--plot-good", "."),
    "int8-weights": ("--plot-peer", "\\"),
    "int4-dynamic": ("--plot-good", "x"),
    "int4-weights": ("--plot-peer", "x"),
    "float": ("--plot-muted", "/"),
}


@dataclass(frozen=True)
class _Cell:
    label: str
    key: str
    parent: str
    value: float
    scheme: str
    details: tuple[str, ...]


def operators_figure(operators: Operators) -> Figure:
    """Area is time. Operators without any are left out."""
    cells = [cell for group in operators.groups for cell in _cells(group, operators.rows)]
    looks = [_SCHEMES.get(cell.scheme, _SCHEMES["float"]) for cell in cells]
    trace = {
        "type": "treemap",
        "labels": [escape(cell.label) for cell in cells],
        "ids": [cell.key for cell in cells],
        "parents": [cell.parent for cell in cells],
        "values": [cell.value for cell in cells],
        "hovertext": [hover(cell.details) for cell in cells],
        "hoverinfo": "text",
        "textinfo": "label",
        "textfont": {"color": colour("--text")},
        "pathbar": {"visible": False},
        "tiling": {"pad": 2},
        "marker": {
            "colors": [colour(f"{shade}-map") for shade, _ in looks],
            "line": {"color": colour("--surface"), "width": 1},
            "pattern": {
                "shape": [pattern for _, pattern in looks],
                "fillmode": "overlay",
                "size": 12,
                "solidity": 0.1,
                "fgcolor": colour("--line-strong"),
            },
            "pad": {"t": 22, "l": 3, "r": 3, "b": 3},
        },
    }
    figure = layout(xaxis={"visible": False}, yaxis={"visible": False}, shapes=[], annotations=[])
    figure["uniformtext"] = {"minsize": 10, "mode": "hide"}
    figure["height"] = 380
    figure["margin"] = {"l": 0, "r": 0, "t": 5, "b": 5}
    return {"data": [trace], "layout": figure}


def _cells(group: OperatorGroup, rows: Sequence[OperatorRow]) -> list[_Cell]:
    """The group itself, its operators, and the small ones as one."""
    key = f"{group.scheme} · {group.precision}"
    own = [r for r in rows if (r.scheme, r.precision) == (group.scheme, group.precision) and r.microseconds_value]
    if not own:
        return []
    told = f"{key}: {group.count}, {group.share_text} of the time"
    cells = [_Cell(f"{key} ({group.share_text})", key, "", 0.0, group.scheme, (told,))]
    for number, row in enumerate(r for r in own if r.share >= SMALLEST):
        name = f"{key}/{number}"
        cells.append(_Cell(_short(row.name), name, key, row.microseconds_value, row.scheme, _details(row)))
    if small := [r for r in own if r.share < SMALLEST]:
        told = f"{len(small)} small operators, {percent(sum(r.share for r in small))} of the time together"
        spent = sum(r.microseconds_value for r in small)
        cells.append(_Cell(f"{len(small)} small ones", f"{key}/small", key, spent, group.scheme, (told,)))
    return cells


def _short(name: str) -> str:
    """The last two parts of a name with slashes."""
    return "/".join(name.strip("/").split("/")[-2:])


def _details(row: OperatorRow) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.type}, {row.kernel}, {row.precision}",
        f"{row.microseconds} µs, {row.share_text} of the time; in float f32 {row.baseline} µs",
        *((row.why,) if row.why else ()),
    )
