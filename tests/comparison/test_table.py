"""The comparison's table is a pure function of its rows."""

from __future__ import annotations

import math

import pytest

from benchmarks import table

ROW = {
    "model": "digits", "isa": "native", "tool": "nncf-quantize", "variant": "default", "max_drop": None,
    "runtime": "openvino", "precision": "f32", "failure": None, "n": 100.0, "metric": "accuracy", "float_score": 0.9,
    "drop": 0.004, "drop_upper": 0.0085, "speed": 2.0, "speed_low": 1.9, "speed_high": 2.1, "speed_best_float": 1.5,
    "speed_best_float_low": 1.4, "speed_best_float_high": 1.6, "float_milliseconds": 1.25, "executed": "f32",
    "seconds": 12.4, "inferences": 1234.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("drop", "upper", "expected"),
    [(0.0, 0.01, "proven"), (0.01, 0.0101, "expected"), (0.0101, 0.02, "beyond"), (-0.1, -0.05, "proven")],
)
def test_a_bound_within_the_tolerance_proves_it(drop: float, upper: float, expected: str) -> None:
    assert table.verdict(drop, upper, 0.01) == expected


def test_a_tool_that_was_told_no_tolerance_is_judged_at_all_three() -> None:
    # 1 % of 0.9 is 0.009, 0.5 % is 0.0045, 0.1 % is 0.0009.
    assert table.verdicts(ROW) == "proven / expected / beyond"
    assert table.verdicts({**ROW, "max_drop": 0.005}) == "expected"


def test_a_row_shows_its_numbers() -> None:
    assert table.line(ROW) == (
        "| nncf-quantize default |  | f32 | +0.0040 (≤ 0.0085) | proven / expected / beyond | 2.00 [1.90, 2.10] "
        "| 1.50 [1.40, 1.60] | 12 | 1234 |"
    )


def test_a_failure_shows_its_reason_and_keeps_the_columns() -> None:
    row = {**ROW, "failure": "does not | install", "max_drop": 0.01}
    assert "does not / install" in table.line(row)
    assert table.line(row).count("|") == table.line(ROW).count("|")


def test_what_openvino_chose_itself_and_other_runtimes_are_said() -> None:
    assert "| bf16 (default) |" in table.line({**ROW, "precision": "default", "executed": "bf16"})
    assert "onnxruntime" in table.line({**ROW, "runtime": "onnxruntime", "precision": ""})


def test_one_table_per_model_and_instruction_set() -> None:
    text = table.markdown([ROW, {**ROW, "isa": "AVX2"}, {**ROW, "model": "photos", "failure": "no"}])
    assert [line for line in text.splitlines() if line.startswith("###")] == [
        "### digits",
        "### digits, this CPU restricted to AVX2",
        "### photos",
    ]


def test_an_empty_cell_of_a_csv_is_absent() -> None:
    assert not any(table.present(value) for value in (None, "", math.nan))
    assert all(table.present(value) for value in (0, 0.0, "x", False))


def test_what_is_beyond_or_failed_counts_as_float_in_the_summary() -> None:
    rows = [
        {**ROW, "speed": 4.0},  # within 1 %
        {**ROW, "model": "photos", "speed": 9.0, "drop": 0.1, "drop_upper": 0.2},  # beyond
    ]
    assert "| nncf-quantize default | 2 | 1 | 1 | 2.00 | 25 |" in table.summary(rows, 0.01)  # sqrt(4 * 1)
    failed = [{**ROW, "failure": "no", "speed": None, "seconds": None}]
    assert "| nncf-quantize default | 1 | 0 | 0 | 1.00 | 0 |" in table.summary(failed, 0.01)


def test_a_tool_is_summed_up_at_the_tolerance_that_it_was_told() -> None:
    rows = [{**ROW, "tool": "olive", "max_drop": 0.005}]
    assert "olive" not in table.summary(rows, 0.01)
    assert "olive" in table.summary(rows, 0.005)
