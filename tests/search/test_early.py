"""What is tried before the plain int8 configurations, so that something good is in hand early."""

from dataclasses import replace

from autotune.configuration import Configuration
from autotune.record import Interval, Latency, Measurement, Trial
from autotune.search.early import longest, partly_bf16

MICROSECONDS = {"a": 600.0, "b": 200.0, "c": 100.0, "rest": 100.0}
BF16 = Configuration(precision="bf16")
F32 = Configuration()


def trial(configuration: Configuration, speed: float, drop: float) -> Trial:
    latency = Latency((1.0,), (1 / speed,), Interval(speed, speed * 0.99, speed * 1.01))
    measured = Measurement(latency=latency, score=0.9, drop=drop, samples=100, size_bytes=1, threads=1)
    return Trial(0, configuration, "complete", "plain", measurement=measured)


def proposed(*trials: Trial) -> Configuration | None:
    return partly_bf16((trial(F32, 1.0, 0.0), *trials), 0.01, BF16, ("c", "a", "b"), MICROSECONDS)


def test_the_longest_operators_that_take_a_share_of_the_time() -> None:
    assert longest(("c", "a", "b"), MICROSECONDS, 1.0) == ("c", "a", "b")
    assert longest(("c", "a", "b"), MICROSECONDS, 0.75) == ("a", "b")
    assert longest(("c", "a", "b"), MICROSECONDS, 0.5) == ("a",)
    assert longest((), MICROSECONDS, 0.5) == ()


def test_fewer_operators_are_typed_bf16_as_long_as_more_lose_too_much() -> None:
    whole = trial(BF16, 2.0, 0.05)
    first = proposed(whole)
    assert first == Configuration(bf16_operators=("a", "b", "c"))
    second = proposed(whole, trial(first, 1.8, 0.04))
    assert second == Configuration(bf16_operators=("a",))
    assert proposed(whole, trial(first, 1.8, 0.04), trial(second, 1.4, 0.005)) is None, "that is in hand"
    assert proposed(whole, trial(first, 0.9, 0.0)) is None, "fewer operators would not be faster either"


def test_nothing_is_typed_where_it_cannot_help() -> None:
    assert proposed() is None, "bf16 was not tried"
    assert proposed(trial(BF16, 2.0, 0.005)) is None, "bf16 is within the tolerance"
    assert proposed(trial(BF16, 1.04, 0.05)) is None, "too slow to be worth it"
    failed = replace(trial(BF16, 2.0, 0.0), state="failed", measurement=None)
    assert proposed(failed) is None
