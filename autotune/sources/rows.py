"""Rows given as Python objects, to a task: written as the table that a recipe names."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from autotune.errors import UserError
from autotune.files import replacing
from autotune.media import MEDIA_TASKS
from autotune.sources.cells import as_file


def write_rows(given: Any, path: Path, where: str, task: str) -> Path:
    """Write rows as JSON lines, read back as any other table.

    Args:
        given: what :func:`columns` takes.
        path: of the table (.jsonl); images and recordings become files in a folder of that name without the suffix.
        where: what an error message begins with.
        task: the recipe's; to tasks of images and recordings a text in the column of files is a path, relative to the
            current folder.

    Raises:
        UserError: it is no table, or a cell holds what a table cannot.
    """
    held = columns(given, where)
    media = MEDIA_TASKS.get(task)  # type: ignore[call-overload]  # any text may be asked for
    if media is not None:
        of_files = {"file", *media.columns, *(("label",) if media.masks else ())} & set(held)
        for name in of_files:
            held[name] = [as_file(cell, path, f"{name}-{row}", where) for row, cell in enumerate(held[name])]
    plain = {name: [_plain(cell, where, name, row) for row, cell in enumerate(held[name])] for name in held}
    rows = (dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True))
    with replacing(path) as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def columns(given: Any, where: str) -> dict[str, list[Any]]:
    """Return a table as cells by column, all columns of one length, at least 1.

    Args:
        given: a mapping of columns by name, each an iterable of cells; an iterable of rows, each a mapping of the same
            names to cells (so a data set of the ``datasets`` library); or a ``pandas.DataFrame``.
        where: what an error message begins with.

    Raises:
        UserError: none of these, no row, or columns or rows that do not fit each other.
    """
    import pandas as pd

    if isinstance(given, pd.DataFrame):
        found = {str(name): given.iloc[:, at].tolist() for at, name in enumerate(given.columns)}
        if len(found) < len(given.columns):
            raise UserError(f"{where}: two columns have one name, of {_listed(given.columns)}; rename one.")
    elif isinstance(given, Mapping):
        found = {str(name): _column(cells, f"{where}['{name}']") for name, cells in given.items() if cells is not None}
    elif isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise UserError(
            f"{where}: {type(given).__name__} is no table, and a task needs one; give columns by name, an iterable of "
            "rows (mappings), a pandas.DataFrame or a path."
        )
    else:
        found = _of_rows(list(given), where)
    lengths = {name: len(cells) for name, cells in found.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"'{name}' has {length}" for name, length in lengths.items())
        raise UserError(f"{where}: the columns differ in length: {told}.")
    if not any(lengths.values()):
        raise UserError(f"{where}: the table holds no row.")
    return found


def _of_rows(rows: list[Any], where: str) -> dict[str, list[Any]]:
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise UserError(
                f"{where}: row {number} (0 first) is {type(row).__name__}; with a task a row is a mapping of column "
                "names to cells."
            )
        if set(row) != set(rows[0]):
            raise UserError(f"{where}: row {number} (0 first) has {_listed(row)}, the first has {_listed(rows[0])}.")
    return {str(name): [row[name] for row in rows] for name in (rows[0] if rows else ())}


def _column(cells: Any, where: str) -> list[Any]:
    if isinstance(cells, str | bytes | Mapping) or not isinstance(cells, Iterable):
        raise UserError(f"{where}: {type(cells).__name__} is no column; give a list with a cell per row.")
    return list(cells)


def _plain(cell: Any, where: str, name: str, row: int) -> Any:
    """Return a cell as JSON has it: what is missing is null."""
    import pandas as pd

    if hasattr(cell, "tolist"):  # of numpy, PyTorch, pandas
        cell = cell.tolist()
    if cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if isinstance(cell, str | bool | int) or (isinstance(cell, float) and math.isfinite(cell)):
        return cell
    if isinstance(cell, Path):
        return str(cell)
    if isinstance(cell, list | tuple):
        return [_plain(item, where, name, row) for item in cell]
    if isinstance(cell, Mapping):
        return {str(key): _plain(value, where, name, row) for key, value in cell.items()}
    told = str(cell) if isinstance(cell, float) else type(cell).__name__
    raise UserError(
        f"{where}: column '{name}' holds {told} in row {row} (0 first); a cell is text, a finite number, or a list of "
        "them."
    )


def _listed(names: Iterable[object]) -> str:
    return ", ".join(f"'{name}'" for name in names)
