"""When a rung is high enough, and what each gave."""

from dataclasses import replace

import pytest
from decide_trials import compressed, goal, int8, trial

from autotune.configuration import Configuration, FormChoice
from autotune.decide import dominant, fast_enough, is_served, ladder, rung_of, taught, to_train, trainable
from autotune.record import OperatorRun

F32 = trial(0, Configuration(), 1.0, 0.0)


def test_rungs() -> None:
    assert [rung_of(c) for c in (Configuration(), compressed(), int8("a"))] == ["float", "int8 weights", "static int8"]


@pytest.mark.parametrize(
    ("speed", "drop", "error", "asked", "enough"),
    [
        (1.8, 0.001, 0.001, {"min_speedup": 1.5}, True),
        (1.8, 0.001, 0.001, {"min_speedup": 1.8}, False),  # the interval reaches below
        (1.8, 0.0085, 0.001, {"min_speedup": 1.5}, False),  # within the tolerance, but not clearly
        (1.8, 0.0075, 0.001, {"min_speedup": 1.5}, True),
        (1.8, 0.0075, 0.001, {"min_speedup": 1.5, "assurance": "proven"}, False),
        (1.8, 0.001, 0.001, {"max_latency_ms": 1.0}, True),  # trials take 1 ms
        (1.8, 0.001, 0.001, {"max_latency_ms": 0.9}, False),
        (1.8, 0.001, 0.001, {"min_speedup": 1.5, "max_size_bytes": 1}, False),
    ],
)
def test_what_is_fast_enough(speed: float, drop: float, error: float, asked: dict[str, float], enough: bool) -> None:
    found = fast_enough([F32, trial(1, compressed(), speed, drop, error=error)], goal(**asked))
    assert (found is not None) == enough


def test_float_f32_is_as_fast_as_itself_whatever_its_pairs_say() -> None:
    noisy = trial(0, Configuration(), 1.8, 0.0)
    assert fast_enough([noisy], goal(min_speedup=1.2)) is None
    assert ladder([noisy], goal(), "", {}, "").rungs[1].found.startswith("trial 0 (float f32) is 1.00x")


def test_what_is_trained_is_fast_and_loses_least() -> None:
    lost, less, slow = (
        trial(i, int8(n), s, d) for i, n, s, d in ((1, "a", 2.0, 0.08), (2, "b", 1.9, 0.05), (3, "c", 1.3, 0.04))
    )
    assert to_train([F32, lost, less, slow], goal()) is less, "the third is much slower"
    near = trial(5, int8("e"), 1.2, 0.02)
    assert to_train([F32, lost, less, slow, near], goal()) is near, "the others lose more than training can mend"
    given_up = trial(6, int8("f"), 1.5, 0.025, state="stopped")
    assert to_train([F32, lost, less, slow, given_up], goal()) is given_up, "its drop was beyond the tolerance"
    assert to_train([F32, lost, near, given_up], goal()) is near, "the drop on a part of the samples says less"
    formed = replace(int8("g"), forms=(FormChoice("linear-as-convolution", ("fc",)),))
    assert to_train([F32, trial(7, formed, 2.5, 0.02), near], goal()) is near, "its speed without the form is not known"
    assert trainable(formed) == int8("g")
    typed = replace(formed, forms=(FormChoice("direct-convolution", ("fc",)),), bf16_operators=("fc",))
    assert trainable(typed) == typed
    assert taught(typed) == int8("g")
    smooth = replace(int8("g"), forms=(FormChoice("smoothing", ("fc",), 0.9),))
    assert trainable(smooth) == smooth
    assert not is_served([F32, trial(6, int8("f"), 1.5, 0.002, state="stopped")], goal()), "on a part of the samples"
    lucky = trial(4, int8("d"), 3.0, 0.3, noise=0.4)
    assert to_train([F32, lost, less, slow, lucky], goal()) is less, "the fourth may be as slow as 1.8x"
    assert not is_served([F32, lost, less, slow], goal())
    assert is_served([F32, trial(4, int8("d"), 1.1, 0.002)], goal())
    assert not is_served([F32, trial(4, int8("d"), 1.1, 0.008)], goal()), "the holdout may refuse it"
    assert not is_served([F32, trial(4, int8("d"), 0.9, 0.0)], goal()), "slower than float"
    assert not is_served([F32, trial(4, int8("d"), 1.1, 0.002)], goal(), surely=True), "two errors are 0.012"
    quick = trial(4, int8("d"), 2.0, -0.005, noise=0.1)
    assert is_served([F32, quick], goal(min_speedup=1.7), surely=True)
    assert is_served([F32, quick], goal(min_speedup=1.9)), "by the estimate of its speed"
    assert not is_served([F32, quick], goal(min_speedup=1.9), surely=True)
    assert to_train([F32, trial(1, int8("a"), 2.0, 0.08)], goal(min_speedup=2.5)) is None, "training makes none faster"
    assert to_train([F32, trial(1, int8("a"), 0.9, 0.08)], goal(max_size_bytes=2000)) is None, "float is small enough"
    large = trial(0, Configuration(), 1.0, 0.0, size=4000)
    slower = trial(1, int8("a"), 0.9, 0.08)
    assert to_train([large, slower], goal(max_size_bytes=2000)) is slower
    mixed = trial(2, replace(int8("b"), compression=compressed().compression), 0.9, 0.02)
    assert to_train([large, slower, mixed], goal(max_size_bytes=2000)) is slower, "without int8 weights it is larger"


def test_the_operators_that_dominate_are_counted() -> None:
    times = {"fc": 60.0, "conv": 30.0, "add": 6.0, "pool": 4.0}
    runs = [OperatorRun(n, "", "float", "", "f32", t) for n, t in times.items()]
    assert dominant(runs, {"fc"}) == (
        "2 of 4 operators take 90% of the time of float f32; linear layers that can have int8 weights take 60%."
    )
    assert "no times" in dominant([replace(r, microseconds=0.0) for r in runs], {"fc"})


def test_each_rung_says_what_it_gave() -> None:
    trials = [F32, trial(1, compressed(), 1.4, 0.03), trial(2, int8("a"), 2.0, 0.004), trial(3, int8("b"), 2.5, 0.02)]
    found = ladder(trials, goal(), "2 of 4.", {}, "It came to its end.")
    assert [(r.name, r.trials, r.best) for r in found.rungs[:4]] == [
        ("profile", 0, None), ("float", 1, 0), ("int8 weights", 1, None), ("static int8", 2, 2),
    ]  # fmt: skip
    assert found.rungs[2].found.startswith("Nothing within the tolerance; trial 1 (int8-dynamic")
    assert found.rungs[3].found == f"trial 2 ({int8('a').label}) is 2.00x as fast as float f32, drop +0.004."
    assert found.stopped == "It came to its end."


def test_a_rung_without_trials_says_why() -> None:
    found = ladder([F32], goal(), "", {"static int8": "Not climbed: why."}, "")
    assert [r.found for r in found.rungs[2:4]] == ["Nothing was tried.", "Not climbed: why."]
