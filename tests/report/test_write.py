from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from report_runs import FLOAT_WINS, INT8_WINS, NOTHING, OUTCOMES

from autotune.errors import UserError
from autotune.outcome import RunRecord
from autotune.report.write import load_record, save_record, write_reports


@pytest.mark.parametrize("run", OUTCOMES.values(), ids=OUTCOMES)
def test_a_record_read_back_is_the_same_run(run: RunRecord, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    save_record(run, path)
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert repr(load_record(path)) == repr(run)  # repr: NaN is not equal to itself


def test_reports_are_the_same_from_the_record(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write_reports(FLOAT_WINS, first)
    save_record(FLOAT_WINS, tmp_path / "record.json")
    write_reports(load_record(tmp_path / "record.json"), second)
    names = sorted(p.name for p in first.iterdir())
    assert names == ["latency.csv", "pareto.csv", "report.html", "run.json", "sensitivity.csv", "trials.csv"]
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_older_reports_are_replaced(tmp_path: Path) -> None:
    write_reports(NOTHING, tmp_path)
    write_reports(INT8_WINS, tmp_path)
    assert json.loads((tmp_path / "run.json").read_text())["trials"] == 8
    assert len(list(tmp_path.iterdir())) == 6


def test_a_missing_record_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no record of a finished run"):
        load_record(tmp_path / "record.json")


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"{", "the file: Invalid JSON"), (b'{"name": "x"}', "outcome"), (b"\xff\xfe", "not a text file")],
)
def test_a_broken_record_is_one_sentence(content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=told) as caught:
        load_record(path)
    assert "\n" not in str(caught.value)


def test_a_record_names_the_field_it_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    save_record(replace(INT8_WINS), path)
    content = json.loads(path.read_text())
    content["splits"]["search"] = "many"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"splits\.search"):
        load_record(path)
