"""The relative paths inside a recipe, and how they follow it into another folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autotune.recipe.fields import FUNCTION
from autotune.recipe.sources import PARTS


def relative(path: str, old: Path, new: Path) -> str:
    """Return ``path``, which starts from folder ``old``, as it reads from folder ``new``."""
    if not path.strip() or Path(path).is_absolute() or old == new:
        return path
    try:
        # Folders resolved first: the system takes '..' from where a link leads, relpath from where it stands.
        return Path(os.path.relpath(old.resolve() / path, new.resolve())).as_posix()
    except ValueError:  # another drive (Windows)
        return str(old / path)


def move_function(function: str, move: Callable[[str], str]) -> str:
    """Apply ``move`` to the file of ``FILE.py:function``."""
    file, _, name = function.rpartition(":")
    return f"{move(file)}:{name}"


def moved_source(source: dict[str, Any], move: Callable[[str], str]) -> dict[str, Any]:
    """Apply ``move`` to the ``path`` or ``function`` of one source."""
    moved = dict(source)
    if "path" in moved:
        moved["path"] = move(moved["path"])
    if "function" in moved:
        moved["function"] = move_function(moved["function"], move)
    return moved


def with_paths(plain: dict[str, Any], move: Callable[[str], str]) -> dict[str, Any]:
    """Apply ``move`` to every path of a recipe given as plain data."""
    data = moved_source(plain["data"], move)
    for part in PARTS:
        if part in data:
            data[part] = moved_source(data[part], move)
    made = {}
    if "training" in plain:
        made["training"] = {**plain["training"], "data": moved_source(plain["training"]["data"], move)}
    if "trained" in plain:
        made["trained"] = moved_source(plain["trained"], move)
    metric = plain["metric"]
    if isinstance(metric, dict):
        metric = moved_source(metric, move)
    elif FUNCTION.fullmatch(metric):
        metric = move_function(metric, move)
    return {**plain, "model": moved_source(plain["model"], move), "data": data, "metric": metric, **made}
