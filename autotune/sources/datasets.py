"""The recipe's data, loaded, checked and split."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autotune.counts import counted
from autotune.data import Dataset, Splits, join, labels_are_classes, split, validate
from autotune.errors import UserError
from autotune.recipe import MEDIA
from autotune.sources import builtin
from autotune.sources.media import load_media
from autotune.sources.tables import SUFFIXES as TABLES
from autotune.sources.texts import load_texts
from autotune.usercode import call_function

if TYPE_CHECKING:
    from autotune.recipe import Recipe

RESERVED = ("labels", "groups")
# What to do with files of other kinds.
_ARRAYS = "save arrays with np.savez(FILE, INPUT_NAME=..., labels=...), or name a FILE.py:function that returns them"
_ADVICE = {
    ".json": "a table is written as .jsonl, one row per line; of boxes a .json has COCO's images, annotations and "
    "categories",
    **dict.fromkeys((".tsv", ".txt", ".xls", ".xlsx"), "write a table as .csv, with a line of names first"),
}


def load_data(recipe: Recipe, trust_code: bool, announce: Callable[[str], None]) -> Splits:
    """Load the recipe's data, check them and deal them out; with three sources, remove what would leak.

    Args:
        trust_code: whether ``FILE.py:function`` may run.
        announce: told what was loaded and what was left out.

    Raises:
        UserError: the data are missing, broken or too few.
    """
    data = recipe.data
    if recipe.task is None:
        loaded = {
            where: load_source(source, recipe.base, trust_code, announce, where) for where, source in data.parts.items()
        }
    elif recipe.task.name in MEDIA:
        loaded = load_media(recipe, data.parts, trust_code, announce)
    else:
        loaded = load_texts(recipe, data.parts, trust_code, announce)
    for where, dataset in loaded.items():
        validate(dataset, where)
    if data.separate:
        calibration, search, holdout = loaded.values()
        splits = join(calibration, search, holdout, recipe.seed)
    else:
        dataset = loaded["data"]
        shares = (data.split.calibration, data.split.search, data.split.holdout)
        splits = split(dataset, shares, recipe.seed, labels_are_classes(dataset.labels))
    if splits.duplicates_removed:
        told = counted(splits.duplicates_removed, "sample is a copy of another", "samples are copies of others")
        announce(f"{told}, and left out.")
    return splits


def read_npz(path: Path, where: str = "data") -> Dataset:
    """Read ``labels``, ``groups`` (both optional) and inputs, by name, from an npz.

    Args:
        where: what error messages begin with.

    Raises:
        UserError: missing, cut, not an npz, or an array of Python objects (never unpickled).
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise UserError(
                f"{where}: {path} is a single array; save it with np.savez(path, INPUT_NAME=..., labels=...)."
            )
        with loaded as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise UserError(f"{where}: {path} does not exist; a path is relative to the recipe's folder.") from None
    except IsADirectoryError:
        raise UserError(
            f"{where}: {path} is a folder; give an npz file, or say what to make of it with --task, or 'task' in a "
            "recipe."
        ) from None
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        if "pickle" in str(error) and zipfile.is_zipfile(path):
            raise UserError(
                f"{where}: {path} holds an array of Python objects; save plain arrays of equal rows."
            ) from None
        advice = _ADVICE.get(path.suffix, _ARRAYS)
        raise UserError(
            f"{where}: {path} is not a readable npz file"
            + (f" ({error}); it may be cut or damaged." if path.suffix == ".npz" else f"; {advice}.")
        ) from None
    return _dataset(arrays)


def load_source(source: Any, base: Path, trust_code: bool, announce: Callable[[str], None], where: str) -> Dataset:
    """Load one source of arrays.

    Args:
        where: what error messages begin with.

    Raises:
        UserError: it is missing or broken, or a table.
    """
    if source.builtin is not None:
        loaded = builtin.load(source.builtin, source.options or {}, announce)
        if not isinstance(loaded, Dataset):
            raise UserError(
                f"{where}: '{source.builtin}' is a table of texts; it needs a task and a transformers folder."
            )
        return loaded
    if source.path is not None and Path(source.path).suffix in TABLES:
        raise UserError(
            f"{where}: {source.path} is a table; say what to make of it with --task, or 'task' in a recipe, and give a "
            "transformers folder as the model."
        )
    if source.path is not None:
        return read_npz(base / source.path, where)
    return _call(source.function, base, trust_code, where)


def _call(spec: str, base: Path, trust_code: bool, where: str) -> Dataset:
    """Call the user's function; it returns what an npz would hold: a mapping of names to arrays."""
    returned = call_function(spec, base, trust_code, where)
    if not isinstance(returned, Mapping):
        raise UserError(f"{where}: {spec} returned {type(returned).__name__}; return a dict of arrays by name.")
    arrays = {}
    for name, values in returned.items():
        try:
            arrays[str(name)] = np.asarray(values)
        except ValueError as error:
            raise UserError(f"{where}: {spec} returned rows of unequal length for '{name}'.") from error
    return _dataset({name: values for name, values in arrays.items() if name not in RESERVED or values.shape != ()})


def _dataset(arrays: Mapping[str, Any]) -> Dataset:
    inputs = {name: values for name, values in arrays.items() if name not in RESERVED}
    return Dataset(inputs, arrays.get("labels"), arrays.get("groups"))
