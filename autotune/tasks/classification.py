"""Metrics of classes: accuracy, macro F1, area under the ROC curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autotune.errors import UserError
from autotune.tasks.outputs import Array, Scores, one_value, pick, predicted


@dataclass(frozen=True)
class Accuracy:
    """Share of right classes; per sample 0 or 1 (for a label per pixel or token: the share of right ones)."""

    output: str | None = None
    name = "accuracy"
    higher_is_better = True
    needs_labels = True
    needs_reference = False
    is_mean = True

    def check(self, labels: Array) -> None:
        """Labels are class numbers."""
        check_classes(self.name, labels)

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return shape (n,)."""
        assert labels is not None
        right = predicted(pick(outputs, self.output, self.name), labels, self.name) == labels
        share: Scores = right.reshape(len(labels), -1).mean(axis=1, dtype=np.float64)
        return share

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the mean."""
        return float(per_sample.mean())


@dataclass(frozen=True)
class MacroF1:
    """Mean over the classes of the harmonic mean of precision and recall (scikit-learn's ``f1_score``, macro)."""

    output: str | None = None
    name = "f1"
    higher_is_better = True
    needs_labels = True
    needs_reference = False
    is_mean = False

    def check(self, labels: Array) -> None:
        """Labels are class numbers, one per sample."""
        check_classes(self.name, labels)
        _check_one_each(self.name, labels)

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return the predicted classes, shape (n,)."""
        assert labels is not None
        return predicted(pick(outputs, self.output, self.name), labels, self.name).astype(np.float64)

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return F1 over the classes that occur among ``labels``."""
        from sklearn.metrics import f1_score

        assert labels is not None
        present = np.unique(labels)
        return float(f1_score(labels, per_sample, labels=present, average="macro", zero_division=0))


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve; for more than two classes the mean of each class against the rest."""

    output: str | None = None
    name = "auc"
    higher_is_better = True
    needs_labels = True
    needs_reference = False
    is_mean = False

    def check(self, labels: Array) -> None:
        """Labels are class numbers, one per sample."""
        check_classes(self.name, labels)
        _check_one_each(self.name, labels)

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return the scores: shape (n, 1) of class 1 for two classes (or one output), else (n, classes)."""
        scores = pick(outputs, self.output, self.name)
        assert labels is not None
        classes = scores.shape[1] if scores.ndim == 2 and scores.shape[1] > 2 else 2
        highest = int(labels.max(initial=0))
        if highest >= classes:
            raise UserError(f"metric: a label is {highest}, but auc sees {classes} classes in the output (0 first).")
        if scores.ndim == 2 and scores.shape[1] > 2:
            return scores.astype(np.float64)
        if scores.ndim == 2 and scores.shape[1] == 2:
            # The difference orders samples as the softmax of two logits does, and as two probabilities do.
            return (scores[:, 1:].astype(np.float64)) - scores[:, :1]
        return one_value(scores, self.name).reshape(-1, 1)

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the area; NaN where the labels are all of one class.

        The area is the share of pairs (one of the class, one of the rest) that are in the right order, by rank sums: as
        scikit-learn's ``roc_auc_score``, but for all classes at once (Mann and Whitney, 1947; ties count half).
        """
        from scipy.stats import rankdata

        assert labels is not None
        classes = np.array([1]) if per_sample.shape[1] == 1 else np.arange(per_sample.shape[1])
        truth = np.asarray(labels)[:, None] == classes
        positive = truth.sum(axis=0)
        negative = len(labels) - positive
        defined = (positive > 0) & (negative > 0)
        if not defined.any():
            return float("nan")
        ranks = rankdata(per_sample[:, defined], axis=0)
        positive, negative = positive[defined], negative[defined]
        sums = np.where(truth[:, defined], ranks, 0.0).sum(axis=0)
        return float(np.mean((sums - positive * (positive + 1) / 2) / (positive * negative)))


def check_classes(metric: str, labels: Array) -> None:
    """Raise UserError unless labels are class numbers from 0."""
    if labels.dtype.kind not in "iub":
        numbers = ", or choose rmse, mae, spearman or pearson if the model gives a number"
        raise UserError(
            f"metric: {metric} needs class numbers as labels (integers from 0), these are {labels.dtype}; convert them"
            f"{numbers if labels.dtype.kind == 'f' else ''}."
        )
    if labels.dtype.kind == "i" and int(labels.min(initial=0)) < 0:
        raise UserError(f"metric: {metric} needs class numbers from 0; the smallest label is {int(labels.min())}.")


def _check_one_each(metric: str, labels: Array) -> None:
    if labels.ndim != 1:
        raise UserError(f"metric: {metric} needs one label per sample; the labels' shape is {list(labels.shape)}.")
