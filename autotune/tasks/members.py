"""Metrics of samples that the model runs twice for: what is scored is how similar the two outputs are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autotune.tasks.fidelity import cosine
from autotune.tasks.outputs import Array, Scores, pick

if TYPE_CHECKING:
    from autotune.tasks.metrics import Metric


@dataclass(frozen=True)
class OfSimilarity:
    """A metric of one value per sample (rank correlation, area under the curve), which is the cosine of two vectors."""

    inner: Metric
    needs_reference = False

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def higher_is_better(self) -> bool:
        return self.inner.higher_is_better

    @property
    def needs_labels(self) -> bool:
        return self.inner.needs_labels

    @property
    def is_mean(self) -> bool:
        return self.inner.is_mean

    def check(self, labels: Array) -> None:
        """What the inner metric checks."""
        self.inner.check(labels)

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return the inner metric's, of the cosines; outputs have shape (n, 2, ...)."""
        pair = pick(outputs, None, self.name)
        similarity = cosine(pair[:, 0], pair[:, 1]).reshape(-1, 1)
        return self.inner.per_sample({"similarity": similarity}, labels, None)

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the inner metric's."""
        return self.inner.value(per_sample, labels)


def of_members(metric: Metric, members: int) -> Metric:
    """Return the metric for samples of so many members; what compares outputs with float's needs no similarity."""
    return metric if members == 1 or metric.needs_reference else OfSimilarity(metric)
