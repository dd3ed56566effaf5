"""Which convolutions of the fastest candidates to compute in direct kernels."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace

from autotune.configuration import DIRECT, Configuration, FormChoice
from autotune.record import Trial

# So many candidates are looked at; while the search goes on, one after each so many trials.
MOST = 3
TRIALS_PER_LOOK = 8
# Sets of one candidate that are tried.
_TRIED = 2


class KernelTurns:
    """Says which candidate to look at, and proposes what was found of it.

    Args:
        convolutions: that may run in direct kernels; without any there is nothing to do.
    """

    def __init__(self, convolutions: Sequence[str]) -> None:
        self.convolutions = tuple(convolutions)
        self._sets: dict[Configuration, tuple[tuple[str, ...], ...]] = {}

    def due(self, best: Trial | None, measured: int, *, last: bool) -> Configuration | None:
        """Return the configuration to look at, without direct kernels; None if none is due.

        Args:
            best: the fastest within the tolerance; None if there is none.
            measured: trials so far. last: the search would end now.
        """
        if best is None or not self.convolutions or len(self._sets) >= MOST:
            return None
        base = _plain(best.configuration)
        waits = not last and len(self._sets) >= measured // TRIALS_PER_LOOK
        return None if waits or base in self._sets else base

    def learn(self, base: Configuration, sets: Sequence[tuple[str, ...]]) -> None:
        """Take the sets that may pay, the most promising first; none where it could not be looked at."""
        self._sets[base] = tuple(sets)[:_TRIED]

    def propose(self, tried: Container[Configuration]) -> Iterator[Configuration]:
        """Yield what was found and has no trial yet."""
        for base, sets in self._sets.items():
            for convolutions in sets:
                found = replace(base, forms=(*base.forms, FormChoice(DIRECT, convolutions)))
                if found not in tried:
                    yield found


def _plain(configuration: Configuration) -> Configuration:
    return replace(configuration, forms=tuple(form for form in configuration.forms if form.name != DIRECT))
