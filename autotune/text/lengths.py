"""How many tokens texts are given: one length for all, their own, or the least bucket that holds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autotune.counts import counted
from autotune.errors import UserError
from autotune.recipe import Buckets, TaskSpec
from autotune.text.buckets import least_padding, padded

# Texts that are kept whole where no length is given: the few longest would make all others slow.
COVERED = 0.95
# Lengths are multiples of this: rows of kernels are, so a length between is no faster.
STEP = 8


@dataclass(frozen=True)
class Length:
    """How long texts are.

    Attributes:
        tokens: the most that one has: that of all where shapes are static.
        longest: of the texts as they are. ``cut``: of how many something is cut off.
        most: that the model is to take; None for no limit.
        own: each has its own length.
        buckets: each has the least of these that holds it; empty with other shapes.
        padding: the share of tokens that is padding then.
    """

    tokens: int
    longest: int
    cut: int
    texts: int
    most: int | None = None
    own: bool = False
    buckets: tuple[int, ...] = ()
    padding: float = 0.0

    @property
    def sentence(self) -> str:
        """What the user is told."""
        if self.own:
            told = f"Texts have their own lengths, up to {self.tokens} tokens"
        elif self.buckets:
            told = f"Texts are padded to {_listed(self.buckets)} tokens; {self.padding:.0%} of all tokens are padding"
        else:
            told = f"Texts have {self.tokens} tokens"
        told += f" (the longest of {self.texts} has {self.longest})"
        return f"{told}; {self.cut} longer ones are cut." if self.cut else f"{told}; none is cut."

    def of(self, lengths: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Return how long texts of these lengths are, cut and padded; None where all are alike."""
        if self.own:
            return np.minimum(lengths, self.tokens)
        return padded(np.minimum(lengths, self.tokens), self.buckets) if self.buckets else None


def choose_length(lengths: NDArray[np.int64], spec: TaskSpec, limit: int | None) -> Length:
    """Choose from the lengths that the texts have, special tokens included.

    Where texts may differ in length, none is cut but for the model's limit or the length asked for: a long one makes
    no other slow.

    Args:
        lengths: shape (texts,), at least one.
        limit: the most tokens that the model takes; None for no limit.

    Raises:
        UserError: the length or a bucket asked for is beyond the limit, or a text is too long and may not be cut.
    """
    given = spec.shapes.lengths if isinstance(spec.shapes, Buckets) else ()
    asked = spec.length or max(given, default=None)
    key = "task.shapes.buckets" if given else "task.length"
    if asked is not None and limit is not None and asked > limit:
        raise UserError(f"{key}: the model takes at most {limit} tokens, not {asked}; give less.")
    most = asked or limit
    longest = int(lengths.max())
    whole = spec.too_long == "refuse" or spec.shapes != "static"
    covered = longest if whole else int(np.quantile(lengths, COVERED, method="inverted_cdf"))
    if spec.shapes == "dynamic":
        tokens = covered if most is None else min(covered, most)
    elif spec.shapes == "static" or given:
        tokens = asked or _rounded(covered, limit)
    else:
        tokens = _rounded(covered, most)
    cut = int((lengths > tokens).sum())
    if cut and spec.too_long == "refuse":
        takes = f"{key} is {tokens}" if asked else f"the model takes at most {limit}"
        raise UserError(
            f"data: text {int(np.argmax(lengths > tokens))} (0 first) has {int(lengths[lengths > tokens][0])} tokens "
            f"and {takes}, {counted(cut, 'text is', 'texts are')} longer; "
            "shorten them, or let them be cut with 'too_long: cut' in the task."
        )
    if spec.shapes == "static":
        return Length(tokens, longest, cut, len(lengths))
    if spec.shapes == "dynamic":
        return Length(tokens, longest, cut, len(lengths), most, own=True)
    kept = np.minimum(lengths, tokens)
    count = spec.shapes.buckets
    buckets = count if isinstance(count, tuple) else least_padding(kept, count, STEP, tokens)
    share = 1 - float(kept.sum()) / float(padded(kept, buckets).sum())
    return Length(tokens, longest, cut, len(lengths), buckets[-1], buckets=buckets, padding=share)


def _rounded(tokens: int, limit: int | None) -> int:
    """Return the next multiple of the step, if the model takes so many."""
    up = -(-tokens // STEP) * STEP
    return up if limit is None else min(up, limit)


def _listed(numbers: tuple[int, ...]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} or {last}" if most else last
