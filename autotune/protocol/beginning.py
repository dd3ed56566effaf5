"""The first request to every child: what it is made from; and what is known once it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autotune.configuration import WeightForm
from autotune.recipe import CandidateWay, MetricSpec, Reading, Recipe
from autotune.record import Measurement, ModelInfo


@dataclass(frozen=True)
class Companions:
    """What travels with a model that came from a transformers folder.

    Attributes:
        folder: whose tokenizer and config are copied.
        auto: the class of transformers that loads the model, such as ``AutoModelForMaskedLM``.
    """

    folder: Path
    auto: str


@dataclass(frozen=True)
class Setup:
    """First request to every child: load, check, normalise, measure the baseline. Answered by :class:`Prepared`.

    Attributes:
        model: the source model's file.
        inputs: shapes that the recipe fixes.
        splits: file written by ``data.save``.
        base: folder that a metric's FILE.py is relative to.
        cache: folder for recorded statistics.
        threads: None for all usable cores.
        candidates: how int8 models are made, see ``recipe.Strategy``.
        trained: folder of models that training made, ``<digest>.xml``.
        reading: how a detector's boxes are read; None for other tasks.
        weight_forms: of linear layers, that the recipe asks for.
    """

    name: str
    model: Path
    inputs: dict[str, tuple[int, ...]]
    splits: Path
    metric: MetricSpec
    base: Path
    trust_code: bool
    cache: Path
    threads: int | None
    seed: int
    confidence: float
    candidates: CandidateWay
    companions: Companions | None = None
    trained: Path | None = None
    reading: Reading | None = None
    weight_forms: tuple[WeightForm, ...] = ()

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        *,
        model: Path,
        splits: Path,
        trust_code: bool,
        cache: Path,
        companions: Companions | None = None,
        trained: Path | None = None,
        reading: Reading | None = None,
    ) -> Setup:
        """Return the set-up that a recipe asks for."""
        return cls(
            name=recipe.name,
            model=model,
            inputs={name: tuple(shape) for name, shape in recipe.inputs.items()},
            splits=splits.absolute(),
            metric=recipe.metric,
            base=recipe.base,
            trust_code=trust_code,
            cache=cache.absolute(),
            threads=recipe.threads,
            seed=recipe.seed,
            confidence=recipe.tolerance.confidence,
            candidates=recipe.strategy.candidates,
            companions=companions,
            trained=None if trained is None else trained.absolute(),
            reading=reading,
            weight_forms=recipe.space.compression.forms,
        )


@dataclass(frozen=True)
class Prepared:
    """The source model as it will be tuned, and float f32 measured.

    Attributes:
        baseline: score on the search split, latency against itself (how noisy the machine is), operators with times.
        scores: the baseline's per sample of the search split, shape (n, ...).
        metric_seconds: for one value of the metric on the search split; 0 for a mean of scores.
        members: how many times the model runs for a sample.
        candidate: digest of float f32 as :class:`Built` gives it of others.
    """

    model: ModelInfo
    baseline: Measurement
    scores: NDArray[np.float64]
    metric_seconds: float
    higher_is_better: bool
    members: int = 1
    candidate: str = ""
