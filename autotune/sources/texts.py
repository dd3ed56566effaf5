"""The recipe's tables as data sets: read, encoded with the model's tokenizer once, cached by content."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autotune.data import Dataset
from autotune.errors import UserError
from autotune.files import sha256
from autotune.sources import builtin
from autotune.sources.folders import find
from autotune.sources.samples import cached
from autotune.sources.tables import read_table
from autotune.text import TASKS, TextModel, encode
from autotune.text.model import WEIGHTS
from autotune.text.table import Table
from autotune.usercode import call_function

if TYPE_CHECKING:
    import pandas as pd

    from autotune.recipe import DataSource, Recipe

# Increased whenever the same table would give other samples.
_FORMAT = 2


def load_texts(
    recipe: Recipe, named: Mapping[str, DataSource], trust_code: bool, announce: Callable[[str], None]
) -> dict[str, Dataset]:
    """Return a data set per source, all with samples of one shape.

    Args:
        named: sources by what error messages about them begin with.

    Raises:
        UserError: a table or the model's folder is missing or broken, or they do not fit each other or the task.
    """
    assert recipe.task is not None
    model = find(recipe, trust_code)
    needs = TASKS[recipe.task.name].needs
    tables = {}
    for where, source in named.items():
        frame = load_table(source, recipe.base, trust_code, announce, where)
        tables[where] = Table.of(frame, source.columns, needs, where)
    spec, trusted = recipe.task, recipe.model.trust_remote_code
    return cached(_key(tables, model, recipe), lambda tell: encode(tables, spec, model, trusted, tell), announce)


def load_table(
    source: DataSource, base: Path, trust_code: bool, announce: Callable[[str], None], where: str
) -> pd.DataFrame:
    """Load one source of rows, with the columns that it has.

    Raises:
        UserError: it is missing or broken, or no table.
    """
    import pandas as pd

    if source.path is not None:
        return read_table(base / source.path, where)
    if source.builtin is not None:
        loaded = builtin.load(source.builtin, source.options or {}, announce)
        if isinstance(loaded, Dataset):
            raise UserError(f"{where}: '{source.builtin}' is not a table; a task needs one.")
        return loaded
    assert source.function is not None
    returned = call_function(source.function, base, trust_code, where)
    try:
        return pd.DataFrame(returned)
    except ValueError as error:  # columns of unequal length, or no columns at all
        raise UserError(
            f"{where}: what {source.function} returned is no table: {error}; return columns by name."
        ) from error


def _key(tables: Mapping[str, Table], model: TextModel, recipe: Recipe) -> str:
    """Name everything that samples depend on: tables, task, and the folder but for its weights."""
    assert recipe.task is not None
    rows = {
        where: hashlib.sha256(table.frame.to_json(orient="split").encode()).hexdigest()
        for where, table in tables.items()
    }
    files = {file.name: sha256(file) for file in model.path.iterdir() if file.is_file() and file.suffix not in WEIGHTS}
    versions = {name: importlib.metadata.version(name) for name in ("transformers", "tokenizers")}
    shapes = recipe.task.model_dump(include={"shapes"}, exclude_defaults=True)  # nothing where they are static
    task = [recipe.task.name, recipe.task.length, recipe.task.too_long, *shapes.values()]
    return hashlib.sha256(json.dumps([_FORMAT, rows, files, versions, task], sort_keys=True).encode()).hexdigest()[:32]
