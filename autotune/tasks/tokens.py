"""Metrics of what is asked of single tokens: their class, or a hidden token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autotune.errors import UserError
from autotune.tasks.outputs import Array, Scores, pick


@dataclass(frozen=True)
class TokenAccuracy:
    """Share of right classes among the tokens that have a label; corpus-wide, so long texts count for more."""

    output: str | None = None
    name = "token-accuracy"
    higher_is_better = True
    needs_labels = True
    needs_reference = False
    is_mean = False

    def check(self, labels: Array) -> None:
        """Labels are class numbers, negative where nothing is asked."""
        check_tokens(self.name, labels)

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return how many are right and how many were asked, shape (n, 2)."""
        assert labels is not None
        logits = logits_of(outputs, self.output, labels, self.name)
        asked = labels >= 0
        right = (logits.argmax(axis=-1) == labels) & asked
        return np.stack([right.sum(axis=1), asked.sum(axis=1)], axis=1).astype(np.float64)

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the share; NaN where nothing was asked."""
        right, asked = per_sample.sum(axis=0)
        return float(right / asked) if asked else float("nan")


@dataclass(frozen=True)
class Perplexity:
    """Exponential of the mean negative log likelihood of the labelled tokens, in nats."""

    output: str | None = None
    name = "perplexity"
    higher_is_better = False
    needs_labels = True
    needs_reference = False
    is_mean = False

    def check(self, labels: Array) -> None:
        """Labels are token numbers, negative where nothing is asked."""
        check_tokens(self.name, labels)

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return the sum of the negative log likelihoods and how many these are, shape (n, 2)."""
        from scipy.special import logsumexp

        assert labels is not None
        logits = logits_of(outputs, self.output, labels, self.name)
        scores = np.zeros((len(labels), 2))
        for row, asked in enumerate(labels >= 0):  # one at a time: a vocabulary is large
            of_asked = logits[row, asked].astype(np.float64)
            right = of_asked[np.arange(len(of_asked)), labels[row, asked]]
            scores[row] = (logsumexp(of_asked, axis=1) - right).sum(), len(of_asked)
        return scores

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the perplexity; NaN where nothing was asked."""
        loss, asked = per_sample.sum(axis=0)
        return float(np.exp(loss / asked)) if asked else float("nan")


def check_tokens(metric: str, labels: Array) -> None:
    """Raise UserError unless labels are whole numbers, some per sample."""
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        raise UserError(
            f"metric: {metric} needs one whole number per token as labels, these are {labels.dtype} of shape "
            f"{list(labels.shape)}."
        )


def logits_of(outputs: Mapping[str, Array], name: str | None, labels: Array, metric: str) -> Array:
    """Return the scores of classes per token, shape (n, tokens, classes).

    Raises:
        UserError: the output has another shape, or a label is beyond its classes.
    """
    logits = pick(outputs, name, metric)
    if logits.ndim != 3 or logits.shape[:2] != labels.shape:
        raise UserError(
            f"metric: {metric} needs scores of classes for labels of shape {list(labels.shape)}; the output's shape is "
            f"{list(logits.shape)}."
        )
    highest = int(labels.max(initial=0))
    if highest >= logits.shape[2]:
        raise UserError(f"metric: a label is {highest}, but the output has {logits.shape[2]} classes (0 first).")
    return logits
