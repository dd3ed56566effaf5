"""The best so far over time."""

from __future__ import annotations

from autotune.report.charts.base import Figure, axis, colour, hover, layout
from autotune.report.pictures import Anytime

# From here on minutes are easier to read.
_MINUTES = 180.0


def anytime_figure(anytime: Anytime) -> Figure:
    """A step for each improvement; every trial as a mark, filled where it is within the tolerance."""
    unit, step = ("minutes", 60.0) if anytime.x_range[1] > _MINUTES else ("seconds", 1.0)
    traces = []
    if anytime.line:
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "best within the tolerance",
                "x": [seconds / step for seconds, _ in anytime.line],
                "y": [speedup for _, speedup in anytime.line],
                "line": {"color": colour("--plot-winner"), "width": 2.5, "shape": "hv"},
                "hoverinfo": "skip",
            }
        )
    for within, name, symbol, shade in (
        (True, "trial within the tolerance", "circle", "--plot-searched"),
        (False, "trial beyond it, or stopped early", "x-thin-open", "--plot-muted"),
    ):
        moments = [m for m in anytime.moments if m.within is within]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": [m.seconds / step for m in moments],
                "y": [m.speedup for m in moments],
                "customdata": [m.trial for m in moments],
                "hovertext": [hover(m.details) for m in moments],
                "hoverinfo": "text",
                "marker": {
                    "symbol": symbol,
                    "color": colour(shade),
                    "size": 9,
                    "line": {"color": colour("--surface" if within else shade), "width": 1.5},
                },
            }
        )
    figure = layout(
        xaxis=axis(f"{unit} since the run began", [end / step for end in anytime.x_range]),
        yaxis=axis("speedup against float f32 (×)", list(anytime.y_range)),
        shapes=[],
        annotations=[],
    )
    figure["legend"] = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "xanchor": "left"}
    figure["height"] = 380
    return {"data": [t for t in traces if t["x"]], "layout": figure}
