"""Rows of the comparison as a Markdown table. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

TOLERANCES = (0.01, 0.005, 0.001)
Row = Mapping[str, Any]
_HEAD = (
    "tool | asked | computes in | holdout drop (bound) | verdict at 1 / 0.5 / 0.1 % | speed against f32 | "
    "against best float | wall s | inferences"
)


def verdict(drop: float, upper: float, tolerance: float) -> str:
    """Return ``proven``, ``expected`` or ``beyond``, as autotune words it."""
    return "proven" if upper <= tolerance else "expected" if drop <= tolerance else "beyond"


def verdicts(row: Row) -> str:
    """Return the verdict at the tolerance that was asked for, or at all three where none was."""
    asked = [row["max_drop"]] if present(row["max_drop"]) else TOLERANCES
    said = [verdict(row["drop"], row["drop_upper"], t * abs(row["float_score"])) for t in asked]
    return " / ".join(said)


def present(value: Any) -> bool:
    """False for what an empty cell of a CSV is read as."""
    return value is not None and value != "" and not (isinstance(value, float) and math.isnan(value))


def speed(row: Row, name: str) -> str:
    """Return an estimate with its interval."""
    if not present(row[name]):
        return ""
    return f"{row[name]:.2f} [{row[f'{name}_low']:.2f}, {row[f'{name}_high']:.2f}]"


def line(row: Row) -> str:
    """Return a row of the table; a failure says its reason instead of numbers."""
    tool = " ".join(str(row[key]) for key in ("tool", "variant") if present(row[key]))
    asked = f"{row['max_drop'] * 100:g} %" if present(row["max_drop"]) else ""
    wall = f"{row['seconds']:.0f}" if present(row["seconds"]) else ""
    if present(row["failure"]):
        reason = str(row["failure"]).replace("|", "/")
        return f"| {tool} | {asked} | | {reason} | | | | {wall} | |"
    executed = str(row["executed"] if row["runtime"] == "openvino" else row["runtime"])
    if row["precision"] == "default":
        executed += " (default)"
    drop = f"{row['drop']:+.4f} (≤ {row['drop_upper']:.4f})"
    cells = (tool, asked, executed, drop, verdicts(row), speed(row, "speed"), speed(row, "speed_best_float"), wall)
    inferences = f"{row['inferences']:.0f}" if present(row["inferences"]) else ""
    return "| " + " | ".join((*cells, inferences)) + " |"


def markdown(rows: Iterable[Row]) -> str:
    """Return one table per model and instruction set, tools in the order of the rows."""
    tables: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        tables.setdefault((row["model"], row["isa"]), []).append(row)
    parts = []
    for (model, isa), members in tables.items():
        judged = [row for row in members if not present(row["failure"])]
        kernels = "" if isa == "native" else f", this CPU restricted to {isa}"
        facts = ""
        if judged:
            one = judged[0]
            facts = f"{one['metric']} of float f32 {one['float_score']:.4f} on {one['n']:.0f} holdout samples, "
            facts += f"{one['float_milliseconds']:.2f} ms.\n\n"
        head = f"| {_HEAD} |\n|{'---|' * (_HEAD.count('|') + 1)}\n"
        parts.append(f"### {model}{kernels}\n\n{facts}{head}" + "\n".join(line(row) for row in members) + "\n")
    return "\n".join(parts)


def summary(rows: Sequence[Row], tolerance: float) -> str:
    """Return one line per tool: in how many models it kept the tolerance, and how fast what it found is there.

    A model beyond the tolerance, or none, counts with the speed of float f32, which is what is shipped then.
    """
    told: dict[str, dict[tuple[str, str], Row]] = {}
    for row in rows:
        if present(row["max_drop"]) and row["max_drop"] != tolerance:
            continue
        told.setdefault(tool_name(row), {})[row["model"], row["isa"]] = row
    lines = []
    for tool, by_model in told.items():
        members = list(by_model.values())
        within = [row for row in members if kept(row, tolerance)]
        speeds = [row["speed"] if kept(row, tolerance) else 1.0 for row in members]
        mean = math.exp(sum(math.log(value) for value in speeds) / len(speeds))
        wall = sum(row["seconds"] for row in members if present(row["seconds"]))
        proven = sum(_said(row, tolerance) == "proven" for row in within)
        lines.append(f"| {tool} | {len(members)} | {len(within)} | {proven} | {mean:.2f} | {wall:.0f} |")
    head = "tool | models | within | of these proven | speed against f32, geometric mean | wall s"
    rule = "---|" * (head.count("|") + 1)
    return f"### At {tolerance * 100:g} %\n\n| {head} |\n|{rule}\n" + "\n".join(lines) + "\n"


def tool_name(row: Row) -> str:
    """Return what tells one way of using a tool from another: its variant, and what its model is run with."""
    parts = [row["tool"], row["variant"], "default precision" if row["precision"] == "default" else ""]
    if row["runtime"] == "openvino" and row["tool"] == "openvino-float":
        parts.append(row["precision"])
    if row["runtime"] == "onnxruntime":
        parts.append("in ONNX Runtime")
    return " ".join(str(part) for part in parts if present(part))


def _said(row: Row, tolerance: float) -> str:
    return verdict(row["drop"], row["drop_upper"], tolerance * abs(row["float_score"]))


def kept(row: Row, tolerance: float) -> bool:
    """Return whether there is a model, and its drop on the holdout is within the tolerance (relative)."""
    return not present(row["failure"]) and _said(row, tolerance) != "beyond"
