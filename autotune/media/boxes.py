"""Labelled boxes: from a table's cells, into the pixels of the model's input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotune.counts import counted
from autotune.errors import UserError
from autotune.text.labels import numbers
from autotune.text.table import Table

# Of one box: class number, left, top, width, height, and 1 for a crowd that is no single object (COCO's iscrowd).
FIELDS = 6
NO_CLASS = -1
# Pixels by which a box may stick out: data sets round.
_SLACK = 1.0

Boxes = NDArray[np.float64]


def boxes_of(table: Table, names: Sequence[str], given: bool, announce: Callable[[str], None]) -> list[Boxes] | None:
    """Return the boxes of each image, shape (boxes, 6) in pixels of the image; None where the table has no labels.

    Args:
        table: its ``label`` is a list of [class, x, y, w, h] or [class, x, y, w, h, crowd] per image, or a mapping of
            lists ``bbox`` and ``category``, as the ``datasets`` library has them.
        names: of the model's classes, in order.
        given: whether the recipe names them, and not the model.
        announce: told how many boxes there are.

    Raises:
        UserError: a cell is none of these, a class is not the model's, or no image has a box.
    """
    if not table.has("label"):
        return None
    images = [_listed(table, row, cell) for row, cell in enumerate(table.cells("label"))]
    classes = [box[0] for image in images for box in image]
    if not classes:
        raise UserError(f"{table.where}: no image has a box; detection is judged by boxes that are known.")
    named_in = "task.labels" if given else "id2label of the model's config.json"
    known = iter(numbers(classes, names, table.where, named_in))
    found = [np.array([[next(known), *box[1:]] for box in image], dtype=float).reshape(-1, FIELDS) for image in images]
    without = sum(not len(image) for image in images)
    rest = f"; in {without} there is none, so whatever is found there is wrong" if without else ""
    announce(f"{table.where}: {counted(len(images), 'image')} with {counted(len(classes), 'box', 'boxes')}{rest}.")
    return found


def placed(boxes: Boxes, size: tuple[int, int], scaled: tuple[int, int], corner: tuple[int, int], name: str) -> Boxes:
    """Return boxes in pixels of the model's input.

    Args:
        size, scaled: (width, height) of the image, and of what it is resized to.
        corner: where the resized image lies in the input.
        name: of the image, for error messages.

    Raises:
        UserError: a box has no area, or sticks out of the image.
    """
    left, top, width, height = boxes[:, 1:5].T
    extent = np.array(size)
    odd = (width <= 0) | (height <= 0) | ~np.isfinite(boxes).all(axis=1)
    odd |= (boxes[:, 1:3] < -_SLACK).any(axis=1) | (boxes[:, 1:3] + boxes[:, 3:5] > extent + _SLACK).any(axis=1)
    if odd.any():
        first = ", ".join(f"{value:g}" for value in boxes[int(np.argmax(odd)), 1:5])
        raise UserError(
            f"{name}: the box x, y, w, h = {first} is not inside the image of {size[0]} x {size[1]} pixels, or has no "
            "area; write pixels from the top left corner, width and height."
        )
    ratio = np.array(scaled) / extent
    begin = np.stack([left, top], axis=1).clip(0, extent)
    end = np.stack([left + width, top + height], axis=1).clip(0, extent)
    return np.column_stack([boxes[:, 0], begin * ratio + np.array(corner), (end - begin) * ratio, boxes[:, 5]])


def padded(images: Sequence[Boxes]) -> Boxes:
    """Return the boxes of all images in one array, (images, most boxes, 6); class -1 where there is none."""
    most = max(1, *(len(image) for image in images))
    stacked = np.zeros((len(images), most, FIELDS))
    stacked[:, :, 0] = NO_CLASS
    for row, image in enumerate(images):
        stacked[row, : len(image)] = image
    return stacked


def _listed(table: Table, row: int, cell: Any) -> list[list[Any]]:
    """Return [class, x, y, w, h, crowd] of each box of a cell."""
    if isinstance(cell, Mapping) and {"bbox", "category"} <= set(cell):
        pairs = zip(cell["bbox"], cell["category"], strict=True)
        cell = [[category, *box] for box, category in pairs]
    if not isinstance(cell, list | tuple | np.ndarray):
        raise table.odd("label", row, "a list of boxes", cell)
    boxes = []
    for box in cell:
        try:
            name, *values = box
            values = [float(value) for value in values]
        except (TypeError, ValueError):
            raise table.odd("label", row, "boxes [class, x, y, w, h]", box) from None
        if len(values) not in (FIELDS - 2, FIELDS - 1):
            raise table.odd("label", row, "boxes [class, x, y, w, h]", box)
        boxes.append([name, *values, 0.0][:FIELDS])
    return boxes
