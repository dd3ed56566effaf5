"""Metrics of answers that are pieces of a text, as SQuAD is scored: by the words that were found."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autotune.data.answers import Reading, from_labels
from autotune.errors import UserError
from autotune.tasks.outputs import Array, Scores

_ENDS = ("start_logits", "end_logits")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class Answer:
    """How well the text of the best span meets a right answer: exactly (0 or 1), or by F1 of their words.

    As SQuAD's own code has it (Rajpurkar et al., 2016): letters in lower case, without punctuation, articles and more
    than one space; of several right answers the one that is met best counts. Words are what stands between spaces.
    """

    name: str
    output: str | None = None
    higher_is_better = True
    needs_labels = True
    needs_reference = False
    is_mean = True

    def check(self, labels: Array) -> None:
        """Labels are made by the task: ``autotune.data.answers``."""
        if labels.ndim != 2 or labels.dtype.kind not in "iu" or not len(labels):
            raise self._misfit()
        try:
            from_labels(labels[:1])
        except ValueError:
            raise self._misfit() from None

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return shape (n,)."""
        assert labels is not None
        missing = [name for name in _ENDS if name not in outputs]
        if missing:
            raise UserError(f"metric: {self.name} needs the outputs {' and '.join(_ENDS)}, not {', '.join(outputs)}.")
        readings = from_labels(labels)
        begins, ends = (np.array([getattr(reading, key) for reading in readings]) for key in ("begins", "ends"))
        begin, end = (np.where(begins >= 0, outputs[name].astype(np.float64), -np.inf) for name in _ENDS)
        first, last = best_spans(begin, end)
        rows = np.arange(len(readings))
        found = zip(readings, begins[rows, first].tolist(), ends[rows, last].tolist(), strict=True)
        return np.array([self._score(reading, at, to) for reading, at, to in found], dtype=np.float64)

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the mean."""
        return float(per_sample.mean())

    def _score(self, reading: Reading, begin: int, end: int) -> float:
        found = words(reading.text[begin:end])
        score = shared if self.name == "answer-f1" else _equal
        return max(score(found, words(answer)) for answer in reading.answers)

    def _misfit(self) -> UserError:
        return UserError(f"metric: {self.name} is for the task question-answering, which makes its labels.")


def words(text: str) -> list[str]:
    """Return the words of an answer, as SQuAD compares them."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def shared(found: list[str], right: list[str]) -> float:
    """Return the harmonic mean of the shares of the words of either that are in the other."""
    if not found or not right:
        return float(found == right)
    common = (Counter(found) & Counter(right)).total()
    return 2 * common / (len(found) + len(right))


def _equal(found: list[str], right: list[str]) -> float:
    return float(found == right)


def best_spans(begin: Scores, end: Scores) -> tuple[Array, Array]:
    """Return first and last token, shape (n,) each, of the largest ``begin[i] + end[j]`` with i <= j.

    Args:
        begin: shape (n, tokens), -inf where no answer may begin. end: likewise.
    """
    before = np.maximum.accumulate(begin, axis=1)
    last = (before + end).argmax(axis=1)
    allowed = np.arange(begin.shape[1]) <= last[:, None]
    return np.where(allowed, begin, -np.inf).argmax(axis=1), last
