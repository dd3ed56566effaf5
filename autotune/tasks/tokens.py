"""Metrics of what is asked of single tokens: their class, a hidden token, the two ends of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autotune.errors import UserError
from autotune.tasks.outputs import Array, Scores, pick

# Labels of tokens that are not asked (padding, special ones); any negative number is one.
_ENDS = ("start_logits", "end_logits")


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


@dataclass(frozen=True)
class Answer:
    """How well the best span of tokens meets the right one: exactly (0 or 1), or by F1 of the tokens.

    As SQuAD is scored (Rajpurkar et al., 2016), but in tokens of the model's own, not in words.
    """

    name: str
    output: str | None = None
    higher_is_better = True
    needs_labels = True
    needs_reference = False
    is_mean = True

    def check(self, labels: Array) -> None:
        """Labels are first and last token of the answer (-1 where it was cut off), then where answers may lie."""
        if labels.ndim != 2 or labels.shape[1] < 3 or labels.dtype.kind not in "iu":
            raise UserError(f"metric: {self.name} is for the task question-answering, which makes its labels.")

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return shape (n,)."""
        assert labels is not None
        missing = [name for name in _ENDS if name not in outputs]
        if missing:
            raise UserError(f"metric: {self.name} needs the outputs {' and '.join(_ENDS)}, not {', '.join(outputs)}.")
        begin, end = (np.where(labels[:, 2:] == 1, outputs[name].astype(np.float64), -np.inf) for name in _ENDS)
        first, last = best_spans(begin, end)
        overlap = np.minimum(last, labels[:, 1]) - np.maximum(first, labels[:, 0]) + 1
        overlap = np.where(labels[:, 0] < 0, 0, np.maximum(overlap, 0))
        both = (last - first + 1) + (labels[:, 1] - labels[:, 0] + 1)
        f1: Scores = 2 * overlap / both
        return (f1 == 1.0).astype(np.float64) if self.name == "answer-exact" else f1

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the mean."""
        return float(per_sample.mean())


def best_spans(begin: Scores, end: Scores) -> tuple[Array, Array]:
    """Return first and last token, shape (n,) each, of the largest ``begin[i] + end[j]`` with i <= j.

    Args:
        begin: shape (n, tokens), -inf where no answer may begin. end: likewise.
    """
    before = np.maximum.accumulate(begin, axis=1)
    last = (before + end).argmax(axis=1)
    allowed = np.arange(begin.shape[1]) <= last[:, None]
    return np.where(allowed, begin, -np.inf).argmax(axis=1), last


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
