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
    """Apply ``move`` to the ``path``, ``images`` or ``function`` of one source."""
    moved = dict(source)
    for key in ("path", "images"):
        if isinstance(moved.get(key), str):
            moved[key] = move(moved[key])
    if isinstance(moved.get("function"), str):
        moved["function"] = move_function(moved["function"], move)
    return moved


def with_paths(plain: dict[str, Any], move: Callable[[str], str]) -> dict[str, Any]:
    """Apply ``move`` to every path of a recipe given as plain data; parts may be missing or wrong."""
    sources = ("model", "data", "metric", "trained")
    moved = {key: _moved(value, move) if key in sources else value for key, value in plain.items()}
    if isinstance(moved.get("data"), dict):
        moved["data"].update({part: _moved(moved["data"][part], move) for part in PARTS if part in moved["data"]})
    training = moved.get("training")
    if isinstance(training, dict) and "data" in training:
        moved["training"] = {**training, "data": _moved(training["data"], move)}
    return moved


def _moved(source: Any, move: Callable[[str], str]) -> Any:
    if isinstance(source, dict):
        return moved_source(source, move)
    return move_function(source, move) if isinstance(source, str) and FUNCTION.fullmatch(source) else source
