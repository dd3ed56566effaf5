"""Image classification: one class per image."""

from __future__ import annotations

from collections.abc import Sequence

from autotune.data import Array
from autotune.media.labels import class_numbers
from autotune.text.table import Table


class ImageClassification:
    """Logits of classes; a label is the name or the number of one."""

    auto = "AutoModelForImageClassification"
    head = "ForImageClassification"
    outputs: tuple[str, ...] = ("logits",)
    needs = ("file",)
    members = 1
    columns: tuple[str, ...] = ("image", "img")
    input = "pixel_values"
    masks = False
    boxes = False

    def labels(self, table: Table, names: Sequence[str], given: bool) -> Array | None:
        """Labels int64 (n,)."""
        return class_numbers(table.cells("label"), names, given, table.where) if table.has("label") else None
