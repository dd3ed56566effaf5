"""A few lengths for texts of many: those with which the least padding is needed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def least_padding(lengths: NDArray[np.int64], count: int, step: int, most: int) -> tuple[int, ...]:
    """Return the buckets with which texts have the fewest tokens in all, by dynamic programming over the lengths.

    Buckets are multiples of ``step``, or ``most``. Of the texts up to some length, the best ``k`` buckets end at that
    length, and those before them are the best ``k - 1`` of the texts up to another: O(count * lengths^2) for the
    different lengths there are, rounded up.

    Args:
        lengths: shape (texts,), at least one, none above ``most``.
        count: at most so many buckets; fewer where no further one saves anything.

    Returns:
        Ascending; the last holds the longest text.
    """
    rounded = np.minimum(-(-lengths // step) * step, most)
    ends, texts = np.unique(rounded, return_counts=True)
    until = np.concatenate([[0], np.cumsum(texts)])  # texts with one of the first i lengths
    cost = ends * until[1:]  # of all texts up to each length, with one bucket
    before: list[NDArray[np.intp]] = []  # for k buckets, where the one before the last ends
    for _ in range(1, min(count, len(ends))):
        # Row: where the last bucket ends; column: where the one before it does.
        last = ends[:, None] * (until[1:, None] - until[None, 1:])
        total = np.where(np.tri(len(ends), k=-1, dtype=bool), cost[None, :] + last, np.iinfo(np.int64).max)
        best = total.argmin(axis=1)
        fewer = np.take_along_axis(total, best[:, None], axis=1)[:, 0]
        before.append(np.where(fewer < cost, best, -1))
        cost = np.minimum(cost, fewer)
    chosen, place = [int(ends[-1])], len(ends) - 1
    for places in reversed(before):
        if places[place] >= 0:
            place = int(places[place])
            chosen.append(int(ends[place]))
    return tuple(reversed(chosen))


def padded(lengths: NDArray[np.int64], buckets: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the least bucket that holds each length; none is above the last bucket. Both ascending or not, int64."""
    ordered = np.array(sorted(buckets), dtype=np.int64)
    return ordered[np.searchsorted(ordered, lengths)]
