"""Metrics of recognised text: what CTC makes of scores per place, against what was written or said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autotune.errors import UserError
from autotune.tasks.outputs import Array, Scores, pick
from autotune.tasks.tokens import check_tokens

BLANK = 0


@dataclass(frozen=True)
class CharacterAccuracy:
    """1 less the character error rate: edits (Levenshtein, 1966) per character, over all samples; below 0 at worst.

    The most likely class of each place is taken, repeats are one, class 0 is CTC's blank (Graves et al., 2006).
    """

    output: str | None = None
    name = "character-accuracy"
    higher_is_better = True
    needs_labels = True
    needs_reference = False
    is_mean = False

    def check(self, labels: Array) -> None:
        """Labels are the classes of the characters, (n, longest), negative behind the last."""
        check_tokens(self.name, labels)

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return edits and characters, shape (n, 2)."""
        assert labels is not None
        places = pick(outputs, self.output, self.name)
        if places.ndim != 3:
            raise UserError(
                "metric: character-accuracy needs scores of characters per place, (samples, places, classes); the "
                f"output's shape is {list(places.shape)}."
            )
        read = places.argmax(axis=2)
        written = [row[row >= 0].tolist() for row in labels]
        edits = [edits_between(collapsed(row), right) for row, right in zip(read, written, strict=True)]
        return np.array([edits, [len(right) for right in written]], dtype=np.float64).T

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the accuracy; NaN where nothing was written."""
        edits, characters = per_sample.sum(axis=0)
        return float(1 - edits / characters) if characters else float("nan")


def collapsed(places: Array) -> list[int]:
    """Return the classes that CTC reads from the class of each place, (places,)."""
    kept = np.concatenate([[True], places[1:] != places[:-1]]) & (places != BLANK)
    read: list[int] = places[kept].tolist()
    return read


def edits_between(left: Sequence[int], right: Sequence[int]) -> int:
    """Return how many insertions, deletions and substitutions make one of the other."""
    row = list(range(len(right) + 1))
    for i, one in enumerate(left, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(right, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]
