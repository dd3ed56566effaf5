"""Metrics of many yes-or-no answers per sample: which notes sound in which frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autotune.errors import UserError
from autotune.tasks.outputs import Array, Scores, pick

THRESHOLD = 0.5


@dataclass(frozen=True)
class MarkF1:
    """Harmonic mean of precision and recall over all answers of all samples; an output above 0.5 is a yes."""

    output: str | None = None
    name = "mark-f1"
    higher_is_better = True
    needs_labels = True
    needs_reference = False
    is_mean = False

    def check(self, labels: Array) -> None:
        """Labels are 0 and 1."""
        if labels.dtype.kind not in "iub" or not bool(np.isin(labels, (0, 1)).all()):
            raise UserError("metric: mark-f1 needs labels of 0 and 1, one for each value of the output.")

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return how many are right, wrongly given and missed, shape (n, 3)."""
        assert labels is not None
        given = pick(outputs, self.output, self.name)
        if given.shape != labels.shape:
            raise UserError(
                f"metric: mark-f1 needs an output of the labels' shape {list(labels.shape)}, not {list(given.shape)}."
            )
        yes, right = (given > THRESHOLD).reshape(len(labels), -1), labels.astype(bool).reshape(len(labels), -1)
        counts = [(yes & right).sum(axis=1), (yes & ~right).sum(axis=1), (~yes & right).sum(axis=1)]
        return np.stack(counts, axis=1).astype(np.float64)

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return F1; NaN where nothing is marked or to be marked."""
        right, given, missed = per_sample.sum(axis=0)
        all_of = 2 * right + given + missed
        return float(2 * right / all_of) if all_of else float("nan")
