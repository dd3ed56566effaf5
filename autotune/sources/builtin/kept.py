"""Data sets that take long to make are made once, and kept in the cache folder under what they are made from."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from autotune.data import Array
from autotune.files import replacing
from autotune.sources.cache import cache_dir

# Of one name; the oldest goes first. What a changed Python or a changed option left behind is of no use.
MOST = 4


def kept(name: str, made_from: Sequence[object], make: Callable[[], Mapping[str, Array]]) -> dict[str, Array]:
    """Return what ``make`` returns, from the cache if it was made before from the same; arrays keep their dtype.

    Args:
        name: of the data set.
        made_from: all that the arrays depend on (options, code, versions, contents); by its ``repr``.

    Raises:
        UserError: the cache folder cannot be written to.
    """
    key = hashlib.sha256(repr((name, *made_from)).encode()).hexdigest()
    place = cache_dir() / "datasets" / f"{name}-{key[:32]}.npz"
    try:
        with np.load(place, allow_pickle=False) as archive:
            return {array: archive[array] for array in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        pass  # not there, or damaged
    made = dict(make())
    with replacing(place) as path:
        np.savez(path, **made)  # type: ignore[arg-type]
    for old in sorted(place.parent.glob(f"{name}-*.npz"), key=_written)[:-MOST]:
        old.unlink(missing_ok=True)
    return made


def _written(path: Path) -> float:
    """When, in seconds; a file that another process has removed meanwhile is the oldest."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def code(*modules: ModuleType) -> str:
    """Return the hexadecimal SHA-256 of the modules' source files."""
    total = hashlib.sha256()
    for module in modules:
        assert module.__file__ is not None
        total.update(Path(module.__file__).read_bytes())
    return total.hexdigest()
