"""Runs side by side: golden tests of the view, the table and the files."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from report_runs import EVIL, FLOAT_WINS, INT8_WINS, INTERRUPTED, MACHINE, MODEL, OUTCOMES
from rich.console import Console
from typer.testing import CliRunner

import autotune
from autotune.cli import app
from autotune.comparing import write_comparison
from autotune.errors import UserError
from autotune.outcome import RunRecord
from autotune.report.comparison.html import render
from autotune.report.comparison.page import Cell, Comparison, Row
from autotune.report.comparison.terminal import terminal_table
from autotune.report.comparison.view import compare
from autotune.report.named import name_runs
from autotune.report.tables import COMPARISON, as_csv, comparison_frame
from autotune.report.write import save_record

OTHER = replace(
    FLOAT_WINS,
    name="other",
    model=replace(MODEL, name=f"{EVIL}.onnx", digest="ab" * 32),
    goal=replace(FLOAT_WINS.goal, max_drop="2%"),
    fingerprint=replace(MACHINE, cpu="Intel Xeon", versions={**MACHINE.versions, "openvino": "2026.4.2"}),
)


def together(*runs: RunRecord) -> Comparison:
    return compare(name_runs([(Path(f"runs/{i}"), run) for i, run in enumerate(runs)]))


def rows(comparison: Comparison, anchor: str) -> dict[str, Row]:
    section = next(s for s in comparison.sections if s.anchor == anchor)
    return {row.label: row for row in section.rows}


def test_what_two_runs_came_to() -> None:
    found = rows(together(INT8_WINS, OTHER), "verdict")
    assert [cell.badge and cell.badge.text for cell in found["verdict"].cells] == ["expected", "proven"]
    assert found["speed against float f32"].cells == (Cell("3.50×", "3.43 to 3.57×"), Cell("1.00×", "0.98 to 1.02×"))
    assert found["drop"].cells[0] == Cell("+0.0022", "at most +0.0096 at 95 %")
    assert found["size of constants"].cells == (
        Cell("812 kB", "float f32 3.10 MB"),
        Cell("3.10 MB", "float f32 3.10 MB"),
    )
    assert not found["wall time"].differs
    assert found["wall time"].cells[0].text == "1 min 20 s"


def test_where_the_winners_configurations_differ() -> None:
    found = rows(together(INT8_WINS, OTHER), "configuration")
    assert found["operators kept float"].cells == (
        Cell("2 operators", items=("/dense/MatMul", EVIL)),
        Cell("–"),
    )
    assert found["ranges set singly"].cells[0] == Cell(
        "1 quantiser", items=(f"{EVIL}/fq_output_0: percentile(0.9999), symmetric",)
    )
    assert found["weights"].cells == (Cell("per-channel"), Cell("–"))
    assert found["precision"].cells == (Cell("–"), Cell("f32"))
    same = rows(together(INT8_WINS, replace(INT8_WINS, name="again")), "configuration")
    assert not any(row.differs for row in same.values())


def test_versions_of_all_runs_are_rows_and_differences_are_marked() -> None:
    found = rows(together(INT8_WINS, OTHER), "versions")
    assert list(found) == ["autotune", "nncf", "openvino", "optuna", "python"]
    assert [name for name, row in found.items() if row.differs] == ["openvino"]


def test_cautions_say_what_cannot_be_compared() -> None:
    starts = [caution.split(":")[0].split(" differ")[0] for caution in together(INT8_WINS, OTHER).cautions]
    assert starts == [
        "The models",
        "CPU, instruction set or threads",
        "Versions",
        "What was asked for",
        "Runs were timed at",
    ]
    assert len(together(INT8_WINS, replace(INT8_WINS, name="again")).cautions) == 1
    hurried = together(INT8_WINS, replace(INT8_WINS, goal=replace(INT8_WINS.goal, min_speedup=2.0)))
    assert [caution[:21] for caution in hurried.cautions] == ["What was asked for di", "Runs were timed at di"]
    assert rows(hurried, "asked")["least speedup"].cells == (Cell("none"), Cell("2.00×"))


@pytest.mark.parametrize("run", OUTCOMES.values(), ids=OUTCOMES)
def test_every_outcome_can_stand_beside_another(run: RunRecord) -> None:
    comparison = together(run, INT8_WINS)
    assert all(len(row.cells) == 2 for section in comparison.sections for row in section.rows)
    frame = comparison_frame(name_runs([(Path("a"), run), (Path("b"), INT8_WINS)]))
    again = pd.read_csv(io.StringIO(as_csv(frame)), dtype=dict(COMPARISON.types))
    pd.testing.assert_frame_equal(again, frame, check_exact=True)


def test_names_tell_runs_apart() -> None:
    entries = [(Path("a/x"), INT8_WINS), (Path("b/x"), INT8_WINS), (Path("c"), INT8_WINS), (Path("d"), OTHER)]
    assert [named.name for named in name_runs(entries)] == ["a/x", "b/x", "c", "other"]


def test_the_terminal_table_fits_eighty_columns() -> None:
    out = io.StringIO()
    odd = replace(OTHER, name="[bold]" + "long-name-" * 5)
    Console(file=out, width=200).print(terminal_table(together(INT8_WINS, odd, INTERRUPTED)))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(out.getvalue().split())
    assert "[bold]" in text
    assert "3.43 to 3.57×" in text
    assert "no verdict" in text


def saved(run: RunRecord, folder: Path) -> Path:
    save_record(run, folder / "record.json")
    return folder


def test_the_command_writes_page_and_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    saved(INT8_WINS, Path("one"))
    saved(OTHER, Path("two"))
    for _ in range(2):  # an earlier comparison is replaced
        result = CliRunner().invoke(app, ["report", "one", "two"])
        assert result.exit_code == 0, result.output
    assert "Wrote comparison.html and comparison.csv" in result.output
    assert "The models differ" in result.output
    frame = autotune.read_table("comparison.csv")
    assert frame["run"].tolist() == ["file-type", "other"]
    assert frame["speedup"].tolist() == [3.5, 1.0]
    assert frame["winner_trial"].tolist() == [4, 0]
    assert frame["min_speedup"].isna().all()
    assert json.loads(frame["configuration"][0])["quantization"]["float_operators"] == ["/dense/MatMul", EVIL]
    assert not list(Path("one").glob("*.html"))


@pytest.mark.parametrize("name", ["comparison.html", "comparison.csv"])
def test_foreign_files_are_not_written_over(name: str, tmp_path: Path) -> None:
    runs = [saved(INT8_WINS, tmp_path / "one"), saved(OTHER, tmp_path / "two")]
    (tmp_path / name).write_text("mine\n")
    with pytest.raises(UserError, match=f"{name}: is not a comparison"):
        write_comparison(runs, tmp_path / "comparison.html")
    assert (tmp_path / name).read_text() == "mine\n"
    assert len(list(tmp_path.iterdir())) == 3


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    one = saved(INT8_WINS, tmp_path / "one")
    (tmp_path / "link").symlink_to(one)
    for arguments, told in (
        ([one, tmp_path / "link"], "is the same run as"),
        ([one, tmp_path / "none"], "no record of a finished run"),
        ([one, "--output", "x.html"], "--output is for comparisons"),
        ([one, one, "--output", "x.pdf"], "ends in .html"),
    ):
        result = CliRunner().invoke(app, ["report", *map(str, arguments)])
        assert result.exit_code == 2, result.output
        assert told in result.output
        assert len(result.output.strip().splitlines()) == 1


def test_the_page_shows_names_as_text() -> None:
    page = render(together(INT8_WINS, OTHER))
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
