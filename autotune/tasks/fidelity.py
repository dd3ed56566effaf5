"""How close outputs stay to the float model's; needs no labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autotune.tasks.outputs import Array, Scores, pick


@dataclass(frozen=True)
class CosineToFloat:
    """Mean cosine between a sample's output and the float model's; with several outputs, the mean over them."""

    output: str | None = None
    name = "cosine-to-float"
    higher_is_better = True
    needs_labels = False
    needs_reference = True
    is_mean = True

    def check(self, labels: Array) -> None:
        """Labels are not looked at."""

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return shape (n,); two zero vectors agree (1), a zero and another do not (0)."""
        assert reference is not None
        names = list(outputs) if self.output is None else [self.output]
        cosines = [cosine(pick(outputs, name, self.name), pick(reference, name, self.name)) for name in names]
        mean: Scores = np.mean(cosines, axis=0, dtype=np.float64)
        return mean

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the mean."""
        return float(per_sample.mean())


def cosine(left: Array, right: Array) -> Scores:
    """Return the cosine of each row of two arrays of equal shape, all but the first axis flattened; shape (n,)."""
    a = left.reshape(len(left), -1).astype(np.float64)
    b = right.reshape(len(right), -1).astype(np.float64)
    # Divided by the largest element first: squares of tiny or huge values would under- or overflow.
    a, b = (v / np.where(m > 0, m, 1) for v in (a, b) for m in (np.abs(v).max(axis=1, keepdims=True, initial=0),))
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    both_zero = ~a.any(axis=1) & ~b.any(axis=1)
    cosines: Scores = np.where(both_zero, 1.0, (a * b).sum(axis=1) / np.where(norms > 0, norms, 1))
    return cosines
