"""What a comparison shows: frozen values with every text formatted. Page and terminal only lay them out."""

from __future__ import annotations

from dataclasses import dataclass

from autotune.report.page import Badge


@dataclass(frozen=True)
class Cell:
    """What one run has in one row.

    Attributes:
        sub: a second, smaller line.
        items: a list that is too long to be read beside others; it opens on demand.
    """

    text: str
    sub: str = ""
    badge: Badge | None = None
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One property of all runs; ``differs`` where they do not all have the same."""

    label: str
    cells: tuple[Cell, ...]
    differs: bool


@dataclass(frozen=True)
class Section:
    """Rows about one thing. ``anchor`` is its name in the page's address."""

    anchor: str
    title: str
    lead: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Speed:
    """A winner's speed against its run's float f32; ``low`` and ``high`` are its interval's ends where known."""

    name: str
    estimate: float
    low: float
    high: float
    details: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """One run in one line: what fits a terminal. ``winner`` is its configuration's first words."""

    name: str
    winner: str
    verdict: str
    speed: str
    interval: str
    drop: str
    allowed: str
    latency: str
    size: str
    wall: str


@dataclass(frozen=True)
class Comparison:
    """Runs side by side, in the order given.

    Attributes:
        cautions: what keeps their numbers from being compared without a second thought.
        summary: the chart in words.
    """

    names: tuple[str, ...]
    folders: tuple[str, ...]
    title: str
    cautions: tuple[str, ...]
    speeds: tuple[Speed, ...]
    summary: str
    sections: tuple[Section, ...]
    lines: tuple[Line, ...]
