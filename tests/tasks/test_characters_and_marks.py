from __future__ import annotations

import numpy as np
import pytest

from autotune.errors import UserError
from autotune.tasks.characters import CharacterAccuracy, collapsed, edits_between
from autotune.tasks.marks import MarkF1


def test_ctc_and_edits_by_hand() -> None:
    assert collapsed(np.array([0, 3, 3, 0, 3, 5, 5, 0])) == [3, 3, 5]
    assert edits_between([], [1, 2]) == 2
    assert edits_between([ord(c) for c in "kitten"], [ord(c) for c in "sitting"]) == 3


def test_character_accuracy() -> None:
    places = np.eye(6)[np.array([[1, 1, 0, 2], [0, 3, 0, 3]])]  # reads 1 2, and 3 3
    labels = np.array([[1, 2, -1], [3, 4, 5]])
    metric = CharacterAccuracy()
    per_sample = metric.per_sample({"y": places}, labels, None)
    assert per_sample.tolist() == [[0, 2], [2, 3]]
    assert metric.value(per_sample, labels) == pytest.approx(1 - 2 / 5)
    with pytest.raises(UserError, match="needs scores of characters per place"):
        metric.per_sample({"y": places[0]}, labels, None)


def test_marks() -> None:
    metric = MarkF1()
    labels = np.array([[1, 0], [1, 1]], dtype=np.uint8)
    per_sample = metric.per_sample({"y": np.array([[0.9, 0.6], [0.4, 0.7]])}, labels, None)
    assert per_sample.tolist() == [[1, 1, 0], [1, 0, 1]]
    assert metric.value(per_sample, labels) == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    with pytest.raises(UserError, match=r"output of the labels' shape \[2, 2\], not \[2, 3\]"):
        metric.per_sample({"y": np.zeros((2, 3))}, labels, None)
    with pytest.raises(UserError, match="labels of 0 and 1"):
        metric.check(np.array([2]))
