from __future__ import annotations

import numpy as np
import pytest

from autotune.errors import UserError
from autotune.tasks.segmentation import MeanIou, resized


def test_by_hand() -> None:
    labels = np.array([[[0, 0], [1, -1]], [[1, 1], [1, 0]]])
    found = np.array([[[0, 1], [1, 0]], [[1, 1], [0, 0]]])
    scores = np.stack([found == c for c in range(3)], axis=1).astype(np.float32)
    metric = MeanIou()
    per_sample = metric.per_sample({"y": scores}, labels, None)
    assert per_sample.tolist() == [[[1, 2], [1, 2], [0, 0]], [[1, 2], [2, 3], [0, 0]]]
    assert metric.value(per_sample, labels) == pytest.approx((2 / 4 + 3 / 5) / 2)
    assert np.isnan(metric.value(per_sample[:0], labels[:0]))
    with pytest.raises(UserError, match="a label is 3, but the output has 3 classes"):
        metric.per_sample({"y": scores}, labels + 2, None)
    with pytest.raises(UserError, match="needs a class number per pixel"):
        metric.check(np.array([0, 1]))


def test_scores_are_resized_between_the_centres_of_pixels() -> None:
    row = resized(np.array([[[0.0, 4.0]]]), 1, 4)
    assert row.tolist() == [[[0.0, 1.0, 3.0, 4.0]]]
