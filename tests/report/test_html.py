from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from report_runs import EVIL, INT8_WINS, NOTHING, OUTCOMES, QUANTIZERS

from autotune.outcome import Ladder, Rung, RunRecord
from autotune.report.charts import front_figure
from autotune.report.html import render
from autotune.report.view import view
from benchmarks.page_load import grown

VOID = {"meta", "link", "input", "br", "img"}
LARGEST = 3_000_000


class Outline(HTMLParser):
    """Checks that tags are balanced; collects tags and ids."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outline(text: str) -> Outline:
    parsed = Outline()
    parsed.feed(text)
    assert parsed.open == []
    return parsed


def test_the_ladder_is_a_section_where_there_was_one() -> None:
    rungs = (Rung("float", 2, 0, f"trial 0 {EVIL}"), Rung("static int8", 0, None, "Not climbed: fast enough."))
    text = render(replace(INT8_WINS, ladder=Ladder(rungs, "No higher rung is needed.")))
    assert [a["id"] for _, a in outline(text).tags if a.get("id") == "ladder"] == ["ladder"]
    assert "Not climbed: fast enough." in text and "No higher rung is needed." in text and EVIL not in text
    assert 'id="ladder"' not in render(INT8_WINS)


@pytest.mark.parametrize("run", OUTCOMES.values(), ids=OUTCOMES)
def test_every_outcome_is_one_small_well_formed_page(run: RunRecord) -> None:
    text = render(run)
    assert text.startswith("<!DOCTYPE html>")
    assert len(text.encode()) < LARGEST
    outline(text)
    assert run.sentence in text


def test_nothing_is_loaded_from_elsewhere() -> None:
    parsed = outline(render(INT8_WINS))
    for tag, attributes in parsed.tags:
        assert "src" not in attributes, tag
        target = attributes.get("href") or ""
        assert target.startswith(("#", "data:")) or not target
    policy = next(a["content"] for t, a in parsed.tags if t == "meta" and a.get("http-equiv"))
    assert policy is not None and policy.startswith("default-src 'none'")


def test_links_lead_to_sections() -> None:
    parsed = outline(render(INT8_WINS))
    ids = [a["id"] for _, a in parsed.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {(a["href"] or "")[1:] for t, a in parsed.tags if t == "a"} <= set(ids)


def test_sections_are_linked_in_their_order() -> None:
    ladder = Ladder((Rung("float", 2, 0, "trial 0"),), "")
    for run in (replace(INT8_WINS, ladder=ladder), NOTHING):
        parsed = outline(render(run))
        links = [(a["href"] or "")[1:] for t, a in parsed.tags if t == "a"]
        assert links == [a["id"] for t, a in parsed.tags if t == "section"]


def test_names_with_html_in_them_are_text() -> None:
    evil = f"{EVIL}</script><script>alert(1)</script>"
    run = replace(
        INT8_WINS,
        name=evil,
        sentence=evil,
        data=evil,
        command=evil,
        notes=(evil,),
        goal=replace(INT8_WINS.goal, metric=evil),
        model=replace(INT8_WINS.model, name=evil),
        fingerprint=replace(INT8_WINS.fingerprint, cpu=evil),
    )
    parsed = outline(render(run))
    assert "img" not in [tag for tag, _ in parsed.tags]
    assert "b" not in [tag for tag, _ in parsed.tags]
    assert [a.get("id") for tag, a in parsed.tags if tag == "script"] == ["details", "plotly", None]


def test_plot_labels_with_html_in_them_are_text() -> None:
    run = replace(INT8_WINS, goal=replace(INT8_WINS.goal, metric=f"{EVIL}:score"))
    told = json.dumps(front_figure(view(run).front))
    assert "<img" not in told and "<b>" not in told
    assert "&lt;img" in told


def unpacked(text: str) -> dict[str, Any]:
    match = re.search(r'id="details">(.*?)</script>', text, re.S)
    assert match is not None
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(match[1])), parse_constant=pytest.fail)
    return found


def test_figures_are_json_without_nan() -> None:
    figures = unpacked(render(INT8_WINS))["figures"]
    names = [trace["name"] for trace in figures["front"]["data"]]
    assert names == [
        "Pareto front (search split)",
        "found by the search",
        "stopped early (part of the samples)",
        "int8 as peers ship it",
        "float as peers ship it",
        "finalist, on the holdout",
        "winner, on the holdout",
    ]
    winner = figures["front"]["data"][-1]
    assert winner["error_y"]["array"] == [pytest.approx(0.0074)]
    assert winner["error_y"]["arrayminus"] == [0.0]
    assert len(figures["latency"]["data"]) == 4


def test_a_plot_for_everything_that_is_known() -> None:
    every = {"front", "latency", "anytime", "pairs", "ratios", "operators", "calibration", "importance"}
    for run in OUTCOMES.values():
        text = render(run)
        placed = set(re.findall(r'data-figure="([a-z]+)"', text))
        assert placed <= unpacked(text)["figures"].keys()
        if run is INT8_WINS:
            assert placed == every


def test_patterns_and_symbols_carry_what_colours_do() -> None:
    figures = unpacked(render(INT8_WINS))["figures"]
    front = [t["marker"]["symbol"] for t in figures["front"]["data"] if "marker" in t]
    assert len(front) == len(set(front))
    patterns = {t["marker"]["pattern"]["shape"] for t in figures["importance"]["data"]}
    assert patterns == {"", "/"}
    assert set(figures["operators"]["data"][0]["marker"]["pattern"]["shape"]) == {"", "/"}


def test_names_with_html_in_them_are_text_in_the_packed_figures() -> None:
    told = json.dumps(unpacked(render(INT8_WINS))["figures"])
    assert "<img" not in told and "<b>" not in told
    assert "&lt;img" in told


def test_five_hundred_trials_stay_small() -> None:
    """The page that ``python -m benchmarks.page_load`` opens, with 200 quantisers."""
    run = grown(replace(INT8_WINS, quantizers=QUANTIZERS * 100), 500)
    assert [t.number for t in run.trials] == list(range(500))
    assert len({t.configuration.digest for t in run.trials}) > 300
    assert len(render(run).encode()) < LARGEST


def test_equal_runs_give_equal_pages() -> None:
    assert render(INT8_WINS) == render(replace(INT8_WINS))
