"""Latency: finalists beside each other, and two of them round by round."""

from __future__ import annotations

from autotune.report.charts.base import ROLE_COLOURS, Figure, axis, colour, escape, layout, note
from autotune.report.pictures import Latencies, Pairs


def latency_figure(latencies: Latencies) -> Figure:
    """One horizontal box per finalist, fastest on top, with every round as a point."""
    traces = [
        {
            "type": "box",
            "orientation": "h",
            "name": f"{escape(series.name)}<br>{series.median}",
            "x": list(series.milliseconds),
            "boxpoints": "all",
            "jitter": 0.6,
            "pointpos": 0,
            "hoveron": "boxes",
            "marker": {"color": colour(ROLE_COLOURS[series.role]), "size": 3, "opacity": 0.45},
            "line": {"color": colour(ROLE_COLOURS[series.role]), "width": 1.5},
            "fillcolor": "rgba(0,0,0,0)",
            "showlegend": False,
        }
        for series in latencies.series
    ]
    limit = latencies.max_latency_ms
    shapes, annotations = [], []
    if limit is not None:
        line = {"color": colour("--plot-peer"), "width": 1.5, "dash": "dash"}
        shapes.append(
            {"type": "line", "xref": "x", "x0": limit, "x1": limit, "yref": "paper", "y0": 0, "y1": 1, "line": line}
        )
        annotations.append(
            note("largest latency", x=limit, y=1, xref="x", yref="paper", xanchor="center", yanchor="bottom")
        )
    figure = layout(
        xaxis=axis("milliseconds per inference", [0, latencies.x_max]),
        yaxis={"automargin": True, "fixedrange": True, "color": colour("--text")},
        shapes=shapes,
        annotations=annotations,
    )
    figure["height"] = 130 + 62 * len(latencies.series)
    figure["margin"] = {"l": 10, "r": 20, "t": 30, "b": 55}
    return {"data": traces, "layout": figure}


def pairs_figure(pairs: Pairs) -> Figure:
    """Milliseconds by round; the two of a round were taken one right after the other."""
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": escape(name),
            "x": list(range(1, len(values) + 1)),
            "y": list(values),
            "line": {"color": colour(ROLE_COLOURS[role]), "width": 1},
            "marker": {"color": colour(ROLE_COLOURS[role]), "size": 6, "symbol": symbol},
            "hovertemplate": f"{pairs.noun} %{{x}}: %{{y:.3~f}} ms<extra></extra>",
        }
        for name, role, values, symbol in zip(
            pairs.names, pairs.roles, pairs.milliseconds, ("square", "circle"), strict=True
        )
    ]
    figure = layout(
        xaxis=axis(pairs.noun, [0, 1 + max(len(values) for values in pairs.milliseconds)]),
        yaxis=axis("milliseconds per inference", [0, pairs.y_max]),
        shapes=[],
        annotations=[],
    )
    figure["legend"] = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "xanchor": "left"}
    figure["height"] = 340
    return {"data": traces, "layout": figure}


def ratios_figure(pairs: Pairs) -> Figure:
    """How the ratios of the rounds are distributed, with their median and its interval."""
    first, last = pairs.ratio_range
    trace = {
        "type": "histogram",
        "name": "rounds",
        "x": list(pairs.ratios),
        "xbins": {"start": first, "end": last, "size": (last - first) / 30},
        "autobinx": False,
        "marker": {"color": colour("--plot-searched"), "line": {"color": colour("--surface"), "width": 1}},
        "hovertemplate": "%{y} rounds between %{x}<extra></extra>",
        "showlegend": False,
    }
    across = {"yref": "paper", "y0": 0, "y1": 1, "xref": "x"}
    edge = {"color": colour("--plot-winner"), "width": 2}
    shapes = [{**across, "type": "line", "x0": pairs.median, "x1": pairs.median, "line": edge}]
    if pairs.low is not None and pairs.high is not None:
        band = {"type": "rect", "fillcolor": colour("--band"), "line": {"width": 0}, "layer": "below"}
        shapes.append({**across, **band, "x0": pairs.low, "x1": pairs.high})
    even = {"color": colour("--plot-float"), "width": 1.5, "dash": "dash"}
    shapes.append({**across, "type": "line", "x0": 1, "x1": 1, "line": even})
    told = note("median", x=pairs.median, y=1, xref="x", yref="paper", xanchor="center", yanchor="bottom")
    figure = layout(
        xaxis=axis("float f32's time over the other's (×)", [first, last]),
        yaxis=axis("rounds", None),
        shapes=shapes,
        annotations=[told],
    )
    figure["height"] = 280
    figure["margin"] = {"l": 10, "r": 20, "t": 30, "b": 55}
    return {"data": [trace], "layout": figure}
