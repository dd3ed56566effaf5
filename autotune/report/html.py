"""report.html: one file that needs nothing else, not even a network.

plotly.js is 4.8 MB. It travels inside the page gzipped (1.5 MB, 2 MB as base64 text), as do the figures and the choices
of every trial. The browser unpacks them with DecompressionStream, which Chromium, Firefox and Safari have had since
May 2023; an older one shows the tables only.
"""

from __future__ import annotations

import base64
import gzip
import json
from functools import lru_cache
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


@lru_cache(maxsize=1)
def packed_plotly() -> str:
    """Return plotly.js as the page carries it: gzipped, as base64 text."""
    from plotly.offline import get_plotlyjs

    return packed(get_plotlyjs())


def packed(text: str) -> str:
    """Return a text as the page carries it and its script unpacks it: gzipped, as base64."""
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode("ascii")
