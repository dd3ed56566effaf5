"""What a quantiser saw, and the range that each estimator makes of it."""

from __future__ import annotations

from typing import Any

from autotune.report.charts.base import Figure, axis, colour, escape, hover, layout
from autotune.report.pictures import QuantizerView

_SMALL = 1e-9


def calibration_figure(quantizer: QuantizerView) -> Figure:
    """The histogram above (its axis is logarithmic: tails matter), a line for each estimator's range below."""
    first, second, third = calibration_data(quantizer)
    bars = {
        "type": "bar",
        "name": "observed values",
        "marker": {"color": colour("--plot-muted"), "line": {"width": 0}},
        "hovertemplate": "%{y:.2~%} of the values around %{x:.4~g}<extra></extra>",
        **first,
    }
    ranges = {
        "type": "scatter",
        "mode": "lines+markers",
        "yaxis": "y2",
        "hoverinfo": "text",
        "connectgaps": False,
    }
    others = {
        **ranges,
        "name": "range of another estimator",
        "line": {"color": colour("--plot-searched"), "width": 2},
        "marker": {"symbol": "line-ns-open", "size": 11, "color": colour("--plot-searched"), "line": {"width": 2}},
        **second,
    }
    chosen = {
        **ranges,
        "name": "chosen range",
        "line": {"color": colour("--plot-winner"), "width": 4},
        "marker": {"symbol": "diamond", "size": 10, "color": colour("--plot-winner")},
        **third,
    }
    figure = layout(
        xaxis=axis("value", None),
        yaxis={**axis("share of values", None), "type": "log", "domain": [0.5, 1], "tickformat": "~%", "nticks": 5},
        shapes=[],
        annotations=[],
    )
    figure["xaxis"]["anchor"] = "y2"
    figure["yaxis2"] = {
        "domain": [0, 0.44],
        "type": "category",
        "dtick": 1,
        "automargin": True,
        "color": colour("--text"),
        "gridcolor": colour("--line"),
        "fixedrange": True,
    }
    figure["bargap"] = 0
    figure["legend"] = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "xanchor": "left"}
    figure["height"] = 460
    return {"data": [bars, others, chosen], "layout": figure}


def calibration_data(quantizer: QuantizerView) -> list[dict[str, Any]]:
    """What differs from quantiser to quantiser, by trace."""
    bins = len(quantizer.histogram)
    width = (quantizer.highest - quantizer.lowest) / bins if bins else 0.0
    bars = {
        "x": [float(f"{quantizer.lowest + (i + 0.5) * width:.5g}") for i in range(bins)],
        "y": [share if share > _SMALL else None for share in quantizer.histogram],
    }
    return [bars, _lines(quantizer, chosen=False), _lines(quantizer, chosen=True)]


def _lines(quantizer: QuantizerView, *, chosen: bool) -> dict[str, Any]:
    found: dict[str, list[Any]] = {"x": [], "y": [], "hovertext": []}
    for line in quantizer.ranges:
        if line.chosen is chosen:
            found["x"] += [line.low, line.high, None]
            found["y"] += [escape(line.estimator)] * 2 + [None]
            found["hovertext"] += [hover(line.details)] * 2 + [""]
    return found
