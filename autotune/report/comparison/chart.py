"""The winners' speeds as a plotly figure (plain dicts)."""

from __future__ import annotations

from collections.abc import Sequence

from autotune.report.charts.base import Figure, axis, colour, escape, hover, layout, whiskers
from autotune.report.comparison.page import Speed


def speed_figure(speeds: Sequence[Speed]) -> Figure:
    """One mark with its interval per run, the first on top; a line where nothing was gained."""
    trace = {
        "type": "scatter",
        "mode": "markers+text",
        "x": [s.estimate for s in speeds],
        "y": [escape(s.name) for s in speeds],
        "error_x": whiskers([(s.estimate - s.low, s.high - s.estimate) for s in speeds], "--plot-winner"),
        "text": [f"{s.estimate:.2f}×" for s in speeds],
        "textposition": "top center",
        "textfont": {"color": colour("--text"), "size": 13},
        "hovertext": [hover(s.details) for s in speeds],
        "hoverinfo": "text",
        "marker": {"symbol": "diamond", "size": 12, "color": colour("--plot-winner")},
        "cliponaxis": False,
        "showlegend": False,
    }
    line = {"color": colour("--plot-float"), "width": 1.5, "dash": "dash"}
    one = {"type": "line", "xref": "x", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1, "line": line}
    most = max(s.high for s in speeds)
    drawn = layout(
        xaxis=axis("speedup against float f32 (dashed: 1×)", [0, 1.08 * max(most, 1.0)]),
        yaxis={
            "type": "category",
            "automargin": True,
            "fixedrange": True,
            "color": colour("--text"),
            "gridcolor": colour("--line"),
            "autorange": "reversed",
        },
        shapes=[one],
        annotations=[],
    )
    drawn["height"] = 130 + 56 * len(speeds)
    drawn["margin"] = {"l": 10, "r": 20, "t": 30, "b": 55}
    return {"data": [trace], "layout": drawn}
