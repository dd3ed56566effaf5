"""How long what comes after the search takes, from trials' seconds: worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autotune import reserve
from autotune.configuration import Configuration, Quantization
from autotune.outcome import SplitSizes
from autotune.protocol import Prepared
from autotune.record import Interval, Latency, Measurement, ModelInfo, Seconds, Trial
from autotune.stats import RESAMPLES_CORPUS

MODEL = ModelInfo("m", "0" * 64, (), ("y",), {}, (), ("f32",), False, 1, "fast")
SIZES = SplitSizes(100, 200, 400, 0)
LATENCY = Latency((2.0,), (2.0,), Interval(1.0, 0.99, 1.01))
FLOAT = Measurement(LATENCY, 0.9, 0.0, 200, 1, 2)
PREPARED = Prepared(MODEL, FLOAT, np.zeros(200), 0.0, True)
F32 = Trial(0, Configuration(), "complete", "plain", measurement=FLOAT)


def int8(number: int, build: float, compiling: float, score: float, samples: int = 200) -> Trial:
    spent = Seconds(observe=5.0, build=build, compile=compiling, score=score, latency=1.0)
    measured = replace(FLOAT, samples=samples)
    q = Quantization(float_operators=(str(number),))
    return Trial(number, Configuration(quantization=q), "complete", "plain", measurement=measured, seconds=spent)


FINALISTS = [F32, int8(1, 0.1, 0.2, 0.3), int8(2, 0.3, 0.5, 0.1, samples=50)]


def test_judging_is_float_and_each_finalist_on_the_holdout() -> None:
    # 400 samples of float f32 at 2 ms; the holdout is twice the search split; 0.1 s for a quarter of the samples
    expected = 0.8 + (0.1 + 0.2 + 2 * 0.3) + (0.3 + 0.5 + 2 * 0.4)
    assert reserve.judging_seconds(PREPARED, SIZES, FINALISTS, [F32]) == pytest.approx(expected)


def test_a_slow_metric_makes_bounds_slow() -> None:
    slow = replace(PREPARED, metric_seconds=0.001)
    more = reserve.judging_seconds(slow, SIZES, FINALISTS, [F32]) - reserve.judging_seconds(
        PREPARED, SIZES, FINALISTS, [F32]
    )
    assert more == pytest.approx(2 * 2 * RESAMPLES_CORPUS * 0.001 * 2), "two finalists, two values per resample"


def test_racing_compiles_each_and_writing_only_the_winner() -> None:
    rest = reserve.SHORT_RACE_SECONDS + 0.3 + 0.8 + reserve.leaving_seconds(PREPARED, SIZES, FINALISTS)
    judging = reserve.judging_seconds(PREPARED, SIZES, FINALISTS, [F32])
    for slack in (0.0, 0.5):
        found = reserve.finishing_seconds(PREPARED, SIZES, FINALISTS, [F32], slack)
        assert found == pytest.approx(rest + (1 + slack) * judging)
    leaving = reserve.WRITING_SECONDS + 0.8 + 2 * (reserve.FOOTPRINT_SECONDS + 0.8)
    assert reserve.leaving_seconds(PREPARED, SIZES, FINALISTS) == pytest.approx(leaving)
    saturating = replace(PREPARED, model=replace(MODEL, can_saturate=True))
    emulated = 0.8 + reserve.EMULATED * 200 * 0.002
    assert reserve.leaving_seconds(saturating, SIZES, FINALISTS) == pytest.approx(leaving + emulated)


def test_float_alone_is_judged_without_scoring_a_finalist() -> None:
    assert reserve.judging_seconds(PREPARED, SIZES, [F32], [F32]) == pytest.approx(0.8)


def test_what_trials_took_is_scaled_to_the_pace_of_the_last_ones() -> None:
    """Everything takes twice as long now as when the finalist was measured."""
    finalist = int8(1, 0.1, 0.2, 0.3)
    now = replace(FLOAT, latency=Latency((4.0,), (4.0,), Interval(1.0, 0.99, 1.01)))
    last = [replace(int8(n, 0.1, 0.1, 0.8), measurement=now) for n in range(2, 2 + reserve.RECENT)]
    expected = 400 * 0.004 + 2 * (0.1 + 0.2 + 2 * 0.3)
    assert reserve.judging_seconds(PREPARED, SIZES, [F32, finalist], [finalist, *last]) == pytest.approx(expected)


def test_scoring_takes_longer_than_its_inferences() -> None:
    last = [int8(n, 0.1, 0.1, 0.6) for n in range(3)]  # 200 samples of 2 ms are 0.4 s
    assert reserve.scoring_seconds(PREPARED, 100, last) == pytest.approx(1.5 * 0.2)
    assert reserve.scoring_seconds(PREPARED, 100) == pytest.approx(0.2)


def test_a_trial_takes_all_its_seconds() -> None:
    assert reserve.trial_seconds(int8(1, 0.1, 0.2, 0.3)) == pytest.approx(6.6)
