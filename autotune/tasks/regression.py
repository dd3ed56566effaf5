"""Metrics of numbers: mean absolute and root mean squared error, rank and linear correlation."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autotune.errors import UserError
from autotune.tasks.outputs import Array, Scores, one_value, pick


@dataclass(frozen=True)
class MeanAbsoluteError:
    """Mean of |output - label|; per sample the mean over its elements."""

    output: str | None = None
    name = "mae"
    higher_is_better = False
    needs_labels = True
    needs_reference = False
    is_mean = True

    def check(self, labels: Array) -> None:
        """Labels are numbers."""
        check_numbers(self.name, labels)

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return shape (n,)."""
        errors: Scores = np.abs(_errors(outputs, labels, self.output, self.name)).mean(axis=1)
        return errors

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the mean."""
        return float(per_sample.mean())


@dataclass(frozen=True)
class RootMeanSquaredError:
    """Square root of the mean squared error."""

    output: str | None = None
    name = "rmse"
    higher_is_better = False
    needs_labels = True
    needs_reference = False
    is_mean = False

    def check(self, labels: Array) -> None:
        """Labels are numbers."""
        check_numbers(self.name, labels)

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return the mean squared error of each sample, shape (n,)."""
        squares: Scores = (_errors(outputs, labels, self.output, self.name) ** 2).mean(axis=1)
        return squares

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the root of the mean."""
        return float(np.sqrt(per_sample.mean()))


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank or Pearson's linear correlation of one output value per sample with the labels (scipy)."""

    name: str
    output: str | None = None
    higher_is_better = True
    needs_labels = True
    needs_reference = False
    is_mean = False

    def check(self, labels: Array) -> None:
        """Labels are numbers, one per sample."""
        check_numbers(self.name, labels)
        one_value(labels, self.name)

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return the outputs, shape (n,)."""
        return one_value(pick(outputs, self.output, self.name), self.name)

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the correlation; NaN with fewer than two samples or where one side is constant."""
        from scipy import stats

        assert labels is not None
        if len(per_sample) < 2:
            return float("nan")
        truth = labels.reshape(-1).astype(np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of constant input: the NaN says it
            if self.name == "spearman":
                return float(stats.spearmanr(per_sample, truth).statistic)
            return float(stats.pearsonr(per_sample, truth).statistic)


def check_numbers(metric: str, labels: Array) -> None:
    """Raise UserError unless labels are real numbers."""
    if labels.dtype.kind not in "iubf":
        raise UserError(f"metric: {metric} needs numbers as labels, these are {labels.dtype}; convert them.")


def _errors(outputs: Mapping[str, Array], labels: Array | None, name: str | None, metric: str) -> Scores:
    """Output minus label, shape (n, elements)."""
    assert labels is not None
    output = pick(outputs, name, metric)
    if output.size != labels.size:
        raise UserError(
            f"metric: {metric} needs labels in the output's shape; the output's is {list(output.shape)}, the labels' "
            f"{list(labels.shape)}."
        )
    n = len(labels)
    return output.reshape(n, -1).astype(np.float64) - labels.reshape(n, -1).astype(np.float64)
