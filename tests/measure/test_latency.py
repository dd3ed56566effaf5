import gc
import time

import numpy as np
import pytest

from autotune.measure.latency import MIN_ROUNDS, measure_pairs, round_order, rounds


class Busy:
    """Keeps the CPU busy for a given time, by the clock, and remembers when it was called."""

    def __init__(self, milliseconds: float, log: list["Busy"] | None = None) -> None:
        self.seconds = milliseconds / 1000
        self.log = log if log is not None else []

    def __call__(self) -> None:
        self.log.append(self)
        end = time.perf_counter() + self.seconds
        while time.perf_counter() < end:
            pass


def pairs(baseline, candidate, **changes):
    asked = {"confidence": 0.95, "target_width": 0.1, "min_pairs": 8, "max_pairs": 40, "max_seconds": 2.0, **changes}
    return measure_pairs(baseline, candidate, **asked)


def test_speedup_of_a_known_ratio(monkeypatch):
    """By a clock that only the inferences move: a busy machine is not what is tested."""
    now = [0.0]
    monkeypatch.setattr("autotune.measure.latency.time.perf_counter", lambda: now[0])

    def taking(milliseconds: float):
        random = np.random.default_rng(0)

        def inference() -> None:
            now[0] += milliseconds / 1000 * random.uniform(0.95, 1.3)

        return inference

    latency = pairs(taking(1.0), taking(0.5))
    assert latency.speedup.low <= latency.speedup.estimate <= latency.speedup.high
    assert latency.speedup.estimate == pytest.approx(2.0, rel=0.1)
    assert len(latency.baseline_ms) == len(latency.candidate_ms) >= 8
    assert latency.median_ms == pytest.approx(0.55, rel=0.1)


def test_stops_when_narrow_and_at_the_limits():
    assert len(pairs(Busy(0.5), Busy(0.5), target_width=1e9).baseline_ms) == 8
    assert len(pairs(Busy(0.5), Busy(0.5), target_width=0.0, max_pairs=11).baseline_ms) == 11
    short = pairs(Busy(1.0), Busy(1.0), target_width=0.0, max_pairs=10_000, max_seconds=0.0)
    assert len(short.baseline_ms) == 8
    needed = pairs(Busy(0.1), Busy(0.1), confidence=0.999, min_pairs=1, max_pairs=1)
    assert len(needed.baseline_ms) == 11  # an interval at this confidence needs as many


def test_order_alternates():
    log: list[Busy] = []
    a, b = Busy(3.0, log), Busy(3.0, log)
    pairs(a, b, max_pairs=8)
    measured = [call is a for call in log[-32:]]  # 8 pairs of two blocks, each one settling and one timed inference
    assert (
        measured
        == [True] * 2
        + [False] * 4
        + [True] * 4
        + [False] * 4
        + [True] * 4
        + [False] * 4
        + [True] * 4
        + [False] * 4
        + [True] * 2
    )


def test_rounds_shape_and_order():
    log: list[Busy] = []
    models = [Busy(3.0, log) for _ in range(3)]
    table = rounds(models, 12, max_seconds=60)
    assert table.shape == (12, 3) and table.dtype == np.float64 and (table > 2.9).all()
    order = [models.index(call) for call in log[-12 * 3 * 2 :: 2]]
    starts = [tuple(order[i : i + 3]) for i in range(0, len(order), 3)]
    assert set(starts) == {(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1), (2, 0, 1), (1, 0, 2)}
    assert starts == [tuple(round_order(number, 3)) for number in range(12)]


def test_rounds_end_by_time_but_not_before_the_interval_is_possible():
    assert rounds([Busy(1.0)], 1000, max_seconds=0.0).shape == (MIN_ROUNDS, 1)


def test_garbage_collector_is_back():
    pairs(Busy(0.1), Busy(0.1))
    assert gc.isenabled()


def test_a_call_may_be_several_inferences(monkeypatch):
    clock = iter(np.arange(0, 1e6) * 0.004)  # every reading is 4 ms later
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    table = rounds([lambda: None], 3, max_seconds=0.0, inferences=8)
    np.testing.assert_allclose(table, 0.5)  # what lies between two readings, shared by eight
