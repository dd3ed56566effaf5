from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from report_runs import EVIL, INT8_WINS, OUTCOMES

from autotune.outcome import Run
from autotune.report.charts import front_figure
from autotune.report.html import render
from autotune.report.view import view

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


@pytest.mark.parametrize("run", OUTCOMES.values(), ids=OUTCOMES)
def test_every_outcome_is_one_small_well_formed_page(run: Run) -> None:
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
    assert [a.get("id") for tag, a in parsed.tags if tag == "script"] == ["figures", "plotly", None]


def test_plot_labels_with_html_in_them_are_text() -> None:
    run = replace(INT8_WINS, goal=replace(INT8_WINS.goal, metric=f"{EVIL}:score"))
    told = json.dumps(front_figure(view(run).front))
    assert "<img" not in told and "<b>" not in told
    assert "&lt;img" in told


def test_figures_are_json_without_nan() -> None:
    text = render(INT8_WINS)
    match = re.search(r'id="figures">(.*?)</script>', text, re.S)
    assert match is not None
    figures = json.loads(match[1], parse_constant=pytest.fail)
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


def test_equal_runs_give_equal_pages() -> None:
    assert render(INT8_WINS) == render(replace(INT8_WINS))
