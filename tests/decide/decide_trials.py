"""Trials and finalists with given speeds and drops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autotune.configuration import ActivationChoice as Activation
from autotune.configuration import Compression, Configuration, Estimator, Precision, Quantization
from autotune.outcome import Goal, Status, Verdict
from autotune.record import Interval, Latency, Measurement, Trial

FLOAT = Configuration()


def floating(precision: Precision) -> Configuration:
    return Configuration(precision)


def int8(name: str = "a") -> Configuration:
    """An int8 configuration; different for different names."""
    estimator = Estimator("percentile", 0.9 + len(name) / 1000 + ord(name[0]) / 10000)
    return Configuration("f32", Quantization(activation=Activation(estimator)))


def trial(
    number: int,
    configuration: Configuration,
    speedup: float,
    drop: float,
    *,
    noise: float = 0.01,
    error: float = 0.006,
    groups: int | None = None,
    state: str = "complete",
    size: int = 1000,
) -> Trial:
    interval = Interval(speedup, speedup * (1 - noise), speedup * (1 + noise))
    latency = Latency((speedup,) * 8, (1.0,) * 8, interval)
    measured = Measurement(latency, 0.9 - drop, drop, 400, size, 2, (), error, groups)
    return Trial(number, configuration, state, "sampler", measured)  # type: ignore[arg-type]


def compressed(group: int = 128) -> Configuration:
    return Configuration(compression=Compression(("layer",), "symmetric", group))


def goal(**changes) -> Goal:
    asked = {
        "metric": "accuracy", "higher_is_better": True, "max_drop": "1%", "tolerance": 0.009, "max_latency_ms": None,
        "confidence": 0.95, "assurance": "expected", **changes,
    }  # fmt: skip
    return Goal(**asked)


def judged(status: Status, drop: float = 0.004) -> Verdict:
    upper = {"proven": 0.008, "expected": 0.012, "beyond": drop + 0.01}[status]
    more = 420 if status == "expected" else None
    return Verdict(status, drop, upper, 0.009, 0.95, 900, "exact paired bound", 0.9 - drop, 0.9, more)


REFERENCE = Verdict("proven", 0.0, 0.0, 0.009, 0.95, 900, "the reference itself", 0.9, 0.9)


def column(milliseconds: float, seed: int = 0, noise: float = 0.01, rounds: int = 40) -> Sequence[float]:
    return list(milliseconds * np.random.default_rng(seed).normal(1, noise, rounds))
