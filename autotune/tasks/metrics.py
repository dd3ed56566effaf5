"""What a model is judged by. A metric is an object here and one line in the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from autotune.errors import UserError, suggest
from autotune.tasks.answers import Answer
from autotune.tasks.characters import CharacterAccuracy
from autotune.tasks.classification import Accuracy, Auc, MacroF1
from autotune.tasks.detection import MeanAveragePrecision
from autotune.tasks.fidelity import CosineToFloat
from autotune.tasks.function import FunctionMetric
from autotune.tasks.marks import MarkF1
from autotune.tasks.outputs import Array, Scores
from autotune.tasks.regression import Correlation, MeanAbsoluteError, RootMeanSquaredError
from autotune.tasks.segmentation import MeanIou
from autotune.tasks.tokens import Perplexity, TokenAccuracy
from autotune.usercode import load_function

if TYPE_CHECKING:
    from autotune.data import Splits
    from autotune.recipe import MetricSpec, Reading


class Metric(Protocol):
    """A score in two steps, so that any subset of the samples can be scored again without the model.

    Attributes:
        needs_labels: the labels may not be None.
        needs_reference: the float model's outputs on the same samples are needed.
        is_mean: ``per_sample`` has shape (n,) and ``value`` is its mean.
    """

    @property
    def name(self) -> str: ...
    @property
    def higher_is_better(self) -> bool: ...
    @property
    def needs_labels(self) -> bool: ...
    @property
    def needs_reference(self) -> bool: ...
    @property
    def is_mean(self) -> bool: ...

    def check(self, labels: Array) -> None:
        """Raise UserError if these labels cannot be scored against."""

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return what of each sample the value depends on, float64, shape (n, ...)."""

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the metric of these samples; NaN where it is undefined for them."""


METRICS: dict[str, Callable[[str | None], Metric]] = {
    "accuracy": Accuracy,
    "answer-exact": lambda output: Answer("answer-exact", output),
    "answer-f1": lambda output: Answer("answer-f1", output),
    "auc": Auc,
    "character-accuracy": CharacterAccuracy,
    "cosine-to-float": CosineToFloat,
    "f1": MacroF1,
    "mae": MeanAbsoluteError,
    "map": lambda output: MeanAveragePrecision.of("map", output),
    "map-50": lambda output: MeanAveragePrecision.of("map-50", output),
    "mark-f1": MarkF1,
    "mean-iou": MeanIou,
    "pearson": lambda output: Correlation("pearson", output),
    "perplexity": Perplexity,
    "rmse": RootMeanSquaredError,
    "spearman": lambda output: Correlation("spearman", output),
    "token-accuracy": TokenAccuracy,
}


def get(spec: MetricSpec, base: Path, trust_code: bool) -> Metric:
    """Return the metric that a recipe names.

    Args:
        base: folder that a FILE.py is relative to.

    Raises:
        UserError: an unknown name, a function that is not trusted, missing or cannot be imported, or a library that
            is not installed.
    """
    if spec.function is not None:
        function = load_function(spec.function, base, trust_code, "metric")
        return FunctionMetric(spec.function, function, spec.output, spec.direction == "higher")
    assert spec.name is not None
    if spec.name not in METRICS:
        raise UserError(f"metric: there is no '{spec.name}'. {suggest(spec.name, METRICS)}")
    return METRICS[spec.name](spec.output)


def of_boxes(metric: Metric, reading: Reading | None) -> Metric:
    """Return the metric; one of boxes with what it needs to read them.

    Raises:
        UserError: that is not known, for the recipe has no such task.
    """
    return metric.with_reading(reading) if isinstance(metric, MeanAveragePrecision) else metric


def check_labels(metric: Metric, labels: Array | None, where: str = "data") -> None:
    """Check that the labels are there and of the kind that the metric needs.

    Raises:
        UserError: they are not.
    """
    if labels is None:
        if metric.needs_labels:
            raise UserError(f"{where}: has no 'labels'; {metric.name} needs one per sample.")
        return
    metric.check(labels)
    if metric.needs_labels and len(labels) > 1 and bool(np.all(labels == labels[:1])):
        raise UserError(f"{where}: all {len(labels)} labels are the same; there is nothing to tell apart.")


def check_splits(metric: Metric, splits: Splits) -> None:
    """Check the labels of the splits that are scored, as :func:`check_labels` does."""
    for name, part in splits.items():
        if name != "calibration":
            check_labels(metric, part.labels, f"data ({name} split)")
