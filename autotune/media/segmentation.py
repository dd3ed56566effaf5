"""Semantic segmentation: a class per pixel."""

from __future__ import annotations

from collections.abc import Sequence

from autotune.data import Array
from autotune.media.image_classification import ImageClassification
from autotune.text.table import Table


class SemanticSegmentation(ImageClassification):
    """Logits of classes, perhaps at a lower resolution; a label is a mask, an image of class numbers."""

    auto = "AutoModelForSemanticSegmentation"
    head = "ForSemanticSegmentation"
    masks = True

    def labels(self, table: Table, names: Sequence[str], given: bool) -> Array | None:
        """None: masks are resized with their images, not looked up."""
        return None
