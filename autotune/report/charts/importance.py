"""Which choices mattered."""

from __future__ import annotations

from autotune.report.charts.base import Figure, axis, colour, escape, layout
from autotune.report.pictures import Importance


def importance_figure(importance: Importance) -> Figure:
    """Two bars for each choice, the most important on top; dashed lines are what random numbers came to."""
    rows = importance.rows[::-1]
    stripes = {"fillmode": "overlay", "fgcolor": colour("--surface"), "size": 6, "solidity": 0.3}
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": [escape(row.choice) for row in rows],
            "x": [getattr(row, value) for row in rows],
            "marker": {
                "color": colour(shade),
                "pattern": {**stripes, "shape": pattern},
            },
            "hovertemplate": f"%{{y}}: %{{x:.0%}} of the differences in {value}<extra></extra>",
        }
        for name, value, shade, pattern in (
            ("of drop", "drop", "--plot-peer", "/"),
            ("of speed", "speed", "--plot-searched", ""),
        )
    ]
    across = {"type": "line", "xref": "x", "yref": "paper", "y0": 0, "y1": 1}
    noises = ((importance.noise_speed, "--plot-searched"), (importance.noise_drop, "--plot-peer"))
    shapes = [
        {**across, "x0": noise, "x1": noise, "line": {"color": colour(shade), "width": 1.5, "dash": "dash"}}
        for noise, shade in noises
    ]
    figure = layout(
        xaxis={
            **axis("share explained (dashed: noise)", [0, 1]),
            "tickformat": ".0%",
        },
        yaxis={"automargin": True, "fixedrange": True, "color": colour("--text")},
        shapes=shapes,
        annotations=[],
    )
    figure["legend"] = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "xanchor": "left"}
    figure["legend"]["traceorder"] = "reversed"
    figure["barmode"] = "group"
    figure["height"] = 130 + 34 * len(rows)
    return {"data": traces, "layout": figure}
