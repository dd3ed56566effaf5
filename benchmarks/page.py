"""The page of the comparison: summaries, the contest, and a table per model. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import contest, table


def document(rows: Sequence[table.Row]) -> str:
    """Return a summary and the contest per instruction set and tolerance, then the tables."""
    parts = []
    for isa in dict.fromkeys(row["isa"] for row in rows):
        members = [row for row in rows if row["isa"] == isa]
        parts.append(f"## {'All models' if isa == 'native' else f'All models, this CPU restricted to {isa}'}\n")
        told = [
            text(members, tolerance)
            for tolerance in table.TOLERANCES
            for text in (table.summary, contest.markdown, contest.course)
        ]
        parts += [text for text in told if text]
    return "\n".join([*parts, "## Each model\n", table.markdown(rows)])
