"""report.html: one file that needs nothing else, not even a network.

plotly.js travels inside the page gzipped, as do the figures and the choices of every trial. The browser unpacks them
with DecompressionStream, which Chromium, Firefox and Safari have had since May 2023; others show only tables.
It is plotly.js with the kinds of marks that are drawn here and no others (``tools/plotly`` builds it): as published it
is 4.8 MB, and the page took three times as long to open.
"""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotune.outcome import RunRecord
from autotune.report.charts import calibration_data, figures
from autotune.report.glossary import GLOSSARY
from autotune.report.page import Page
from autotune.report.view import view

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = Path(__file__).parent / "templates"
_PLOTLY = Path(__file__).parent / "plotly" / "plotly.min.js.gz"


def render(run: RunRecord) -> str:
    """Return the report as HTML text; equal runs give equal text."""
    page = view(run)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            page=page,
            details=packed(json.dumps(_details(page), allow_nan=False, separators=(",", ":"))),
            glossary=GLOSSARY,
            plotly=packed_plotly(),
        )
    )


def environment() -> jinja2.Environment:
    """Return where templates come from; what they print is escaped."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _details(page: Page) -> dict[str, Any]:
    """What is long and repeats itself; the page's scripts put it where it belongs."""
    return {
        "figures": figures(page),
        "choices": {row.trial: [[choice.term, choice.value] for choice in row.choices] for row in page.trials},
        "quantizers": [calibration_data(q) for q in page.calibration.quantizers],
    }


def packed_plotly() -> str:
    """Return plotly.js as the page carries it: gzipped, as base64 text."""
    return base64.b64encode(_PLOTLY.read_bytes()).decode("ascii")


def packed(text: str) -> str:
    """Return a text as the page carries it and its script unpacks it: gzipped, as base64."""
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode("ascii")
