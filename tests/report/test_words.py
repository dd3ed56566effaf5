from __future__ import annotations

from dataclasses import replace

import pytest
from report_runs import GOAL

from autotune.record import Interval
from autotune.report import words
from autotune.report.words import MetricWords


@pytest.mark.parametrize(
    ("tolerance", "score", "drop", "as_score", "as_drop"),
    [
        (0.00895, 0.89512, 0.00123, "0.8951", "+0.0012"),
        (0.00895, 0.89512, -0.00123, "0.8951", "−0.0012"),
        (0.00895, 0.89512, -0.00001, "0.8951", "0.0000"),
        (0.5, 12.3456, 0.3, "12.35", "+0.30"),
        (20.0, 1234.5, 3.2, "1,234", "+3"),
        (0.0, 0.9, 0.0001, "0.90000", "+0.00010"),
        (1e-30, 0.9, 0.0, "0.900000000", "0.000000000"),
    ],
)
def test_scores_show_two_digits_of_the_tolerance(
    tolerance: float, score: float, drop: float, as_score: str, as_drop: str
) -> None:
    metric = MetricWords.of(replace(GOAL, tolerance=tolerance), 0.9)
    assert (metric.score(score), metric.drop(drop)) == (as_score, as_drop)


def test_a_metric_of_zero_with_no_tolerance_has_decimals() -> None:
    assert MetricWords.of(replace(GOAL, tolerance=0.0), 0.0).score(0.25) == "0.2500"


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_is_missing_is_a_dash(value: float | None) -> None:
    metric = MetricWords("accuracy", 4)
    texts = {metric.score(value), metric.drop(value), words.ratio(value), words.milliseconds(value)}
    assert texts == {words.MISSING}


@pytest.mark.parametrize(
    ("value", "text"), [(0.2871, "0.287 ms"), (1.234, "1.23 ms"), (12.34, "12.3 ms"), (1234.5, "1,234 ms")]
)
def test_milliseconds_have_three_digits(value: float, text: str) -> None:
    assert words.milliseconds(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.417, "0.42 s"), (9.996, "10.0 s"), (59.96, "1 min 00 s"), (185.2, "3 min 05 s"), (3720.0, "1 h 02 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(999, "999 B"), (812_345, "812 kB"), (3_100_000, "3.10 MB"), (2_500_000_000, "2.50 GB")]
)
def test_sizes(size: int, text: str) -> None:
    assert words.size(size) == text


def test_counts_shares_and_changes() -> None:
    assert words.count(1, "trial") == "1 trial"
    assert words.count(1200, "trial") == "1,200 trials"
    assert (words.percent(0.643), words.percent(0.004), words.percent(0.0)) == ("64 %", "0.4 %", "0 %")
    assert (words.confidence(0.95), words.confidence(0.9875)) == ("95 %", "98.75 %")
    assert (words.change(1.0, 0.26), words.change(1.0, 1.001), words.change(0.0, 1.0)) == ("−74 %", "same", "")


def test_an_interval_with_an_unknown_end_is_left_out() -> None:
    assert words.between(Interval(3.5, 3.41, 3.6)) == "3.41 to 3.60×"
    assert words.between(Interval(3.5, 3.41, float("inf"))) == ""
