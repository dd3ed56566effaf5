"""Views as plotly figures (plain dicts). Colours are names of CSS variables, which the page's script looks up.

Every text that comes from outside is escaped: plotly reads a few HTML tags in its labels.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from typing import Any

from autotune.report.page import Front, FrontPoint, HoldoutPoint, Latencies, PointKind

Figure = dict[str, Any]

# (legend, symbol, colour, size, opacity); symbols and lightness differ, so that colour is never needed.
_KINDS: dict[PointKind, tuple[str, str, str, int, float]] = {
    "searched": ("found by the search", "circle", "--plot-searched", 9, 0.85),
    "stopped": ("stopped early (part of the samples)", "x-thin-open", "--plot-muted", 8, 0.7),
    "peer": ("int8 as peers ship it", "triangle-up", "--plot-peer", 13, 1.0),
    "float": ("float as peers ship it", "square", "--plot-float", 12, 1.0),
}
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
_ROLE_COLOURS = {"winner": "--plot-winner", "float": "--plot-float", "finalist": "--plot-searched"}


def front_figure(front: Front) -> Figure:
    """Speedup against drop, with the tolerance as a band, the front as a line and finalists on the holdout."""
    traces = [_front_line(front)] if len(front.line) > 1 else []
    for kind in _KINDS:
        points = [p for p in front.points if p.kind == kind]
        if points:
            traces.append(_kind_trace(kind, points, front))
    if front.holdout:
        traces.append(_holdout_trace([h for h in front.holdout if not h.winner], winner=False))
        traces.append(_holdout_trace([h for h in front.holdout if h.winner], winner=True))
    traces = [t for t in traces if t["x"]]
    metric = _escape(front.metric)
    layout = _layout(
        xaxis=_axis("speedup against float f32 (×, right is faster)", list(front.x_range)),
        yaxis=_axis(f"drop of {metric} (up is worse)", list(front.y_range)),
        shapes=_band(front),
        annotations=[
            _note(
                front.tolerance_text, x=0, y=front.tolerance, xref="paper", yref="y", xanchor="left", yanchor="bottom"
            )
        ],
    )
    layout["legend"] = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "xanchor": "left"}
    layout["height"] = 560
    # Zoomed out by a double click, every mark is in view; the band, which reaches far down, does not count.
    layout["yaxis"]["autorangeoptions"] = {"clipmin": min([front.y_range[0], *(p.drop for p in front.points)])}
    return {"data": traces, "layout": layout}


def _front_line(front: Front) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Pareto front (search split)",
        "x": [x for x, _ in front.line],
        "y": [y for _, y in front.line],
        "line": {"color": _colour("--plot-searched"), "width": 1.5, "dash": "dot"},
        "hoverinfo": "skip",
    }


def _kind_trace(kind: PointKind, points: Sequence[FrontPoint], front: Front) -> Figure:
    legend, symbol, colour, size, opacity = _KINDS[kind]
    judged = {h.trial for h in front.holdout}
    named = kind == "float"
    return {
        "type": "scatter",
        "mode": "markers+text" if named else "markers",
        "name": legend,
        "visible": "legendonly" if kind == "stopped" else True,
        "x": [p.speedup for p in points],
        "y": [p.drop for p in points],
        "error_x": _whiskers([(p.speedup - p.low, p.high - p.speedup) for p in points], f"{colour}-faint"),
        "text": ["" if p.trial in judged or not named else _escape(p.name) for p in points],
        "textposition": "top center",
        "textfont": {"color": _colour("--text")},
        "customdata": [p.trial for p in points],
        "hovertext": [_hover(p.details) for p in points],
        "hoverinfo": "text",
        "marker": {
            "symbol": symbol,
            "color": _colour(colour),
            "size": size,
            "opacity": opacity,
            "line": {"color": _colour(colour if symbol.endswith("open") else "--surface"), "width": 1.5},
        },
    }


def _holdout_trace(points: Sequence[HoldoutPoint], winner: bool) -> Figure:
    colour = "--plot-winner" if winner else "--text"
    up = [h.drop_upper - h.drop for h in points]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": "winner, on the holdout" if winner else "finalist, on the holdout",
        "x": [h.speedup for h in points],
        "y": [h.drop for h in points],
        "error_x": _whiskers([(h.speedup - h.low, h.high - h.speedup) for h in points], colour),
        "error_y": _whiskers([(0.0, u) for u in up], colour),
        "text": [_escape(h.name) for h in points],
        "textposition": "bottom center",
        "textfont": {"color": _colour("--text"), "size": 13},
        "cliponaxis": False,
        "customdata": [h.trial for h in points],
        "hovertext": [_hover(h.details) for h in points],
        "hoverinfo": "text",
        "marker": {
            "symbol": "star" if winner else "diamond-open",
            "color": _colour(colour),
            "size": 20 if winner else 12,
            "line": {"color": _colour("--surface" if winner else colour), "width": 1.5},
        },
    }


def _band(front: Front) -> list[Figure]:
    shared = {"xref": "paper", "x0": 0, "x1": 1, "yref": "y", "layer": "below"}
    bottom = front.y_range[0] - 10 * (front.y_range[1] - front.y_range[0])
    edge = {"color": _colour("--plot-good"), "width": 1.5, "dash": "dash"}
    limit = front.tolerance
    return [
        {**shared, "type": "rect", "y0": bottom, "y1": limit, "fillcolor": _colour("--band"), "line": {"width": 0}},
        {**shared, "type": "line", "y0": limit, "y1": limit, "line": edge},
    ]


def latency_figure(latencies: Latencies) -> Figure:
    """One horizontal box per finalist, fastest on top, with every round as a point."""
    traces = [
        {
            "type": "box",
            "orientation": "h",
            "name": f"{_escape(series.name)}<br>{series.median}",
            "x": list(series.milliseconds),
            "boxpoints": "all",
            "jitter": 0.6,
            "pointpos": 0,
            "hoveron": "boxes",
            "marker": {"color": _colour(_ROLE_COLOURS[series.role]), "size": 3, "opacity": 0.45},
            "line": {"color": _colour(_ROLE_COLOURS[series.role]), "width": 1.5},
            "fillcolor": "rgba(0,0,0,0)",
            "showlegend": False,
        }
        for series in latencies.series
    ]
    limit = latencies.max_latency_ms
    shapes, annotations = [], []
    if limit is not None:
        line = {"color": _colour("--plot-peer"), "width": 1.5, "dash": "dash"}
        shapes.append(
            {"type": "line", "xref": "x", "x0": limit, "x1": limit, "yref": "paper", "y0": 0, "y1": 1, "line": line}
        )
        annotations.append(
            _note("largest latency", x=limit, y=1, xref="x", yref="paper", xanchor="center", yanchor="bottom")
        )
    layout = _layout(
        xaxis=_axis("milliseconds per inference", [0, latencies.x_max]),
        yaxis={"automargin": True, "fixedrange": True, "color": _colour("--text")},
        shapes=shapes,
        annotations=annotations,
    )
    layout["height"] = 130 + 62 * len(latencies.series)
    layout["margin"] = {"l": 10, "r": 20, "t": 30, "b": 55}
    return {"data": traces, "layout": layout}


def _layout(xaxis: Figure, yaxis: Figure, shapes: Sequence[Figure], annotations: Sequence[Figure]) -> Figure:
    return {
        "xaxis": xaxis,
        "yaxis": yaxis,
        "shapes": list(shapes),
        "annotations": list(annotations),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": _FONT, "size": 13, "color": _colour("--text")},
        "hoverlabel": {
            "align": "left",
            "bgcolor": _colour("--surface"),
            "bordercolor": _colour("--line"),
            "font": {"color": _colour("--text"), "size": 13},
        },
        "hovermode": "closest",
        "dragmode": "zoom",
        "modebar": {
            "bgcolor": "rgba(0,0,0,0)",
            "color": _colour("--plot-muted"),
            "activecolor": _colour("--text"),
        },
        "margin": {"l": 10, "r": 20, "t": 10, "b": 55},
        "autosize": True,
    }


def _axis(title: str, shown: list[float]) -> Figure:
    return {
        "title": {"text": title, "standoff": 12},
        "range": shown,
        "gridcolor": _colour("--line"),
        "zerolinecolor": _colour("--line-strong"),
        "linecolor": _colour("--line-strong"),
        "color": _colour("--muted"),
        "automargin": True,
        "nticks": 8,
    }


def _note(text: str, **where: Any) -> Figure:
    return {"text": _escape(text), "showarrow": False, "font": {"size": 12, "color": _colour("--muted")}, **where}


def _whiskers(pairs: Sequence[tuple[float, float]], colour: str) -> Figure:
    return {
        "type": "data",
        "symmetric": False,
        "arrayminus": [max(0.0, low) for low, _ in pairs],
        "array": [max(0.0, high) for _, high in pairs],
        "color": _colour(colour),
        "thickness": 1.2,
        "width": 3,
    }


def _colour(variable: str) -> str:
    return f"var({variable})"


def _hover(details: Sequence[str]) -> str:
    lines = [line for detail in details for line in textwrap.wrap(detail, 64)]
    return "<br>".join(_escape(line) for line in lines)


def _escape(text: str) -> str:
    return html.escape(text, quote=False)
