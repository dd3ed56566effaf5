"""When the fastest int8 model is tried with late quantisers."""

from __future__ import annotations

from dataclasses import replace

from autotune.configuration import Configuration, FormChoice, Quantization
from autotune.record import Interval, Latency, Measurement, Trial
from autotune.search.late import with_late_quantizers

STATIC = Configuration(quantization=Quantization("transformer", "mixed"))
BF16 = replace(STATIC, precision="bf16")
ATTENTIONS = ("first", "second")


def late(configuration: Configuration) -> Configuration:
    return replace(configuration, forms=(FormChoice("late-quantizers", ATTENTIONS),))


def trial(configuration: Configuration, speed: float, drop: float = 0.0) -> Trial:
    latency = Latency((1.0,), (1 / speed,), Interval(speed, speed, speed))
    return Trial(0, configuration, "complete", "plain", Measurement(latency, 0.9, drop, 10, 1, 1, ()))


def test_the_fastest_static_one_within_the_tolerance_is_tried_so_once() -> None:
    trials = [trial(Configuration(), 1), trial(BF16, 3, drop=0.5), trial(STATIC, 2)]
    assert with_late_quantizers(trials, 0.1, ATTENTIONS) == late(STATIC)
    assert with_late_quantizers(trials, 0.1, ()) is None, "no attention"
    assert with_late_quantizers([*trials, trial(late(STATIC), 1.9)], 0.1, ATTENTIONS) is None
    assert with_late_quantizers([*trials, trial(late(STATIC), 2.1)], 0.1, ATTENTIONS) is None, "it is the fastest now"
    assert with_late_quantizers(trials[:1], 0.1, ATTENTIONS) is None, "float has no quantisers"


def test_after_two_in_vain_no_other_is_tried() -> None:
    floats = [trial(Configuration(), 1)]
    once = [*floats, trial(STATIC, 2), trial(late(STATIC), 1.9)]
    assert with_late_quantizers([*once, trial(BF16, 2.2)], 0.1, ATTENTIONS) == late(BF16)
    twice = [*once, trial(BF16, 2.2), trial(late(BF16), 2.1)]
    third = replace(STATIC, threads=1)
    assert with_late_quantizers([*twice, trial(third, 3)], 0.1, ATTENTIONS) is None
    same = [*once, trial(BF16, 2.2), replace(trial(late(BF16), 2.2), state="duplicate")]
    assert with_late_quantizers([*same, trial(third, 3)], 0.1, ATTENTIONS) == late(third)
    paid = [*floats, trial(STATIC, 2), trial(late(STATIC), 2.1), trial(third, 3)]
    assert with_late_quantizers(paid, 0.1, ATTENTIONS) == late(third)
