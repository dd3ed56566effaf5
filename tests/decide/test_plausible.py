"""When float's score raises doubts about the data."""

from __future__ import annotations

import numpy as np
import pytest

from autotune.decide import doubt

# Ten labels in equal shares, and 30 % of the commonest.
EVEN, UNEVEN = np.repeat(np.arange(10), 10), np.repeat([0, 1, 2, 3], [30, 25, 25, 20])


@pytest.mark.parametrize(
    ("metric", "score", "labels", "doubted"),
    [
        ("accuracy", 0.1, EVEN, True),
        ("accuracy", 0.15, EVEN, True),  # a standard error is 0.03
        ("accuracy", 0.17, EVEN, False),
        ("accuracy", 0.3, UNEVEN, True),
        ("accuracy", 0.4, UNEVEN, False),
        ("auc", 0.5, UNEVEN > 1, True),
        ("auc", 0.3, UNEVEN > 1, True),
        ("auc", 0.7, UNEVEN > 1, False),
        ("auc", 0.5, UNEVEN >= 0, False),  # no negative one: nothing is known
        ("f1", 0.0, EVEN, False),
        ("accuracy", 0.0, None, False),
    ],
)
def test_doubt(metric: str, score: float, labels: np.ndarray | None, doubted: bool) -> None:
    assert bool(doubt(metric, score, labels)) == doubted


def test_what_is_said() -> None:
    assert doubt("accuracy", 0.12, EVEN).startswith(
        "Float f32 is hardly better than always answering the commonest label (accuracy 0.12 against 0.1): see that "
    )
