"""When rounds of training bring nothing more, and what training does not take over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autotune.configuration import Configuration, FormChoice, Quantization
from autotune.decide import trainable
from autotune.record import Interval, Latency, Measurement, Trial
from autotune.retraining import left_out, no_better


def rounds(*drops: float | None) -> list[Trial]:
    latency = Latency((1.0,), (1.0,), Interval(1.0, 1.0, 1.0))
    measured = Measurement(latency, 0.9, 0.0, 400, 1000, 2, ())
    return [
        Trial(i, Configuration(), "complete", "training", replace(measured, drop=drop)) for i, drop in enumerate(drops)
    ]


@pytest.mark.parametrize(
    ("drops", "ended"),
    [
        ((0.3, 0.3), False),
        ((0.3, 0.3, 0.3), True),
        ((0.3, 0.4, 0.2), False),
        ((0.3, 0.2, 0.25, 0.2), True),
        ((0.3, None, 0.3, 0.31), True),
    ],
)
def test_two_rounds_that_gain_nothing_are_enough(drops: tuple[float | None, ...], ended: bool) -> None:
    assert no_better(rounds(*drops)) is ended


def test_what_training_does_not_take_over_is_said() -> None:
    late = FormChoice("late-quantizers", ("a",))
    corrected = Configuration(quantization=Quantization(), bf16_operators=("b",), forms=(late,))
    forms, biases = left_out(corrected, trainable(corrected))
    assert (
        forms
        == "Training leaves out what a PyTorch module cannot be given: graph forms other than smoothing and kernels."
    )
    assert biases.startswith("Training starts from the module's own biases")
    plain = Configuration(quantization=Quantization(bias_correction=False))
    assert left_out(plain, trainable(plain)) == []
