"""How many tokens a text is given: one length for all, since every sample has the model's static shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autotune.errors import UserError
from autotune.recipe import TaskSpec

# Texts that are kept whole where no length is given: the few longest would make all others slow.
COVERED = 0.95
# Lengths are multiples of this: rows of kernels are, so a length between is no faster.
STEP = 8


@dataclass(frozen=True)
class Length:
    """The chosen length in tokens, and of how many texts it cuts something off."""

    tokens: int
    longest: int
    cut: int
    texts: int

    @property
    def sentence(self) -> str:
        """What the user is told."""
        told = f"Texts have {self.tokens} tokens (the longest of {self.texts} has {self.longest})"
        return f"{told}; {self.cut} longer ones are cut." if self.cut else f"{told}; none is cut."


def choose_length(lengths: NDArray[np.int64], spec: TaskSpec, limit: int) -> Length:
    """Choose from the lengths that the texts have, special tokens included.

    Args:
        lengths: shape (texts,), at least one.
        limit: the most tokens that the model takes.

    Raises:
        UserError: the length asked for is beyond the limit, or a text is too long and may not be cut.
    """
    if spec.length is not None and spec.length > limit:
        raise UserError(f"task.length: the model takes at most {limit} tokens, not {spec.length}; give less.")
    longest = int(lengths.max())
    covered = longest if spec.too_long == "refuse" else int(np.quantile(lengths, COVERED, method="inverted_cdf"))
    tokens = spec.length or min(-(-covered // STEP) * STEP, limit)
    cut = int((lengths > tokens).sum())
    if cut and spec.too_long == "refuse":
        takes = f"task.length is {tokens}" if spec.length else f"the model takes at most {limit}"
        raise UserError(
            f"data: text {int(np.argmax(lengths > tokens))} (0 first) has {int(lengths[lengths > tokens][0])} tokens "
            f"and {takes}, {cut} texts are longer; shorten them, or let them be cut with 'too_long: cut' in the task."
        )
    return Length(tokens, longest, cut, len(lengths))
