"""Tables on disk: CSV, JSON lines, Parquet, data sets as the ``datasets`` library saves them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autotune.errors import UserError
from autotune.sources.arrow import is_saved, read_saved

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".jsonl", ".parquet")


def read_table(path: Path, where: str = "data") -> pd.DataFrame:
    """Read a table; which suffix means which format is in ``SUFFIXES``, a folder is a saved data set.

    In CSV, an empty cell is missing, and no other text is: a label may be called NA.

    Args:
        where: what error messages begin with.

    Raises:
        UserError: missing, of another suffix, cut, rows of unequal columns, or a library for it is not installed.
    """
    if path.is_dir() and is_saved(path):
        return read_saved(path)
    if not path.exists():
        raise UserError(f"{where}: {path} does not exist; a path is relative to the recipe's folder.")
    if path.suffix not in SUFFIXES:
        raise UserError(
            f"{where}: {path} is not a table; a task reads {', '.join(SUFFIXES)}, or a folder that the datasets "
            "library saved (save_to_disk)."
        )
    import pandas as pd

    try:
        if path.suffix == ".csv":
            # Python's parser, for it refuses a row with too few cells when told so; pandas' own fills up.
            frame = pd.read_csv(path, keep_default_na=False, na_values=[""], index_col=False)
            _check_cells(path)
            return frame
        if path.suffix == ".jsonl":
            return pd.read_json(path, lines=True, dtype=False, convert_dates=False)
        return pd.read_parquet(path)
    except ImportError as error:
        raise UserError(
            f"{where}: reading {path.name} needs pyarrow, which is not installed; pip install 'autotune[parquet]'."
        ) from error
    except (ValueError, OSError, UnicodeDecodeError) as error:  # pandas' own are ValueErrors, pyarrow's too
        raise UserError(
            f"{where}: {path} cannot be read as {path.suffix[1:]}: {' '.join(str(error).split())[:200].rstrip('.')}; "
            "it may be cut, or its rows differ in columns."
        ) from error


def _check_cells(path: Path) -> None:
    """Raise ValueError for a row with fewer or more cells than the header: pandas fills up or drops silently."""
    import csv

    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        for number, row in enumerate(rows):
            if row and len(row) != len(header):
                raise ValueError(f"row {number} (0 first) has {len(row)} cells and the header {len(header)}")
