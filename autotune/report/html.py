"""report.html: one file that needs nothing else, not even a network.

plotly.js is 4.8 MB. It travels inside the page gzipped (1.5 MB, 2 MB as base64 text) and the browser unpacks it with
DecompressionStream, which Chromium, Firefox and Safari have had since May 2023.
"""

from __future__ import annotations

import base64
import gzip
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from autotune.outcome import Run
from autotune.report.charts import calibration_data, figures
from autotune.report.glossary import GLOSSARY
from autotune.report.view import view

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = Path(__file__).parent / "templates"


def render(run: Run) -> str:
    """Return the report as HTML text; equal runs give equal text."""
    page = view(run)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            page=page,
            figures=figures(page),
            quantizers=[calibration_data(q) for q in page.calibration.quantizers],
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


@lru_cache(maxsize=1)
def packed_plotly() -> str:
    """Return plotly.js as the page carries it: gzipped, as base64 text."""
    from plotly.offline import get_plotlyjs

    packed = gzip.compress(get_plotlyjs().encode(), compresslevel=9, mtime=0)
    return base64.b64encode(packed).decode("ascii")
