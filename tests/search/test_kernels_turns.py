"""Which candidates are looked at for faster kernels, and what is proposed then."""

from __future__ import annotations

from autotune.configuration import Configuration, FormChoice, Quantization
from autotune.record import Interval, Latency, Measurement, Trial
from autotune.search.kernels import MOST, TRIALS_PER_LOOK, KernelTurns

FLOAT = Configuration()
INT8 = Configuration(quantization=Quantization())


def trial(configuration: Configuration) -> Trial:
    latency = Latency((1.0,), (0.5,), Interval(2.0, 1.9, 2.1))
    return Trial(0, configuration, "complete", "plain", Measurement(latency, 0.9, 0.0, 10, 1, 1, ()))


def in_kernels(configuration: Configuration, *names: str) -> Configuration:
    return Configuration(quantization=configuration.quantization, forms=(FormChoice("direct-convolution", names),))


def test_nothing_to_do_without_convolutions_or_a_candidate() -> None:
    assert KernelTurns(()).due(trial(FLOAT), 10, last=True) is None
    assert KernelTurns(("a",)).due(None, 10, last=True) is None


def test_each_candidate_is_looked_at_once_and_not_more_often_than_trials_allow() -> None:
    turns = KernelTurns(("a", "b"))
    assert turns.due(trial(FLOAT), 3, last=False) is None, "too soon"
    assert turns.due(trial(FLOAT), TRIALS_PER_LOOK, last=False) == FLOAT
    turns.learn(FLOAT, [])
    assert turns.due(trial(FLOAT), 99, last=True) is None
    assert turns.due(trial(INT8), TRIALS_PER_LOOK, last=False) is None, "too soon after the last"
    assert turns.due(trial(INT8), TRIALS_PER_LOOK, last=True) == INT8
    assert turns.due(trial(INT8), 2 * TRIALS_PER_LOOK, last=False) == INT8


def test_of_a_candidate_in_direct_kernels_it_is_the_one_without() -> None:
    turns = KernelTurns(("a", "b"))
    turns.learn(INT8, [("a",)])
    assert turns.due(trial(in_kernels(INT8, "a")), 99, last=True) is None


def test_the_most_promising_sets_are_proposed_once() -> None:
    turns = KernelTurns(("a", "b", "c"))
    turns.learn(INT8, [("a",), ("a", "b"), ("a", "b", "c")])
    first, second = in_kernels(INT8, "a"), in_kernels(INT8, "a", "b")
    assert list(turns.propose(())) == [first, second]
    assert list(turns.propose({first})) == [second]


def test_a_few_candidates_are_enough() -> None:
    turns = KernelTurns(("a",))
    for threads in range(1, MOST + 1):
        turns.learn(Configuration(threads=threads), [])
    assert turns.due(trial(INT8), 999, last=True) is None
