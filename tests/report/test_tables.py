from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from report_runs import DEFAULT, EVIL, FLOAT_WINS, INT8_WINS, MSE, NOTHING, OUTCOMES, WITH_DUEL

import autotune
from autotune.errors import UserError
from autotune.findings import FrameFindings, OperatorFinding
from autotune.outcome import RunRecord
from autotune.report import tables
from autotune.report.tables.__main__ import documentation
from autotune.report.view import view

LOOKED_AT = replace(
    INT8_WINS,
    frames=(
        FrameFindings(
            DEFAULT,
            ("/conv/Conv", "/dense/MatMul", EVIL),
            (
                OperatorFinding(("/conv/Conv", EVIL), 0.0123, 410.5, 0.0101),
                OperatorFinding(("/dense/MatMul",), None, -3.0),
            ),
        ),
    ),
    finalists=tuple(
        replace(f, places=tuple((i + r) % 4 for r in range(101))) for i, f in enumerate(INT8_WINS.finalists)
    ),
)
RUNS = {**OUTCOMES, "looked-at": LOOKED_AT}


def reread(frame: pd.DataFrame, types: Mapping[str, str] | None = None) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(tables.as_csv(frame)), dtype=types)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", tables.FRAMES)
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_tables_survive_csv_with_their_types(run: RunRecord, name: str, tmp_path: Path) -> None:
    frame = tables.FRAMES[name](run)
    path = tmp_path / "renamed.csv"
    path.write_text(tables.as_csv(frame))
    pd.testing.assert_frame_equal(autotune.read_table(path), frame, check_exact=True)
    table = next(t for t in tables.TABLES if t.file == name)
    assert list(frame.columns) == list(table.types)
    assert {column: str(kind) for column, kind in frame.dtypes.items()} == table.types


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file"),
        (b"a,b\n1,2\n", "has not the columns"),
        (b"\xff\xfe", "not a text file"),
        (b"", "columns"),
    ],
)
def test_what_is_no_table_is_one_sentence(content: bytes | None, told: str, tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=told) as caught:
        autotune.read_table(path)
    assert "\n" not in str(caught.value)


def test_plain_read_csv_finds_numbers_as_numbers() -> None:
    frame = reread(tables.trials_frame(INT8_WINS))
    for name, kind in tables.TRIALS.types.items():
        if kind in ("Int64", "Float64"):
            assert pd.api.types.is_numeric_dtype(frame[name]), name
    assert frame["winner"].tolist() == [n == 4 for n in range(8)]


def test_one_row_per_trial_with_its_figures() -> None:
    frame = tables.trials_frame(INT8_WINS).set_index("trial")
    assert list(frame.index) == list(range(8))
    row = frame.loc[4]
    assert (row["speedup"], row["latency_ms"], row["baseline_ms"], row["pairs"]) == (3.52112676, 0.284, 1.0, 21)
    assert (row["state"], row["scheme"], row["estimator"], row["symmetry"]) == (
        "complete",
        "int8-static",
        "mse",
        "affine",
    )
    assert json.loads(row["float_operators"]) == ["/dense/MatMul", EVIL]
    assert json.loads(row["overrides"]) == {f"{EVIL}/fq_output_0": ["percentile", 0.9999, "symmetric"]}
    assert row["configuration"] == MSE.digest
    assert row["finished_at"] == "2026-09-21T14:13:24+00:00"
    assert frame.loc[6, "estimator_parameter"] == 0.04372819371
    assert frame.loc[5, "failure_stage"] == "compile"
    assert frame.loc[7, "duplicate_of"] == 4
    assert pd.isna(frame.loc[0, "placement"])
    assert pd.isna(frame.loc[5, "drop"])


def test_whom_a_trial_was_timed_beside() -> None:
    frame = reread(tables.trials_frame(WITH_DUEL)).set_index("trial")
    names = ["duel_trial", "duel_ratio", "duel_low", "duel_high", "duel_seconds"]
    assert frame.loc[4, names].tolist() == [2, 1.04, 1.01, 1.07, 0.25]
    assert frame.loc[3, names].isna().all()
    fought = tables.latency_frame(WITH_DUEL).query("phase == 'duel'")
    kept = (
        fought[["trial", "rival", "pair", "rival_seconds", "candidate_seconds", "candidate_order"]].to_numpy().tolist()
    )
    assert kept == [[4, 2, 0, 0.00104, 0.001, 1], [4, 2, 1, 0.00105, 0.001, 0]]
    assert fought["float_seconds"].isna().all()
    shown = view(WITH_DUEL).duel
    assert shown is not None and shown.names == ("trial 2", "the winner")
    assert shown.lead.startswith(
        "The winner was the faster one in 2 of 2 pairs; half of the pairs gave more than 1.04×"
    )
    assert (shown.low, shown.high) == (1.01, 1.07) and view(INT8_WINS).duel is None


def test_pareto_has_front_and_finalists_fastest_first() -> None:
    frame = tables.pareto_frame(INT8_WINS)
    assert frame["trial"].tolist() == [2, 4, 3, 1, 0]
    assert frame["on_front"].tolist() == [True, True, False, False, True]
    assert frame["verdict"].tolist()[1:] == ["expected", "proven", "beyond", "proven"]
    assert pd.isna(frame.loc[0, "verdict"])
    assert frame.loc[1, "more_samples"] == 410
    assert frame.loc[1, "holdout_drop_upper"] == 0.0096


def test_what_is_not_finite_is_empty() -> None:
    frame = tables.pareto_frame(FLOAT_WINS).set_index("trial")
    assert pd.isna(frame.loc[1, "final_speedup_best_float_low"])
    assert pd.isna(frame.loc[1, "final_speedup_best_float_high"])


def test_no_trials_give_heads_only() -> None:
    assert list(tables.trials_frame(NOTHING).columns) == list(tables.TRIALS.types)
    assert len(tables.pareto_frame(NOTHING)) == 0


def test_line_ends_in_reasons_stay_in_one_line() -> None:
    failed = replace(INT8_WINS.trials[5], reason="first\nsecond")
    text = tables.trials_frame(replace(INT8_WINS, trials=(failed,))).to_csv(index=False)
    assert len(text.splitlines()) == 2


def test_sensitivity_says_what_was_looked_at() -> None:
    frame = tables.sensitivity_frame(LOOKED_AT)
    assert [json.loads(names) for names in frame["operators"]] == [["/conv/Conv", EVIL], ["/dense/MatMul"]]
    assert frame["types"].tolist() == ["Convolution", "MatMul"]
    assert frame["cost_int8_alone"][0] == 0.0123
    assert frame["taken_back_by_float_alone"][0] == 0.0101 and pd.isna(frame["taken_back_by_float_alone"][1])
    assert pd.isna(frame["cost_int8_alone"][1])
    assert frame["predicted_gain_us"].tolist() == [410.5, -3.0]
    assert frame["float_share"].tolist() == [0.61, 0.3]  # of 410, 300, 200 and 90 microseconds
    assert frame["winner_share"].tolist() == [0.75, 0.15]  # of 60, 100, 200 and 40
    assert frame["winner_scheme"].tolist() == ["float+int8-static", "int8-static"]
    assert set(frame["frame_configuration"]) == {DEFAULT.digest}


def test_sensitivity_without_a_look_has_the_operators_as_they_ran() -> None:
    frame = tables.sensitivity_frame(replace(INT8_WINS, frames=()))
    assert [json.loads(names) for names in frame["operators"]] == [["/conv/Conv"], ["/dense/MatMul"], [EVIL]]
    assert frame[["frame", "cost_int8_alone", "predicted_gain_us"]].isna().all(axis=None)
    assert frame["winner_scheme"].tolist() == ["int8-static", "int8-static", "float"]


def test_raw_pairs_give_the_speeds() -> None:
    frame = tables.latency_frame(LOOKED_AT)
    search = frame[(frame["phase"] == "search") & (frame["trial"] == 4)]
    assert (search["float_seconds"] / search["candidate_seconds"]).median() == pytest.approx(1 / 0.284)
    assert search["float_order"].tolist() == [i % 2 for i in range(21)]
    assert search["round"].isna().all()
    assert 7 not in frame["trial"].unique()  # a duplicate was not timed
    final = frame[frame["phase"] == "final"]
    assert final["trial"].unique().tolist() == [1, 3, 4]
    winner = final[final["trial"] == 4]
    assert winner["round"].tolist() == winner["pair"].tolist() == list(range(101))
    assert winner["candidate_order"].tolist()[:5] == [0, 1, 2, 3, 0]
    assert winner["float_order"].tolist()[:5] == [2, 3, 0, 1, 2]
    medians = final.groupby("round")["float_seconds"].nunique()
    assert (medians == 1).all()  # the same float f32 for all in a round


def test_the_order_of_rounds_is_empty_where_it_was_not_recorded() -> None:
    final = tables.latency_frame(INT8_WINS).query("phase == 'final'")
    assert final[["float_order", "candidate_order"]].isna().all(axis=None)
    assert len(final) == 3 * 101


def test_the_documentation_is_made_from_the_columns() -> None:
    path = Path(__file__).parents[2] / "docs" / "tables.md"
    assert path.read_text() == documentation(), "python -m autotune.report.tables > docs/tables.md"
    for table in tables.TABLES:
        assert all(column.meaning for column in table.columns)
