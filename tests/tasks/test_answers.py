"""Answers are scored by their words, as SQuAD's own code does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune.data.answers import Reading, from_labels, to_labels
from autotune.errors import UserError
from autotune.tasks.answers import best_spans, words
from autotune.tasks.metrics import METRICS

# Tokens: the question's, In, the, Nord, ic, coun, tries (of which a word may have several), padding.
TEXT = "In the Nordic countries."
BEGINS, ENDS = (-1, 0, 3, 7, 11, 14, 18, -1), (-1, 2, 6, 11, 13, 18, 23, -1)


def scores(name: str, spans: list[tuple[int, int]], *answers: str) -> list[float]:
    """Of a model that says these spans of tokens."""
    begin, end = np.zeros((2, len(spans), len(BEGINS)))
    for row, (first, last) in enumerate(spans):
        begin[row, first] = end[row, last] = 1
    begin[:, 0] = 9  # where no answer may lie
    labels = to_labels([Reading(TEXT, BEGINS, ENDS, answers)] * len(spans))
    return METRICS[name](None).per_sample({"start_logits": begin, "end_logits": end}, labels, None).tolist()


def test_by_hand() -> None:
    spans = [(3, 6), (2, 6), (1, 6), (3, 4), (3, 3), (5, 6)]
    assert scores("answer-exact", spans, "the Nordic countries") == [1, 1, 0, 0, 0, 0], "articles do not count"
    found = scores("answer-f1", spans, "the Nordic countries")
    np.testing.assert_allclose(found, [1, 1, 0.8, 2 / 3, 0, 2 / 3])  # half a word is another word
    assert scores("answer-f1", spans[:1], "nordic", "NORDIC, countries!") == [1], "any answer, however it is written"
    assert scores("answer-f1", [(2, 2)], "the") == [1], "nothing is left of either"
    assert scores("answer-f1", [(2, 2)], "Nordic") == [0]


def test_words() -> None:
    assert words("  The theatre's  A-side, an end. ") == ["theatres", "aside", "end"]


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_characters="\0")), st.lists(st.text("ab é😀", min_size=1), min_size=1)),
        min_size=1,
    )
)
def test_labels_hold_what_was_put_in(rows: list[tuple[str, list[str]]]) -> None:
    readings = [Reading(text, (-1, 0, 1), (-1, 1, 2), tuple(answers)) for text, answers in rows]
    labels = to_labels(readings)
    assert labels.dtype == np.int32 and from_labels(labels) == readings


def test_labels_and_outputs_of_other_tasks() -> None:
    for labels in (np.array([1, 2]), np.array([[1]]), np.array([[5, 5, 1, 1]]), np.array([[-1, 0, 1]]), np.eye(2)):
        with pytest.raises(UserError, match="is for the task question-answering, which makes its labels"):
            METRICS["answer-f1"](None).check(labels)
    labels = to_labels([Reading(TEXT, BEGINS, ENDS, ("In",))])
    METRICS["answer-f1"](None).check(labels)
    with pytest.raises(UserError, match="needs the outputs start_logits and end_logits, not logits"):
        METRICS["answer-f1"](None).per_sample({"logits": np.zeros((1, 8))}, labels, None)


def test_the_best_span_is_found_among_all() -> None:
    random = np.random.default_rng(0)
    begin, end = random.standard_normal((2, 30, 7))
    begin[:, 0] = end[:, 0] = -np.inf
    first, last = best_spans(begin, end)
    for row in range(30):
        all_spans = [(begin[row, i] + end[row, j], i, j) for i in range(1, 7) for j in range(i, 7)]
        assert (first[row], last[row]) == max(all_spans)[1:]
