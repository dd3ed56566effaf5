"""Detection: boxes in an image, each of a class."""

from __future__ import annotations

from collections.abc import Sequence

from autotune.data import Array
from autotune.media.image_classification import ImageClassification
from autotune.text.table import Table


class Detection(ImageClassification):
    """Boxes with scores, read as the task's ``postprocess`` says; labels are boxes, which go the way of the image."""

    auto = "AutoModelForObjectDetection"
    head = "ForObjectDetection"
    outputs = ("logits", "pred_boxes")
    boxes = True

    def labels(self, table: Table, names: Sequence[str], given: bool) -> Array | None:
        """None: boxes are placed in the model's input with their images."""
        return None
