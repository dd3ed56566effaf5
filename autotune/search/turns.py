"""Whose turn it is to propose."""

from __future__ import annotations

from collections.abc import Sequence

from autotune.recipe import Strategy
from autotune.record import Origin

_IN_TURN: tuple[Origin, ...] = ("neighbour", "guide", "neighbour", "guide", "neighbour", "sampler")


class Turns:
    """Takes turns; the sampler, which always has a proposal, is the last of each round.

    Attributes:
        beyond_first: whether a neighbour is first sought of something fast that loses too much, or of the fastest
            within the tolerance; in turn, from one neighbour's turn to the next.
    """

    def __init__(self, strategy: Strategy) -> None:
        """Leave out those whom the recipe leaves out."""
        left_out = {"guide": not strategy.prior, "neighbour": not strategy.neighbours}
        self._order = [origin for origin in _IN_TURN if not left_out.get(origin)]
        self._visited = 0
        self.beyond_first = False

    def next(self) -> Origin:
        """Return whose turn it is; one that has no proposal passes, and this is asked again."""
        origin = self._order[self._visited % len(self._order)]
        self._visited += 1
        if origin == "neighbour":
            self.beyond_first = not self.beyond_first
        return origin

    def restore(self, origins: Sequence[Origin]) -> None:
        """Stand where an earlier run ended.

        Args:
            origins: of its trials, by number. Until the last plain one nobody's turn it was.
        """
        plain = len(origins) - origins[::-1].index("plain") if "plain" in origins else 0
        for origin in origins[plain:]:
            while self.next() not in (origin, "sampler"):
                pass
