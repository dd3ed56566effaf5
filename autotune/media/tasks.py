"""The tasks of images and recordings, by name: one file each, and one line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from autotune.data import Array
from autotune.media.audio_classification import AudioClassification
from autotune.media.detection import Detection
from autotune.media.image_classification import ImageClassification
from autotune.media.segmentation import SemanticSegmentation
from autotune.recipe import TaskName
from autotune.text.table import Table
from autotune.text.tasks import RowTask


class MediaTask(RowTask, Protocol):
    """How rows of files become samples.

    Attributes:
        columns: what the file's column is often called, where it is not ``file``.
        input: the model's input, where nothing else says what it is called.
        masks: whether labels are images, which are resized as the samples are.
        boxes: whether labels are boxes, which are placed as the samples are; with neither, :meth:`labels` makes them.
    """

    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def input(self) -> str: ...
    @property
    def masks(self) -> bool: ...
    @property
    def boxes(self) -> bool: ...

    def labels(self, table: Table, names: Sequence[str], given: bool) -> Array | None:
        """Return the labels; names are the classes', given by the recipe or else the model's."""


MEDIA_TASKS: Mapping[TaskName, MediaTask] = {
    "audio-classification": AudioClassification(),
    "detection": Detection(),
    "image-classification": ImageClassification(),
    "semantic-segmentation": SemanticSegmentation(),
}
