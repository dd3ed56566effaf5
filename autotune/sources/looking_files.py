"""What can be seen of images and recordings, in a folder or in a table, before anything is run."""

from __future__ import annotations

import wave
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from autotune.errors import UserError
from autotune.media.cells import SUFFIXES
from autotune.sources.arrow import is_saved
from autotune.sources.classes import list_folder

if TYPE_CHECKING:
    import pandas as pd

# More distinct texts than these are no names of classes.
_MOST_CLASSES = 2000
_MOST = 0.8


@dataclass(frozen=True)
class Files:
    """What the files of data are.

    Attributes:
        kind: of what they hold.
        column: of the table that names them.
        masks: the column of a second image for each, such as a mask; empty where there is none.
        label: the column of what is right; empty where there is none.
        classes: names of the classes, sorted; empty where labels are numbers, or there are none.
        numbers: how many numbered classes there are, 0 where they have names.
        rate: samples per second of the first recording; None for images and where only a decoder could tell.
    """

    kind: Literal["image", "audio"]
    column: str = "file"
    masks: str = ""
    label: str = ""
    classes: tuple[str, ...] = ()
    numbers: int = 0
    rate: int | None = None


def folder_of_files(path: Path) -> tuple[pd.DataFrame, Files] | None:
    """Return the files of a folder as a table, and what they are; None where it is another kind of folder.

    Raises:
        UserError: it holds neither images nor recordings.
    """
    if not path.is_dir() or is_saved(path):
        return None
    found = Counter(kind for file in path.rglob("*") for kind, known in SUFFIXES.items() if _suffix(file) in known)
    if not found:
        known = ", ".join(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
        raise UserError(f"data: {path} holds neither images nor recordings ({known}).")
    frame = list_folder(path, found.most_common(1)[0][0], lambda _: None)
    return frame, files_in(frame, path)  # type: ignore[return-value]


def files_in(frame: pd.DataFrame, base: Path) -> Files | None:
    """Return what the files that a table names are; None where no column names any.

    Args:
        base: the folder that they are relative to.
    """
    named = {str(name): kind for name in frame.columns if (kind := _kind(list(frame[name]))) is not None}
    if not named:
        return None
    column, kind = next(iter(named.items()))
    masks = next((name for name, other in named.items() if name != column and other == kind == "image"), "")
    label = next((n for n in map(str, frame.columns) if n.lower() in ("label", "class", "category", "target")), "")
    label = "" if label in (column, masks) else label
    names = sorted({str(cell) for cell in frame[label]}) if label else []
    numbered = bool(names) and all(name.isdecimal() for name in names) and frame[label].dtype.kind in "iu"
    return Files(
        kind=kind,
        column=column,
        masks=masks,
        label=label,
        classes=() if numbered or len(names) > _MOST_CLASSES else tuple(names),
        numbers=max(map(int, names)) + 1 if numbered else 0,
        rate=_rate(base / str(frame[column].iloc[0])) if kind == "audio" else None,
    )


def _kind(cells: list[Any]) -> Literal["image", "audio"] | None:
    """What most cells of a column name."""
    kinds: tuple[Literal["image", "audio"], ...] = ("image", "audio")
    for kind in kinds:
        named = sum(isinstance(cell, str) and _suffix(Path(cell)) in SUFFIXES[kind] for cell in cells)
        if cells and named >= _MOST * len(cells):
            return kind
    return None


def _suffix(path: Path) -> str:
    return path.suffix.lower()


def _rate(path: Path) -> int | None:
    try:
        with wave.open(str(path)) as opened:
            rate: int = opened.getframerate()
            return rate
    except (OSError, EOFError, wave.Error):
        return None
