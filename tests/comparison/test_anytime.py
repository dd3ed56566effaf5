"""The ablation's times and tables are pure functions of its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autotune import recipe
from benchmarks import anytime
from benchmarks.ablation import COLUMNS, CURVE, KEY, VARIANTS, Results, written

CURVES = {"full": [(5.0, 1.0), (9.0, 1.97), (30.0, 2.1)], "random search": [(6.0, 1.0), (80.0, 1.96)]}


def row(variant: str, speed: float | None, **more: Any) -> dict[str, Any]:
    common = {"model": "digits", "isa": "native", "seed": 0, "limit": 240.0, "failure": None, "trials": 12}
    told = {"status": "proven", "judged_speed": speed, "best_measured": speed}
    return {**dict.fromkeys(COLUMNS), **common, **told, "variant": variant, "speed": speed, **more}


@pytest.mark.parametrize(("wanted", "expected"), [(1.0, 5.0), (1.5, 9.0), (1.97, 9.0), (2.1, 30.0), (2.2, None)])
def test_when_a_curve_first_was_fast_enough(wanted: float, expected: float | None) -> None:
    assert anytime.seconds_to(CURVES["full"], wanted) == expected


def test_the_target_is_within_2_percent_of_the_full_variants_final_speed() -> None:
    rows = anytime.with_targets([row("full", 2.0), row("random search", 1.9), row("without forms", 1.0)], CURVES)
    assert [r["target"] for r in rows] == pytest.approx([1.96] * 3)
    assert [r["seconds_to_target"] for r in rows] == [9.0, 80.0, None]


def test_without_the_full_variant_there_is_no_target() -> None:
    rows = anytime.with_targets([row("full", None, failure="no"), row("random search", 1.9)], CURVES)
    assert [r["seconds_to_target"] for r in rows] == [None, None]
    assert "| full | | no | | | |" in anytime.document(rows)


def test_the_summary_compares_with_the_full_variant_of_the_same_model_and_seed() -> None:
    one = anytime.with_targets([row("full", 2.0), row("random search", 1.0)], CURVES)
    other = [{**r, "seed": 1, "seconds_to_target": None if r["variant"] != "full" else 9.0} for r in one]
    text = anytime.summary([*one, *other])
    assert "| full | 2 | 2 | 1.00 | 1.00 |" in text
    assert f"| random search | 2 | 1 | {80 / 9:.2f} | 0.50 |" in text


def test_rows_that_were_read_back_give_the_same_page(tmp_path: Path) -> None:
    key = ("digits", "native", 0, 240.0)
    rows = anytime.with_targets([row("full", 2.0), row("random search", None, failure="a | b")], CURVES)
    points = [dict(zip(KEY, key, strict=True)) | {"variant": "full", "seconds": 5.0, "speed": 1.0, "trial": 0}]
    results = Results(tmp_path)
    assert not results.has(key)
    results.put(key, rows, points)
    page = (tmp_path / "ablation.md").read_text()
    assert "| random search | | a / b | | | |" in page
    again = Results(tmp_path)
    assert again.has(key)
    again.put(("photos", *key[1:]), [{**r, "model": "photos"} for r in rows], [])
    again.put(key, rows, points)
    text = (tmp_path / "ablation.csv").read_text()
    assert text.count("digits,native") == 2
    assert (tmp_path / "ablation_curves.csv").read_text().splitlines()[0] == ",".join(CURVE)
    assert page.partition("### digits")[2] in (tmp_path / "ablation.md").read_text()


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_a_recipe(variant: str, tmp_path: Path) -> None:
    asked = recipe.load(Path(__file__).parents[2] / "recipes" / "digits.yaml")
    path = written(asked, tmp_path, 3, 90.0, VARIANTS[variant])
    made = recipe.load(path)
    assert (made.seed, made.budget.timeout, made.strategy.settle) == (3, 90.0, False)
    assert (made.base / (made.model.path or "")).resolve() == (asked.base / (asked.model.path or "")).resolve()
    same = written(asked, tmp_path, 3, 90.0, {})
    assert (recipe.load(same) == made) == (variant == anytime.FULL)
