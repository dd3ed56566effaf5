"""Views as plotly figures (plain dicts)."""

from __future__ import annotations

from autotune.report.charts.anytime import anytime_figure
from autotune.report.charts.base import Figure
from autotune.report.charts.calibration import calibration_data, calibration_figure
from autotune.report.charts.front import front_figure
from autotune.report.charts.importance import importance_figure
from autotune.report.charts.latency import latency_figure, pairs_figure, ratios_figure
from autotune.report.charts.operators import operators_figure
from autotune.report.page import Page

__all__ = ["Figure", "calibration_data", "figures", "front_figure"]


def figures(page: Page) -> dict[str, Figure]:
    """Every plot that has something to show, by the name that the template places it by."""
    found = {"front": front_figure(page.front), "latency": latency_figure(page.latencies)}
    if page.anytime.moments:
        found["anytime"] = anytime_figure(page.anytime)
    if page.pairs is not None:
        found |= {"pairs": pairs_figure(page.pairs), "ratios": ratios_figure(page.pairs)}
    if page.duel is not None:
        found["duel"] = pairs_figure(page.duel)
    if any(row.microseconds_value for row in page.operators.rows):
        found["operators"] = operators_figure(page.operators)
    if page.calibration.quantizers:
        found["calibration"] = calibration_figure(page.calibration.quantizers[0])
    if page.importance is not None:
        found["importance"] = importance_figure(page.importance)
    return found
