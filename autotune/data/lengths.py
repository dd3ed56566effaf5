"""How long the runs of samples are that differ in length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotune.frozen import FrozenMap


@dataclass(frozen=True, eq=False)
class Lengths:
    """Of every run of the model, how much of the last axis of its inputs is fed; stored they are padded to the longest.

    Attributes:
        runs: int64 (n,), or (n, members) where the model runs several times for a sample.
        most: that the model takes; None for no limit.
        buckets: all lengths that there are, ascending, each a static shape; empty where every run has its own.
        padding: input name -> what stands behind its end; 0 for those that are not named.
    """

    runs: NDArray[np.int64]
    most: int | None = None
    buckets: tuple[int, ...] = ()
    padding: Mapping[str, int] = FrozenMap()

    def take(self, indices: Any) -> Lengths:
        """Return those of the samples at ``indices``."""
        return replace(self, runs=self.runs[indices])

    def flat(self) -> Lengths:
        """Return them run by run."""
        return replace(self, runs=self.runs.reshape(-1))

    def spread(self, count: int) -> list[int]:
        """Return runs whose lengths stand for all: the middle of each of ``count`` equal parts, in order of length.

        Returns:
            Places in the flat ``runs``, all of them where there are not more; ascending.
        """
        order = np.argsort(self.runs.reshape(-1), kind="stable")
        count = min(count, len(order))
        return sorted(int(order[(2 * i + 1) * len(order) // (2 * count)]) for i in range(count))

    @property
    def name(self) -> bytes:
        """What they add to a digest of samples."""
        return f"lengths {self.most} {self.buckets} {self.runs.astype('<i8').tolist()}\n".encode()

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays by name."""
        return {
            "lengths": self.runs,
            "most": np.asarray(self.most or 0),
            "buckets": np.asarray(self.buckets, dtype=np.int64),
            "padded": np.array(list(self.padding), dtype=np.str_),
            "padding": np.array(list(self.padding.values()), dtype=np.int64),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Lengths | None:
        """Return what :meth:`to_arrays` was of; None where there is none among the arrays."""
        if "lengths" not in arrays:
            return None
        padding: dict[str, int] = dict(zip(arrays["padded"].tolist(), arrays["padding"].tolist(), strict=True))
        return cls(
            arrays["lengths"], int(arrays["most"]) or None, tuple(arrays["buckets"].tolist()), FrozenMap(padding)
        )
