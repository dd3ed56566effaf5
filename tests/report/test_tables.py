from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from report_runs import EVIL, FLOAT_WINS, INT8_WINS, MSE, NOTHING, OUTCOMES

from autotune.outcome import Run
from autotune.record import Duel, Interval
from autotune.report import tables


def reread(frame: pd.DataFrame, types: dict[str, str] | None = None) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(frame.to_csv(index=False)), dtype=types)  # type: ignore[arg-type]


@pytest.mark.parametrize("run", OUTCOMES.values(), ids=OUTCOMES)
def test_frames_survive_csv_with_their_types(run: Run) -> None:
    trials, pareto = tables.trials_frame(run), tables.pareto_frame(run)
    pd.testing.assert_frame_equal(reread(trials, tables.TRIAL_TYPES), trials, check_exact=True)
    pd.testing.assert_frame_equal(reread(pareto, tables.PARETO_TYPES), pareto, check_exact=True)


def test_plain_read_csv_finds_numbers_as_numbers() -> None:
    frame = reread(tables.trials_frame(INT8_WINS))
    for name, kind in tables.TRIAL_TYPES.items():
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
    duel = Duel(2, Interval(1.04, 1.01, 1.07), 0.25)
    trials = tuple(
        replace(t, measurement=replace(t.measurement, duel=duel)) if t.number == 4 and t.measurement else t
        for t in INT8_WINS.trials
    )
    frame = reread(tables.trials_frame(replace(INT8_WINS, trials=trials))).set_index("trial")
    names = ["duel_trial", "duel_ratio", "duel_low", "duel_high", "duel_seconds"]
    assert frame.loc[4, names].tolist() == [2, 1.04, 1.01, 1.07, 0.25]
    assert frame.loc[3, names].isna().all()


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
    assert list(tables.trials_frame(NOTHING).columns) == list(tables.TRIAL_TYPES)
    assert len(tables.pareto_frame(NOTHING)) == 0


def test_line_ends_in_reasons_stay_in_one_line() -> None:
    failed = replace(INT8_WINS.trials[5], reason="first\nsecond")
    text = tables.trials_frame(replace(INT8_WINS, trials=(failed,))).to_csv(index=False)
    assert len(text.splitlines()) == 2


def test_the_docstring_describes_every_column() -> None:
    assert tables.__doc__ is not None
    first, second = tables.__doc__.split("pareto.csv, the members")
    described = re.findall(r"^(\w+) +(Int64|Float64|string|boolean)\b", first, re.M)
    assert dict(described) == tables.TRIAL_TYPES
    for name in tables.PARETO_TYPES:
        assert name.removesuffix("_low").removesuffix("_high") in second
