"""What a notebook shows of a run: the verdict, before and after, where the rest is."""

from __future__ import annotations

from pathlib import Path

from autotune.outcome import RunRecord
from autotune.report.html import environment
from autotune.report.view import view


def notebook(run: RunRecord, folder: Path) -> str:
    """Return HTML without scripts or styles of its own; it links the report in ``folder``."""
    return environment().get_template("notebook.html.j2").render(page=view(run), folder=folder)
