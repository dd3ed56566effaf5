"""Importances of choices whose effect is known, because the trials are made so."""

from __future__ import annotations

import random

import pytest

from autotune.configuration import ActivationChoice, Configuration, Estimator, Quantization
from autotune.record import Interval, Latency, Measurement, Trial
from autotune.search.importance import FEWEST_TRIALS, importances

TOLERANCE = 0.01


def made(count: int, seed: int = 0, *, effect: bool = True) -> list[Trial]:
    """Placement decides the drop and the precision of the rest the speed; the others have no effect."""
    draw = random.Random(seed)
    trials = []
    for number in range(count):
        quantization = Quantization(
            placement=draw.choice(("plain", "transformer")),
            preset=draw.choice(("performance", "mixed")),
            activation=ActivationChoice(Estimator(draw.choice(("min-max", "mse", "entropy")))),
            weights=draw.choice(("per-channel", "per-tensor")),
        )
        configuration = Configuration(draw.choice(("f32", "bf16")), quantization)
        drop = 0.03 if quantization.placement == "plain" else 0.002
        speed = 3.0 if configuration.precision == "bf16" else 2.0
        drop, speed = (drop, speed) if effect else (draw.random() / 50, 2 + draw.random())
        latency = Latency((1.0,), (1 / speed,), Interval(speed, speed, speed))
        measured = Measurement(latency, 0.9, drop + draw.gauss(0, 1e-3), 100, 1, 1)
        trials.append(Trial(number, configuration, "complete", "sampler", measured))
    return trials


def test_choices_that_decide_are_found() -> None:
    found = importances(made(60), TOLERANCE)
    assert found is not None
    assert found.trials == 60
    by_name = {choice.choice: choice for choice in found.choices}
    assert by_name["placement"].drop > 0.8
    assert by_name["precision of the rest"].speed > 0.8
    assert by_name["preset"].drop < 0.1
    assert "overflow fix" not in by_name  # it never varied
    assert found.noise_speed < 0.1 and found.noise_drop < 0.1


def test_random_numbers_explain_as_much_where_nothing_decides() -> None:
    found = importances(made(20, effect=False), TOLERANCE)
    assert found is not None
    assert max(found.noise_speed, found.noise_drop) > 0.1


def test_equal_trials_give_equal_importances() -> None:
    assert importances(made(20), TOLERANCE) == importances(made(20), TOLERANCE)


def test_too_few_trials_and_equal_values() -> None:
    assert importances(made(FEWEST_TRIALS - 1), TOLERANCE) is None
    same = importances(made(20)[:1] * 20, TOLERANCE)
    assert same is not None
    assert [c.speed for c in same.choices] == pytest.approx([0.0] * len(same.choices))
