"""What can be seen of boxes in images, of COCO's .json or of a table, before anything is run."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autotune.recipe import BOX
from autotune.sources.annotations import COCO, parse_coco
from autotune.sources.looking_files import Files

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Boxes:
    """What boxes are.

    Attributes:
        images: how many; some may have no box.
        boxes: how many.
        classes: their names; of COCO in the order of the categories' numbers, of a table sorted.
        folder: that the images are in, where it is not the one of the file.
        missing: an image that is nowhere near; empty where the first one was found.
        label: of a table, the column that says what is in a box; empty where none does.
    """

    images: int
    boxes: int
    classes: tuple[str, ...]
    folder: Path | None = None
    missing: str = ""
    label: str = ""


def boxes_in_annotations(path: Path) -> Boxes | None:
    """Return what annotations of COCO hold; None for another file.

    Raises:
        UserError: they are cut, or a box belongs to no image or category.
    """
    if not _is_annotations(path):
        return None
    found = parse_coco(path)
    first = next(iter(found.files.values()), "")
    folder = next((near for near in _near(path) if first and (near / first).is_file()), None)
    return Boxes(
        images=len(found.files),
        boxes=sum(map(len, found.boxes.values())),
        classes=tuple(found.names.values()),
        folder=None if folder in (None, path.parent) else Path(os.path.normpath(folder)),
        missing=first if folder is None else "",
    )


def boxes_in_table(frame: pd.DataFrame, files: Files | None) -> Boxes | None:
    """Return what a table with a row per box holds; None for another one."""
    if files is None or files.kind != "image" or not set(BOX) <= {str(name) for name in frame.columns}:
        return None
    drawn = frame[frame[BOX[0]].notna()]
    label = files.label or _label(drawn, files)
    classes = sorted({str(name) for name in drawn[label]}) if label else []
    return Boxes(frame[files.column].nunique(), len(drawn), tuple(classes), label=label)


def _label(drawn: pd.DataFrame, files: Files) -> str:
    """Return the one other column of texts, if there is one and texts come again."""
    others = [str(name) for name in drawn.columns if name not in (*BOX, files.column, "group")]
    texts = [name for name in others if all(isinstance(cell, str) for cell in drawn[name])]
    return texts[0] if len(texts) == 1 and drawn[texts[0]].nunique() < len(drawn) else ""


def _is_annotations(path: Path) -> bool:
    if path.suffix != COCO or not path.is_file():
        return False
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(held, dict) and {"images", "annotations"} <= held.keys()


def _near(path: Path) -> Iterator[Path]:
    """Yield folders that images may be in: that of the file, those in it, and those beside it."""
    for base in (path.parent, path.parent / ".."):
        yield base
        with contextlib.suppress(OSError):  # one that may not be listed
            yield from sorted(folder for folder in base.iterdir() if folder.is_dir())
