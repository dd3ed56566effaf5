"""What all plots share. Colours are names of CSS variables, which the page's script looks up.

Every text that comes from outside is escaped: plotly reads a few HTML tags in its labels.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from typing import Any

Figure = dict[str, Any]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
ROLE_COLOURS = {"winner": "--plot-winner", "float": "--plot-float", "finalist": "--plot-searched"}


def layout(xaxis: Figure, yaxis: Figure, shapes: Sequence[Figure], annotations: Sequence[Figure]) -> Figure:
    """The layout that all plots share."""
    return {
        "xaxis": xaxis,
        "yaxis": yaxis,
        "shapes": list(shapes),
        "annotations": list(annotations),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13, "color": colour("--text")},
        "hoverlabel": {
            "align": "left",
            "bgcolor": colour("--surface"),
            "bordercolor": colour("--line"),
            "font": {"color": colour("--text"), "size": 13},
        },
        "hovermode": "closest",
        "dragmode": "zoom",
        "modebar": {
            "bgcolor": "rgba(0,0,0,0)",
            "color": colour("--plot-muted"),
            "activecolor": colour("--text"),
        },
        "margin": {"l": 10, "r": 20, "t": 10, "b": 55},
        "autosize": True,
    }


def axis(title: str, shown: list[float] | None) -> Figure:
    """An axis that shows ``shown`` at first; all of it where that is None."""
    return {
        "title": {"text": title, "standoff": 12},
        **({} if shown is None else {"range": shown}),
        "gridcolor": colour("--line"),
        "zerolinecolor": colour("--line-strong"),
        "linecolor": colour("--line-strong"),
        "color": colour("--muted"),
        "automargin": True,
        "nticks": 8,
    }


def note(text: str, **where: Any) -> Figure:
    """A small text in the plot."""
    return {"text": escape(text), "showarrow": False, "font": {"size": 12, "color": colour("--muted")}, **where}


def whiskers(pairs: Sequence[tuple[float, float]], shade: str) -> Figure:
    """Error bars from (below, above) pairs."""
    return {
        "type": "data",
        "symmetric": False,
        "arrayminus": [max(0.0, low) for low, _ in pairs],
        "array": [max(0.0, high) for _, high in pairs],
        "color": colour(shade),
        "thickness": 1.2,
        "width": 3,
    }


def colour(variable: str) -> str:
    """The colour of a CSS variable, looked up when the plot is drawn."""
    return f"var({variable})"


def hover(details: Sequence[str]) -> str:
    """Lines of a hover box."""
    lines = [line for detail in details for line in textwrap.wrap(detail, 64)]
    return "<br>".join(escape(line) for line in lines)


def escape(text: str) -> str:
    """Text from outside, as plotly shows it unchanged."""
    return html.escape(text, quote=False)
