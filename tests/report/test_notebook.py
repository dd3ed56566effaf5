"""What a notebook shows of a run."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_runs import EVIL, INT8_WINS, OUTCOMES

import autotune
from autotune.outcome import RunRecord

RUNS = {**OUTCOMES, "names with HTML in them": replace(INT8_WINS, name=EVIL, sentence=EVIL)}


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.links: list[str | None] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_a_run_in_a_notebook(run: RunRecord, tmp_path: Path) -> None:
    shown = Tags()
    shown.feed(autotune.Run(tmp_path / "a run", run)._repr_html_())
    assert run.sentence in shown.text
    assert not {"script", "style", "img", "b", "html"} & set(shown.seen)
    assert [link for link in shown.links if link and link.endswith("report.html")]
