"""comparison.html: one file that needs nothing else, not even a network."""

from __future__ import annotations

import json

from autotune.report.comparison.chart import speed_figure
from autotune.report.comparison.page import Comparison
from autotune.report.html import environment, packed, packed_plotly

# By it a page of ours is known from any other file of that name.
MARK = '<meta name="generator" content="autotune comparison">'


def render(comparison: Comparison) -> str:
    """Return the page as HTML text; equal comparisons give equal text."""
    figures = {"speeds": speed_figure(comparison.speeds)} if comparison.speeds else {}
    details = packed(json.dumps({"figures": figures}, allow_nan=False, separators=(",", ":")))
    template = environment().get_template("comparison.html.j2")
    return template.render(page=comparison, details=details, plotly=packed_plotly() if figures else "", mark=MARK)
