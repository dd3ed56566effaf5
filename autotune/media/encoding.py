"""Tables of images or recordings to data sets, all samples of one shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotune.data import Array, Dataset
from autotune.errors import UserError
from autotune.media import audio, boxes, images
from autotune.media.cells import Cell, cell_of
from autotune.media.tasks import MEDIA_TASKS, MediaTask
from autotune.recipe import MEDIA, Preprocess, TaskSpec
from autotune.text.table import Table

if TYPE_CHECKING:
    from autotune.media.processor import Processor

Sample = Mapping[str, Array]
# Of a processor's reply and of :class:`Sample`: what is right, not an input.
LABELS = "labels"


@dataclass(frozen=True)
class How:
    """What turns files into inputs.

    Attributes:
        folder: a transformers folder whose processor does; None for the explicit steps of the task.
        trust_code: whether Python code in it may run.
        input: name of the model's input, for explicit steps.
        names: of the model's classes, in order; empty where nobody names them.
    """

    folder: Path | None
    trust_code: bool
    input: str
    names: tuple[str, ...]


def cells(table: Table, role: str, base: Path) -> list[Cell]:
    """Return a column's images or recordings.

    Raises:
        UserError: a cell is missing, holds something else, or its file is not there.
    """
    return [cell_of(value, base, table.where, row) for row, value in enumerate(table.cells(role))]


def encode(
    tables: Mapping[str, tuple[Table, Path]], spec: TaskSpec, how: How, announce: Callable[[str], None]
) -> dict[str, Dataset]:
    """Return a data set per table.

    Args:
        tables: and the folder that the files of each are relative to.
        announce: told what prepared the samples.

    Raises:
        UserError: a file cannot be read or prepared, samples differ in shape, or labels do not fit the model.
    """
    task, kind = MEDIA_TASKS[spec.name], MEDIA[spec.name]
    labels = {where: task.labels(table, how.names, spec.labels is not None) for where, (table, _) in tables.items()}
    processor = _processor(how, kind)
    if processor is not None:
        announce(f"Samples are prepared by the model's own {processor.name}.")
    steps = spec.preprocess or Preprocess()
    if kind == "audio":
        prepared = _recordings(tables, steps, processor, how.input, announce)
    else:
        prepared = {}
        for where, (table, base) in tables.items():
            found = boxes.boxes_of(table, how.names, spec.labels is not None, announce) if task.boxes else None
            rows = _with_labels(table, base, task, found)
            prepared[where] = [_image(one, steps, processor, how.input) for one in rows]
    datasets = {}
    for where, (table, _) in tables.items():
        arrays = _stacked(prepared[where], where, task.boxes)
        right = arrays.pop(LABELS, labels[where])
        groups = np.asarray(table.cells("group")) if table.has("group") else None
        datasets[where] = Dataset(arrays, _asked(right) if task.masks else right, groups, members=task.members)
    return datasets


def _processor(how: How, kind: str) -> Processor | None:
    if how.folder is None:
        return None
    from autotune.media.processor import Processor

    return Processor(how.folder, kind, how.trust_code)


@dataclass(frozen=True)
class _Row:
    """An image and what is right of it: a mask, or boxes in its pixels; None where labels are of another kind."""

    image: Cell
    mask: Cell | None
    boxes: boxes.Boxes | None


def _with_labels(table: Table, base: Path, task: MediaTask, found: list[boxes.Boxes] | None) -> list[_Row]:
    files = cells(table, "file", base)
    masks = cells(table, "label", base) if task.masks and table.has("label") else [None] * len(files)
    known: Sequence[boxes.Boxes | None] = [None] * len(files) if found is None else found
    return [_Row(*one) for one in zip(files, masks, known, strict=True)]


def _image(one: _Row, steps: Preprocess, processor: Processor | None, name: str) -> Sample:
    image, mask = images.read_image(one.image), None if one.mask is None else images.read_mask(one.mask)
    if mask is not None and mask.size != image.size:
        assert one.mask is not None
        raise UserError(f"{one.mask.name}: is {mask.size}, its image {image.size}; a mask has a number per pixel.")
    found: dict[str, Array]
    if processor is not None:
        found = processor.image(image, mask)
        height, width = found[name].shape[-2:]
        place = ((width, height), (0, 0))
    else:
        found = {name: images.prepared(image, steps)}
        place = images.frame(image.size, steps)
        if mask is not None:
            found[LABELS] = images.mask_of(mask, steps)
    if one.boxes is not None:
        found[LABELS] = boxes.placed(one.boxes, image.size, *place, one.image.name)
    return found


def _recordings(
    tables: Mapping[str, tuple[Table, Path]],
    steps: Preprocess,
    processor: Processor | None,
    name: str,
    announce: Callable[[str], None],
) -> dict[str, list[Sample]]:
    rate = steps.rate if processor is None else processor.rate
    assert rate is not None
    heard = {
        where: [audio.read_audio(cell, rate) for cell in cells(table, "file", base)]
        for where, (table, base) in tables.items()
    }
    length, told = audio.length_of([one for part in heard.values() for one in part], steps.seconds, rate)
    announce(told)

    def sample(recording: audio.Samples) -> Sample:
        if processor is not None:
            return processor.audio(recording, length)
        return {name: audio.prepared(recording, steps, length)}

    return {where: [sample(one) for one in part] for where, part in heard.items()}


def _stacked(samples: Sequence[Sample], where: str, boxed: bool) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for name in samples[0]:
        if boxed and name == LABELS:
            arrays[name] = boxes.padded([sample[name] for sample in samples])
            continue
        shapes = [sample[name].shape for sample in samples]
        odd = next((row for row, shape in enumerate(shapes) if shape != shapes[0]), None)
        if odd is not None:
            raise UserError(
                f"{where}: the model's processor makes samples of different shapes ({list(shapes[0])}, and "
                f"{list(shapes[odd])} of row {odd}, 0 first); give one size with 'preprocess' in the task."
            )
        arrays[name] = np.stack([sample[name] for sample in samples])
    return arrays


def _asked(labels: Array | None) -> Array | None:
    """Pixels that are not asked are negative, as tokens that are not."""
    return None if labels is None else np.where(labels == images.IGNORED_PIXEL, -1, labels).astype(np.int16)
