"""What is aimed at when the fastest within the tolerance may be beyond it on other samples."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotune.configuration import Configuration, Quantization
from autotune.record import Interval, Latency, Measurement, Trial
from autotune.search.surer import Aim, surer

FLOAT, INT8 = Configuration(), Configuration(quantization=Quantization())
TOLERANCE = 0.01


def trial(configuration: Configuration, speed: float, drop: float, error: float = 0.002) -> Trial:
    interval = Interval(speed, speed - 0.1, speed + 0.1)
    measured = Measurement(Latency((1.0,), (1 / speed,), interval), 0.9, drop, 100, 1, 1, drop_error=error)
    return Trial(0, configuration, "complete", "plain", measured)


BF16 = trial(replace(FLOAT, precision="bf16"), 2.0, 0.001)


def test_a_drop_within_its_error_of_the_tolerance_is_to_be_made_smaller() -> None:
    aim = surer([BF16, trial(INT8, 3.0, 0.009)], TOLERANCE, errors=1.0)
    assert aim == Aim(pytest.approx(0.008), pytest.approx(1.9))


def test_what_is_clearly_within_needs_nothing_unless_a_proof_is_asked_for() -> None:
    trials = [BF16, trial(INT8, 3.0, 0.007)]
    assert surer(trials, TOLERANCE, errors=1.0) is None
    assert surer(trials, TOLERANCE, errors=2.0) == Aim(pytest.approx(0.006), pytest.approx(1.9))


def test_a_large_error_does_not_ask_for_the_impossible() -> None:
    aim = surer([trial(INT8, 3.0, 0.009, error=0.05)], TOLERANCE, errors=1.0)
    assert aim == Aim(0.005, 1.0)


def test_without_an_int8_candidate_within_there_is_nothing_to_make_surer() -> None:
    assert surer([BF16, trial(INT8, 3.0, 0.02)], TOLERANCE, errors=1.0) is None
