"""Answers and the texts they are pieces of, as whole numbers: what a metric of texts needs to know of each sample.

A row holds the number of tokens and that of characters, then where in the text each token begins and where it ends
(-1: no answer may lie there), the text's code points, and those of the right answers, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autotune.data.values import Array

_HEADER = 2
_NOTHING = -1
# Between answers; no text has it.
_BETWEEN = "\0"


@dataclass(frozen=True)
class Reading:
    """A text that an answer is found in.

    Attributes:
        text: up to the end of the last token.
        begins, ends: of each token of the model, its first character and the one behind its last; -1 where no answer
            may lie.
        answers: the right ones; any of them is right.
    """

    text: str
    begins: tuple[int, ...]
    ends: tuple[int, ...]
    answers: tuple[str, ...]


def to_labels(readings: Sequence[Reading]) -> Array:
    """Return int32 (n, ...), one row per text; all have equally many tokens."""
    tokens = len(readings[0].begins)
    texts = [reading.text for reading in readings]
    right = [_BETWEEN.join(reading.answers) for reading in readings]
    room, most = max(map(len, texts)), max(map(len, right))
    labels = np.full((len(readings), _HEADER + 2 * tokens + room + most), _NOTHING, dtype=np.int32)
    labels[:, :_HEADER] = tokens, room
    at = _HEADER + 2 * tokens
    for row, reading in zip(labels, readings, strict=True):
        row[_HEADER:at] = *reading.begins, *reading.ends
        row[at : at + len(reading.text)] = _points(reading.text)
    for row, answers in zip(labels, right, strict=True):
        row[at + room : at + room + len(answers)] = _points(answers)
    return labels


def from_labels(labels: Array) -> list[Reading]:
    """Return what :func:`to_labels` was of; other whole numbers, of shape (n, ...), raise ValueError."""
    tokens, room = (int(count) for count in labels[0, :_HEADER]) if labels.shape[1] >= _HEADER else (-1, -1)
    at = _HEADER + 2 * tokens
    if tokens < 0 or room < 0 or labels.shape[1] < at + room:
        raise ValueError("these are no answers")
    return [
        Reading(
            _text(row[at : at + room]),
            tuple(row[_HEADER : _HEADER + tokens].tolist()),
            tuple(row[_HEADER + tokens : at].tolist()),
            tuple(_text(row[at + room :]).split(_BETWEEN)),
        )
        for row in labels
    ]


def _points(text: str) -> Array:
    return np.fromiter(map(ord, text), dtype=np.int32, count=len(text))


def _text(points: Array) -> str:
    return "".join(map(chr, points[points != _NOTHING].tolist()))
