"""A few lengths for texts of many: by hand, and against all choices there are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune.text.buckets import least_padding, padded


@pytest.mark.parametrize(
    ("count", "buckets"),
    [
        (1, (64,)),  # 10 * 64 = 640 tokens
        (2, (16, 64)),  # 7 * 16 + 3 * 64 = 304; with 8: 5 * 8 + 5 * 64 = 360; with 40: 8 * 40 + 2 * 64 = 448
        (3, (8, 16, 64)),  # 5 * 8 + 2 * 16 + 3 * 64 = 264; with 16, 40: 7 * 16 + 40 + 2 * 64 = 280
        (4, (8, 16, 40, 64)),  # 5 * 8 + 2 * 16 + 40 + 2 * 64 = 240
        (9, (8, 16, 40, 64)),
    ],
)
def test_by_hand(count: int, buckets: tuple[int, ...]) -> None:
    lengths = np.array([5, 6, 7, 8, 8, 12, 16, 35, 60, 64])
    assert least_padding(lengths, count, 8, 64) == buckets


def test_the_last_is_no_longer_than_the_model_takes() -> None:
    assert least_padding(np.array([3, 9, 30]), 2, 8, 30) == (16, 30)  # 2 * 16 + 30 = 62; with 8: 8 + 2 * 30 = 68


def test_each_text_has_the_least_that_holds_it() -> None:
    assert padded(np.array([1, 8, 9, 16]), (16, 8)).tolist() == [8, 8, 16, 16]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(1, 4))
def test_no_other_choice_has_less_padding(lengths: list[int], count: int) -> None:
    texts = np.array(lengths)
    ends = sorted({-(-length // 4) * 4 for length in lengths})
    choices = [(*some, ends[-1]) for k in range(count) for some in itertools.combinations(ends[:-1], k)]
    found = least_padding(texts, count, 4, 40)
    assert len(found) <= count
    assert padded(texts, found).sum() == min(padded(texts, choice).sum() for choice in choices)
