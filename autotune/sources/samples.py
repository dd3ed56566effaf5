"""Samples that tables are turned into, kept in the cache with what was said of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from autotune.data import Dataset, from_arrays, to_arrays
from autotune.files import replacing
from autotune.sources.cache import cache_dir


def cached(
    key: str, make: Callable[[Callable[[str], None]], Mapping[str, Dataset]], announce: Callable[[str], None]
) -> dict[str, Dataset]:
    """Return what ``make`` returns, from the cache if it was made before under this key; what it told is told again.

    Args:
        make: called with what to tell sentences to.

    Raises:
        UserError: the cache folder cannot be written to.
    """
    place = cache_dir() / "samples" / f"{key}.npz"
    if place.is_file():
        with np.load(place, allow_pickle=False) as archive:
            for sentence in archive["told"]:
                announce(str(sentence))
            return from_arrays(archive)
    told: list[str] = []

    def tell(sentence: str) -> None:
        told.append(sentence)
        announce(sentence)

    datasets = dict(make(tell))
    arrays = {"told": np.array(told, dtype=np.str_), **to_arrays(datasets)}
    with replacing(place) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]
    return datasets
