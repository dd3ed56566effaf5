"""Data sets as the ``datasets`` library saves them on disk (``save_to_disk``): a folder of Arrow files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotune.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

_STATE, _INFO, _SEVERAL = "state.json", "dataset_info.json", "dataset_dict.json"


def is_saved(path: Path) -> bool:
    """Whether a folder is such a data set, or several of them."""
    return (path / _STATE).is_file() or (path / _SEVERAL).is_file()


def read_saved(path: Path) -> pd.DataFrame:
    """Read one; classes are given by name, images and recordings as mappings of ``bytes`` and ``path``.

    Raises:
        UserError: it holds several data sets, is cut, or pyarrow is not installed.
    """
    if (path / _SEVERAL).is_file():
        splits = ", ".join(sorted(part.name for part in path.iterdir() if (part / _STATE).is_file()))
        raise UserError(f"data: {path} holds several data sets ({splits}); name one of these folders.")
    try:
        import pyarrow as pa  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise UserError(
            f"data: reading {path.name} needs pyarrow, which is not installed; pip install 'autotune[parquet]'."
        ) from error
    try:
        files = [path / part["filename"] for part in json.loads((path / _STATE).read_text())["_data_files"]]
        features = json.loads((path / _INFO).read_text())["features"]
        parts = []
        for file in files:
            with pa.memory_map(str(file)) as source:
                parts.append(pa.ipc.open_stream(source).read_all())
        frame: pd.DataFrame = pa.concat_tables(parts).to_pandas()
    except (OSError, KeyError, TypeError, ValueError) as error:  # Arrow's own are ValueErrors
        said = " ".join(str(error).split())[:150].rstrip(".")
        raise UserError(
            f"data: {path} cannot be read as a saved data set: {said}; it may be cut or damaged."
        ) from error
    for column, feature in features.items():
        named = _naming(feature)
        if named is not None and column in frame:
            frame[column] = frame[column].map(named)
    return frame


def _naming(feature: Any) -> Callable[[Any], Any] | None:
    """Return what turns class numbers of a column into names; None where it has none."""
    if not isinstance(feature, dict):
        return None
    if feature.get("_type") == "ClassLabel":
        names = feature["names"]
        return lambda number: names[int(number)] if number is not None and number >= 0 else None
    inner = _naming(feature.get("feature"))
    return None if inner is None else lambda numbers: [inner(number) for number in numbers]
