"""Growth on logarithmic axes: slopes, and panels of lines as one small SVG. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2 import Template

Line = Sequence[tuple[float, float]]
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _RIGHT = 430, 330, 62, 34, 44, 20
_TEXT = 12
# Told apart by dashes as well, so that colour is never needed.
_STYLES = (
    ("#1b6ca8", ""), ("#b5482f", "7 3"), ("#3a7d44", "2 3"), ("#7d4fa0", "9 3 2 3"), ("#8a6d00", "4 2"),
)  # fmt: skip
_SVG = Template("""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{ width }} {{ height }}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
{%- for panel in panels %}
<g transform="translate({{ panel.x }},0)">
<text x="{{ panel.left }}" y="20" font-size="13">{{ panel.title|e }}</text>
{%- for tick in panel.ticks %}
<line x1="{{ tick.x1 }}" y1="{{ tick.y1 }}" x2="{{ tick.x2 }}" y2="{{ tick.y2 }}" stroke="#ddd"/>
<text x="{{ tick.x }}" y="{{ tick.y }}" text-anchor="{{ tick.anchor }}">{{ tick.text }}</text>
{%- endfor %}
<text x="{{ panel.middle }}" y="{{ panel.below }}" text-anchor="middle">{{ panel.label|e }}</text>
{%- for line in panel.lines %}
<polyline points="{{ line.points }}" fill="none" stroke="{{ line.colour }}" stroke-width="2" \
stroke-dasharray="{{ line.dashes }}"/>
<text x="{{ line.x }}" y="{{ line.y }}" text-anchor="end" fill="{{ line.colour }}">{{ line.name|e }}</text>
{%- endfor %}
</g>
{%- endfor %}
</svg>
""")


@dataclass(frozen=True)
class Panel:
    """One pair of axes. ``lines``: name -> points (x, y), all above 0."""

    title: str
    label: str
    lines: Mapping[str, Line]


def slope(points: Line) -> float | None:
    """Return the exponent p of the power law y ~ x**p that fits best in the logarithms; None below two different x."""
    if len({x for x, _ in points}) < 2:
        return None
    x, y = np.log(np.asarray(points, np.float64)).T
    return float(np.polyfit(x, y, 1)[0])


def last_slope(points: Line) -> float | None:
    """Return the exponent between the two largest x: what is to come, without what is paid once."""
    return slope(sorted(points)[-2:])


def svg(panels: Sequence[Panel]) -> str:
    """Return the panels side by side."""
    drawn = [{**_panel(panel), "x": index * _WIDTH} for index, panel in enumerate(panels)]
    return _SVG.render(panels=drawn, width=_WIDTH * len(panels), height=_HEIGHT)


def _panel(panel: Panel) -> dict[str, object]:
    points = [point for line in panel.lines.values() for point in line]
    across = _Axis([x for x, _ in points], _LEFT, _WIDTH - _RIGHT)
    up = _Axis([y for _, y in points], _HEIGHT - _BOTTOM, _TOP)
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    ticks: list[dict[str, object]] = []
    for value in across.ticks:
        x = across.at(value)
        ticks.append({"x1": x, "x2": x, "y1": _TOP, "y2": bottom, "x": x, "y": bottom + 15, "anchor": "middle"})
        ticks[-1]["text"] = f"{value:,g}"
    for value in up.ticks:
        y = up.at(value)
        ticks.append({"x1": _LEFT, "x2": right, "y1": y, "y2": y, "x": _LEFT - 5, "y": y + 4, "anchor": "end"})
        ticks[-1]["text"] = f"{value:,g}"
    lines: list[dict[str, Any]] = []
    for (name, line), (colour, dashes) in zip(panel.lines.items(), _STYLES, strict=False):
        at = [(across.at(x), up.at(y)) for x, y in sorted(line)]
        joined = " ".join(f"{x},{y}" for x, y in at)
        end = {"x": at[-1][0], "y": at[-1][1] - 6}
        lines.append({"points": joined, "colour": colour, "dashes": dashes, "name": name, **end})
    for lower, upper in itertools.pairwise(sorted(lines, key=lambda entry: -float(entry["y"]))):
        upper["y"] = min(upper["y"], round(lower["y"] - _TEXT, 1))  # names do not cover each other
    return {
        "title": panel.title,
        "label": panel.label,
        "ticks": ticks,
        "lines": lines,
        "left": _LEFT,
        "middle": (_LEFT + right) / 2,
        "below": _HEIGHT - 8,
    }


class _Axis:
    """Whole decades from ``start`` to ``end`` (pixels)."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._low = math.floor(math.log10(min(values)))
        self._high = max(self._low + 1, math.ceil(math.log10(max(values))))
        self._start, self._end = start, end

    @property
    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]

    def at(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return round(self._start + share * (self._end - self._start), 1)
