"""Folders of images or recordings: one folder inside per class, or none and then no labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from autotune.counts import counted
from autotune.errors import UserError
from autotune.media.cells import SUFFIXES

if TYPE_CHECKING:
    import pandas as pd

_CALLED = {"image": "images", "audio": "recordings"}


def list_folder(path: Path, kind: str, announce: Callable[[str], None]) -> pd.DataFrame:
    """Return columns ``file`` (relative to the folder) and, where files lie in folders, ``label`` (the folder's name).

    Args:
        kind: ``image`` or ``audio``.
        announce: told how many files there are, and what is passed over.

    Raises:
        UserError: there is no such file.
    """
    import pandas as pd

    files = sorted(p for p in path.rglob("*") if p.is_file() and not _hidden(p.relative_to(path)))
    usable = [p for p in files if p.suffix.lower() in SUFFIXES[kind]]
    inner = [p for p in usable if p.parent != path]
    chosen = inner or usable
    if not chosen:
        raise UserError(
            f"data: {path} holds no {_CALLED[kind]} ({', '.join(SUFFIXES[kind])}); give a folder with one folder per "
            "class, or a table of files and labels."
        )
    passed = [p for p in files if p not in set(chosen)]
    rest = (
        f"; {counted(len(passed), 'other file was', 'other files were')} passed over (first: {passed[0].name})"
        if passed
        else ""
    )
    classes = len({p.relative_to(path).parts[0] for p in inner})
    told = f"in {counted(classes, 'class', 'classes')}" if inner else "in no folders of classes, so without labels"
    announce(f"{path.name}: {len(chosen)} {_CALLED[kind]} {told}{rest}.")
    columns = {"file": [p.relative_to(path).as_posix() for p in chosen]}
    if inner:
        columns["label"] = [p.relative_to(path).parts[0] for p in inner]
    return pd.DataFrame(columns)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
