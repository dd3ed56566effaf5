"""What the page of opening times says, and one real opening."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autotune.report.html import render
from autotune.report.write import load_record
from benchmarks.page_load import EXAMPLE, TIMES, chromium, document, opened


def row(page: str, opening: int, plot: float, size: int = 2_500_000) -> dict[str, Any]:
    times = {"first_paint_ms": 100.0 + opening, "load_ms": 200.0, "first_plot_ms": plot, "all_plots_ms": 2000.0}
    return {"page": page, "trials": 32, "bytes": size, "opening": opening, "chromium": "150.0", **times}


def test_a_line_per_page_says_whether_the_promise_is_kept() -> None:
    kept = [row("a", i, plot) for i, plot in enumerate((500.0, 900.0, 1200.0))]
    late = [row("b", i, 1100.0) for i in range(3)]
    large = [row("c", i, 500.0, 3_100_000) for i in range(3)]
    text = document([*kept, *late, *large])
    assert "of 3 openings" in text and "Chromium 150.0" in text
    assert "| a | 32 | 2.50 MB | 101 (102) | 200 (200) | 900 (1200) | 2000 (2000) | yes |" in text
    answers = [line.rsplit("|", 2)[1].strip() for line in text.splitlines() if line[:4] in ("| b ", "| c ")]
    assert answers == ["no", "no"]


@pytest.mark.browser
@pytest.mark.skipif(chromium() is None, reason="Chromium or its driver is not installed")
def test_an_opening_has_all_times_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(load_record(EXAMPLE)), encoding="utf-8")
    times, version = opened(path)
    assert times.keys() == TIMES.keys() and version
    assert 0 < times["first_paint_ms"] <= times["first_plot_ms"] <= times["all_plots_ms"]
    assert 0 < times["load_ms"] <= times["first_plot_ms"]
