"""Command line options that replace what a recipe says, and where in it they stand."""

from __future__ import annotations

from typing import TypedDict


class Limits(TypedDict, total=False):
    """Command line options for any run; None is as good as left out."""

    name: str | None
    max_drop: str | float | None
    max_latency: str | float | None
    min_speedup: str | float | None
    max_size: str | int | None
    max_memory: str | int | None
    confidence: float | None
    assurance: str | None
    trials: int | None
    timeout: str | float | None
    threads: int | None
    seed: int | None
    onnx: bool | None


class Overrides(Limits, total=False):
    """Command line options that replace what a recipe says."""

    model: str | None
    data: str | None
    metric: str | None
    task: str | None


# Option -> where its value stands in a recipe.
KEYS: dict[str, tuple[str, ...]] = {
    "name": ("name",),
    "model": ("model",),
    "data": ("data",),
    "metric": ("metric",),
    "task": ("task",),
    "max_drop": ("tolerance", "max_drop"),
    "max_latency": ("tolerance", "max_latency"),
    "min_speedup": ("tolerance", "min_speedup"),
    "max_size": ("tolerance", "max_size"),
    "max_memory": ("tolerance", "max_memory"),
    "confidence": ("tolerance", "confidence"),
    "assurance": ("tolerance", "assurance"),
    "trials": ("budget", "trials"),
    "timeout": ("budget", "timeout"),
    "threads": ("threads",),
    "seed": ("seed",),
    "onnx": ("export", "onnx"),
}
