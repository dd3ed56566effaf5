"""Boxes as data sets write them down, to one row per image: the .json of COCO, and tables with a row per box."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotune.counts import counted
from autotune.errors import UserError
from autotune.recipe import BOX
from autotune.text.table import Table

if TYPE_CHECKING:
    import pandas as pd

COCO = ".json"
_USUAL = {"label": ("class", "category"), "file": ("image", "img")}


@dataclass(frozen=True)
class Coco:
    """Annotations of images as COCO has them.

    Attributes:
        names: of the categories, by their number, in its order.
        files: of the images, by their number, as the file has them.
        boxes: of each image, by its number: [name, x, y, w, h, crowd].
    """

    names: Mapping[Any, str]
    files: Mapping[Any, str]
    boxes: Mapping[Any, list[list[Any]]]


def parse_coco(path: Path) -> Coco:
    """Read a file of annotations.

    Raises:
        UserError: it is missing, cut or not of that form, or a box belongs to no image or category.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        categories = sorted(content["categories"], key=lambda category: category["id"])
        names = {category["id"]: str(category["name"]) for category in categories}
        files = {image["id"]: image["file_name"] for image in content["images"]}
        boxes: dict[Any, list[list[Any]]] = {number: [] for number in files}
        for box in content["annotations"]:
            if box["image_id"] not in files or box["category_id"] not in names:
                raise UserError(
                    f"data: {path}: annotation {box.get('id', '')} is of image {box['image_id']} and category "
                    f"{box['category_id']}, which are not both among its images and categories."
                )
            boxes[box["image_id"]].append([names[box["category_id"]], *box["bbox"], float(box.get("iscrowd", 0))])
    except FileNotFoundError:
        raise UserError(f"data: {path} does not exist; a path is relative to the recipe's folder.") from None
    except (ValueError, KeyError, TypeError, OSError) as error:
        said = f"it has no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:120]
        raise UserError(
            f"data: {path} is no .json of COCO ({said}); it needs images, annotations with a bbox, and categories."
        ) from error
    return Coco(names, files, boxes)


def read_coco(path: Path, images: Path | None) -> pd.DataFrame:
    """Return a row per image: ``file``, and ``label`` as ``media.boxes`` reads it.

    Args:
        images: the folder of the images; None for that of the file.

    Raises:
        UserError: as :func:`parse_coco`.
    """
    import pandas as pd

    found, base = parse_coco(path), images or path.parent
    files = [(base / file).absolute().as_posix() for file in found.files.values()]
    return pd.DataFrame({"file": files, "label": list(found.boxes.values())})


def by_image(
    frame: pd.DataFrame, columns: Mapping[str, str], where: str, announce: Callable[[str], None]
) -> pd.DataFrame:
    """Return a row per image of a table with a row per box; a table that has no x is returned as it is.

    A row with nothing but the file is an image without boxes.

    Args:
        columns: role -> the column's name, where that is another.

    Raises:
        UserError: a column or a cell is missing, or not of the kind that it must be.
    """
    import pandas as pd

    given = [str(column) for column in frame.columns]
    if columns.get("x", "x") not in given:
        return frame
    named = dict(columns)
    for role, usual in _USUAL.items():
        found = next((name for name in usual if name in given), None)
        if role not in named and role not in given and found is not None:
            named[role] = found
    table = Table.of(frame, named, ("file", "label", *BOX), where)
    empty = table.frame[["label", *BOX]].isna().all(axis=1).to_numpy()
    full = Table(table.frame[~empty].reset_index(drop=True), table.names, where)
    values = [full.numbers(role) for role in BOX] if len(full) else []
    boxes: dict[str, list[list[Any]]] = {file: [] for file in table.texts("file")}
    for file, name, *box in zip(full.texts("file"), full.cells("label"), *values, strict=True) if len(full) else ():
        boxes[file].append([name, *map(float, box)])
    rows: dict[str, list[Any]] = {"file": list(boxes), "label": list(boxes.values())}
    if table.has("group"):
        groups = dict(zip(table.texts("file"), table.cells("group"), strict=True))
        rows["group"] = [groups[file] for file in boxes]
    announce(f"{where}: {counted(len(frame), 'row is', 'rows are')} the boxes of {counted(len(boxes), 'image')}.")
    return pd.DataFrame(rows)
