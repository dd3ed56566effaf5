"""Numbers in sentences."""

from __future__ import annotations

import pytest

from autotune.decide import digits, drop_words


@pytest.mark.parametrize(
    ("value", "count", "text"),
    [
        (0.00977, 3, "0.00977"),
        (0.000012345, 3, "0.0000123"),
        (12345.6, 3, "12,346"),
        (1.10, 3, "1.1"),
        (0.9773, 4, "0.9773"),
        (-1234.0, 4, "-1,234"),
        (0.0, 3, "0"),
        (-0.0, 3, "0"),
        (9.999, 3, "10"),
        (3e-12, 3, "3e-12"),
        (float("inf"), 3, "inf"),
    ],
)
def test_digits(value: float, count: int, text: str) -> None:
    assert digits(value, count) == text


@pytest.mark.parametrize(
    ("drop", "text"),
    [(0.0, "no drop"), (-1.1e-16, "no drop"), (0.0123, "drop +0.0123"), (-0.5, "drop -0.5"), (1234.5, "drop +1,234")],
)
def test_drops(drop: float, text: str) -> None:
    assert drop_words(drop) == text
