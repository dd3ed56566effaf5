"""What the model folder holds while a search goes on."""

from dataclasses import replace

from autotune.configuration import Configuration
from autotune.record import Interval, Latency, Measurement, Trial
from autotune.search.written import EVERY_SECONDS, BestWritten


def trial(number: int, speed: float, drop: float = 0.001) -> Trial:
    latency = Latency((1.0,), (1 / speed,), Interval(speed, speed * 0.99, speed * 1.01))
    measured = Measurement(latency=latency, score=0.9, drop=drop, samples=100, size_bytes=1, threads=1)
    return Trial(number, Configuration(threads=number or None), "complete", "plain", measurement=measured)


REFERENCE, GOOD, BETTER, BEYOND = trial(0, 1.0, 0.0), trial(1, 1.5), trial(2, 2.0), trial(3, 3.0, drop=0.05)


def test_the_fastest_within_the_tolerance_is_written_where_it_is_clearly_faster() -> None:
    written = BestWritten(0.01)
    assert written.due([], 0.0) is None
    assert written.due([REFERENCE], 0.0) is REFERENCE, "a valid result is there from the first trial on"
    written.wrote(REFERENCE, 0.0)
    assert written.due([REFERENCE], 100.0) is None
    assert written.due([REFERENCE, GOOD, BEYOND, replace(BETTER, state="stopped")], 100.0) is GOOD
    written.wrote(GOOD, 100.0)
    assert written.due([REFERENCE, GOOD, trial(4, 1.51)], 200.0) is None, "hardly faster"


def test_what_was_found_right_after_a_writing_is_written_later() -> None:
    written = BestWritten(0.01)
    written.wrote(GOOD, 100.0)
    assert written.due([REFERENCE, GOOD, BETTER], 101.0) is None, "too soon"
    assert written.due([REFERENCE, GOOD, BETTER, BEYOND], 100.0 + EVERY_SECONDS) is BETTER, "though it is not the last"


def test_a_run_that_is_continued_writes_its_best_not_the_next_good_one() -> None:
    assert BestWritten(0.01).due([REFERENCE, BETTER, GOOD], 0.0) is BETTER


def test_what_is_written_counts_with_the_speed_that_it_has_now() -> None:
    """It was timed again in another state of the machine, and is no longer the best."""
    written = BestWritten(0.01)
    written.wrote(BETTER, 0.0)
    assert written.due([REFERENCE, GOOD, BETTER], 100.0) is None
    assert written.due([REFERENCE, GOOD, trial(2, 1.1)], 100.0) is GOOD


def test_what_cannot_be_written_is_not_tried_again_and_the_next_best_is() -> None:
    written = BestWritten(0.01)
    written.wrote(GOOD, 0.0)
    written.refuse(BETTER)
    assert written.due([REFERENCE, GOOD, BETTER], 100.0) is GOOD, "its folder may be gone"
