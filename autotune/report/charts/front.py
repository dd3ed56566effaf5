"""Speedup against drop."""

from __future__ import annotations

from collections.abc import Sequence

from autotune.report.charts.base import Figure, axis, colour, escape, hover, layout, note, whiskers
from autotune.report.pictures import Front, FrontPoint, HoldoutPoint, PointKind

# (legend, symbol, colour, size, opacity); symbols and lightness differ, so that colour is never needed.
_KINDS: dict[PointKind, tuple[str, str, str, int, float]] = {
    "searched": ("found by the search", "circle", "--plot-searched", 9, 0.85),
    "stopped": ("stopped early (part of the samples)", "x-thin-open", "--plot-muted", 8, 0.7),
    "peer": ("int8 as peers ship it", "triangle-up", "--plot-peer", 13, 1.0),
    "float": ("float as peers ship it", "square", "--plot-float", 12, 1.0),
}


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
    metric = escape(front.metric)
    figure = layout(
        xaxis=axis("speedup against float f32 (×)", list(front.x_range)),
        yaxis=axis(f"drop of {metric} (up is worse)", list(front.y_range)),
        shapes=_band(front),
        annotations=[
            note(front.tolerance_text, x=0, y=front.tolerance, xref="paper", yref="y", xanchor="left", yanchor="bottom")
        ],
    )
    figure["legend"] = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "xanchor": "left"}
    figure["height"] = 560
    # Zoomed out by a double click, every mark is in view; the band, which reaches far down, does not count.
    figure["yaxis"]["autorangeoptions"] = {"clipmin": min([front.y_range[0], *(p.drop for p in front.points)])}
    return {"data": traces, "layout": figure}


def _front_line(front: Front) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Pareto front (search split)",
        "x": [x for x, _ in front.line],
        "y": [y for _, y in front.line],
        "line": {"color": colour("--plot-searched"), "width": 1.5, "dash": "dot"},
        "hoverinfo": "skip",
    }


def _kind_trace(kind: PointKind, points: Sequence[FrontPoint], front: Front) -> Figure:
    legend, symbol, shade, size, opacity = _KINDS[kind]
    judged = {h.trial for h in front.holdout}
    named = kind == "float"
    return {
        "type": "scatter",
        "mode": "markers+text" if named else "markers",
        "name": legend,
        "visible": "legendonly" if kind == "stopped" else True,
        "x": [p.speedup for p in points],
        "y": [p.drop for p in points],
        "error_x": whiskers([(p.speedup - p.low, p.high - p.speedup) for p in points], f"{shade}-faint"),
        "error_y": whiskers([(p.drop_error, p.drop_error) for p in points], f"{shade}-faint"),
        "text": ["" if p.trial in judged or not named else escape(p.name) for p in points],
        "textposition": "top center",
        "textfont": {"color": colour("--text")},
        "customdata": [p.trial for p in points],
        "hovertext": [hover(p.details) for p in points],
        "hoverinfo": "text",
        "marker": {
            "symbol": symbol,
            "color": colour(shade),
            "size": size,
            "opacity": opacity,
            "line": {"color": colour(shade if symbol.endswith("open") else "--surface"), "width": 1.5},
        },
    }


def _holdout_trace(points: Sequence[HoldoutPoint], winner: bool) -> Figure:
    shade = "--plot-winner" if winner else "--text"
    up = [h.drop_upper - h.drop for h in points]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": "winner, on the holdout" if winner else "finalist, on the holdout",
        "x": [h.speedup for h in points],
        "y": [h.drop for h in points],
        "error_x": whiskers([(h.speedup - h.low, h.high - h.speedup) for h in points], shade),
        "error_y": whiskers([(0.0, u) for u in up], shade),
        "text": [escape(h.name) for h in points],
        # Beside the winner: above is its whisker, below often another finalist.
        "textposition": "middle left" if winner else "bottom center",
        "textfont": {"color": colour("--text"), "size": 13},
        "cliponaxis": False,
        "customdata": [h.trial for h in points],
        "hovertext": [hover(h.details) for h in points],
        "hoverinfo": "text",
        "marker": {
            "symbol": "star" if winner else "diamond-open",
            "color": colour(shade),
            "size": 20 if winner else 12,
            "line": {"color": colour("--surface" if winner else shade), "width": 1.5},
        },
    }


def _band(front: Front) -> list[Figure]:
    shared = {"xref": "paper", "x0": 0, "x1": 1, "yref": "y", "layer": "below"}
    bottom = front.y_range[0] - 10 * (front.y_range[1] - front.y_range[0])
    edge = {"color": colour("--plot-good"), "width": 1.5, "dash": "dash"}
    limit = front.tolerance
    return [
        {**shared, "type": "rect", "y0": bottom, "y1": limit, "fillcolor": colour("--band"), "line": {"width": 0}},
        {**shared, "type": "line", "y0": limit, "y1": limit, "line": edge},
    ]
