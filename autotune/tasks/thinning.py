"""Of the boxes that a detector suggests, those that are left: non-maximum suppression, and the best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from autotune.recipe import Reading


Floats = NDArray[np.float64]
# Of one class in one image, before boxes are thinned out; a detector has no more to say than that.
_LOOKED_AT = 400


def kept(boxes: Floats, scores: Floats, reading: Reading) -> Sequence[Floats]:
    """Return the boxes of each sample that are left, (boxes, 6): left, top, right, bottom, score, class; best first."""
    return [_kept(*one, reading) for one in zip(boxes, scores, strict=True)]


def _kept(boxes: Floats, scores: Floats, reading: Reading) -> Floats:
    found = []
    for number in range(reading.classes):
        (index,) = np.nonzero(scores[:, number] > reading.how.min_score)
        index = index[np.argsort(-scores[index, number], kind="stable")][:_LOOKED_AT]
        index = index[_thinned(boxes[index], reading.how.overlap)]
        of_class = np.column_stack([boxes[index], scores[index, number], np.full(len(index), number)])
        found.append(of_class)
    rows = np.concatenate(found)
    return rows[np.argsort(-rows[:, 4], kind="stable")][: reading.how.most]


def _thinned(boxes: Floats, overlap: float) -> NDArray[np.bool_]:
    """Return which boxes, best first, stay: those that overlap no better one that stays by more than the share."""
    stays = np.ones(len(boxes), dtype=bool)
    if overlap >= 1:
        return stays
    low = np.maximum(boxes[:, np.newaxis, :2], boxes[:, :2])
    high = np.minimum(boxes[:, np.newaxis, 2:], boxes[:, 2:])
    both = (high - low).clip(min=0).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).clip(min=0).prod(axis=1)
    either = area[:, np.newaxis] + area - both
    covers = both > overlap * np.maximum(either, 1e-12)
    for row in range(len(boxes)):
        if stays[row]:
            stays[row + 1 :] &= ~covers[row, row + 1 :]
    return stays
