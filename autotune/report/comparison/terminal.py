"""A comparison in the terminal: one row per run, 80 columns wide."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from autotune.report.comparison.page import Comparison

WIDTH = 80


def terminal_table(comparison: Comparison) -> Table:
    """Return the table that rich prints; names from outside are shown as they are."""
    table = Table(title=comparison.title, title_justify="left", width=WIDTH, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("run", overflow="fold", ratio=2)
    table.add_column("winner\nverdict", overflow="fold", ratio=3)
    table.add_column("against f32\ninterval", justify="right", no_wrap=True)
    table.add_column("drop\nallowed", justify="right", no_wrap=True)
    table.add_column("latency\nsize", justify="right", no_wrap=True)
    table.add_column("took", justify="right", no_wrap=True)
    for line in comparison.lines:
        pairs = (
            (line.winner, line.verdict),
            (line.speed, line.interval),
            (line.drop, line.allowed),
            (line.latency, line.size),
        )
        table.add_row(Text(line.name), *(Text("\n".join(pair)) for pair in pairs), Text(line.wall))
    return table
