"""What can be seen of a model and of data before anything is run: the facts that a recipe is drafted from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autotune.data import Array, Dataset, labels_are_classes, split, validate
from autotune.errors import UserError
from autotune.media.processor import CONFIGS
from autotune.recipe import DataSource, Shares
from autotune.sources import builtin
from autotune.sources.datasets import load_source
from autotune.sources.looking_boxes import Boxes, boxes_in_annotations, boxes_in_table
from autotune.sources.looking_files import Files, files_in, folder_of_files
from autotune.sources.model import check_file, read_file
from autotune.sources.tables import SUFFIXES as TABLES
from autotune.sources.tables import read_table
from autotune.sources.texts import load_table
from autotune.text import TextModel


@dataclass(frozen=True)
class Port:
    """An input or output of a model, or an array of data.

    Attributes:
        shape: None for a dimension that is dynamic; of an array, the first is the number of samples. None as a whole
            where not even the rank is known.
        element: the type, as ``f32`` or as numpy names it.
    """

    name: str
    shape: tuple[int | None, ...] | None
    element: str

    def __str__(self) -> str:
        dimensions = "?" if self.shape is None else ", ".join("?" if d is None else str(d) for d in self.shape)
        return f"{self.name} {self.element} [{dimensions}]"


@dataclass(frozen=True)
class ModelFacts:
    """What a model is.

    Attributes:
        inputs, outputs: empty where they are not known before it runs.
        architecture: of a transformers folder, such as ``BertForSequenceClassification``.
        is_folder: a transformers folder, which needs a task.
        has_processor: that folder says how images or recordings become inputs. ``takes_waves``: they are recordings.
        image_size: that its config names, None where it names none.
        labels: names of its classes, in order.
    """

    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    architecture: str = ""
    is_folder: bool = False
    has_processor: bool = False
    takes_waves: bool = False
    image_size: int | None = None
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Labels:
    """What labels are.

    Attributes:
        shape: of one sample's; empty for one value.
        kind: numpy's: ``i``, ``u``, ``b`` (numbers that may be classes), ``f``, ``U``, ``S``.
        classes: few distinct ones, one per sample.
        low, high: of numbers.
        is_one_hot: a sample's are zeros and a single one.
    """

    shape: tuple[int, ...]
    kind: str
    classes: bool
    distinct: int
    low: float
    high: float
    is_one_hot: bool = False

    def __str__(self) -> str:
        named = {"i": "whole numbers", "u": "whole numbers", "b": "truth values", "f": "numbers"}.get(self.kind, "text")
        of = f" from {self.low:g} to {self.high:g}" if named.endswith("numbers") else ""
        return f"{named}{of}{f', {list(self.shape)} per sample' if self.shape else ''}"


@dataclass(frozen=True)
class Column:
    """A column of a table; ``length``: characters of its cells on average, 0 where they are no text."""

    name: str
    is_number: bool
    distinct: int
    length: float


@dataclass(frozen=True)
class DataFacts:
    """What data are: arrays with labels, or a table with columns, which may name ``files``, or boxes in images.

    Attributes:
        boxes: of annotations as COCO has them, or of a table with a row per box.
        fault: a sentence about why arrays cannot be measured on as they are; empty where they can.
    """

    samples: int
    arrays: tuple[Port, ...] = ()
    labels: Labels | None = None
    columns: tuple[Column, ...] = ()
    files: Files | None = None
    boxes: Boxes | None = None
    fault: str = ""


def look_at_file(path: Path) -> ModelFacts:
    """Read a model file's inputs and outputs.

    Raises:
        UserError: it is missing or cannot be read.
    """
    check_file(path)
    model = read_file(path)
    return ModelFacts(
        tuple(_port(port, True) for port in model.inputs), tuple(_port(port, False) for port in model.outputs)
    )


def look_at_folder(path: Path) -> ModelFacts:
    """Read the config of a transformers folder.

    Raises:
        UserError: it is not one.
    """
    model = TextModel.of(path)
    processor = next((path / name for name in CONFIGS if (path / name).is_file()), None)
    size = model.config.get("image_size")
    return ModelFacts(
        architecture=model.architecture,
        is_folder=True,
        has_processor=processor is not None,
        takes_waves=processor is not None and "sampling_rate" in processor.read_text(encoding="utf-8"),
        image_size=size if isinstance(size, int) else None,
        labels=model.labels,
    )


def look_at_data(source: DataSource, base: Path, trust_code: bool, rows: bool) -> DataFacts:
    """Read data.

    Args:
        rows: a function returns columns for a task, not arrays by input name.

    Raises:
        UserError: they are missing or cannot be read, or are code that is not trusted; or an array is no array of
            samples at all.
    """
    loaded: Any
    path = None if source.path is None else base / source.path
    if path is not None and (boxes := boxes_in_annotations(path)) is not None:
        return DataFacts(boxes.images, boxes=boxes)
    if path is not None and (listed := folder_of_files(path)) is not None:
        frame, files = listed
        return DataFacts(len(frame), columns=_columns(frame), files=files)
    if source.path is not None and Path(source.path).suffix in TABLES:
        loaded = read_table(base / source.path)
    elif source.builtin is not None:
        loaded = builtin.load(source.builtin, source.options, lambda _: None)
    elif source.function is not None and rows:
        loaded = load_table(source, base, trust_code, lambda _: None, "data")
    else:
        loaded = load_source(source, base, trust_code, lambda _: None, "data")
    if isinstance(loaded, Dataset):
        fault = _fault(loaded)
        arrays = tuple(Port(name, tuple(v.shape), str(v.dtype)) for name, v in loaded.inputs.items())
        return DataFacts(len(loaded), arrays, _labels(loaded.labels), fault=fault)
    named = files_in(loaded, base if path is None else path.parent)
    return DataFacts(len(loaded), columns=_columns(loaded), files=named, boxes=boxes_in_table(loaded, named))


def _fault(arrays: Dataset) -> str:
    """Return what a run would say of these arrays; empty where it would take them.

    Raises:
        UserError: one has no axis of samples, or holds Python objects, so that nothing can be said of it.
    """
    try:
        validate(arrays, "data")
        shares = Shares()
        split(arrays, (shares.calibration, shares.search, shares.holdout), 0, labels_are_classes(arrays.labels))
    except UserError as error:
        every = [*arrays.inputs.values(), *(extra for extra in (arrays.labels, arrays.groups) if extra is not None)]
        if any(values.ndim == 0 or values.dtype.hasobject for values in every):
            raise
        return str(error)
    return ""


def _columns(frame: Any) -> tuple[Column, ...]:
    return tuple(_column(str(name), frame[name]) for name in frame.columns)


def _port(port: Any, is_input: bool) -> Port:
    partial, names = port.get_partial_shape(), sorted(port.get_names())
    shape = None if partial.rank.is_dynamic else tuple(None if d.is_dynamic else d.get_length() for d in partial)
    name = port.get_node().get_friendly_name() if not names else min(names) if is_input else port.get_any_name()
    return Port(name, shape, port.get_element_type().get_type_name())


def _labels(labels: Array | None) -> Labels | None:
    if labels is None:
        return None
    numbers = labels.dtype.kind in "iubf" and labels.size > 0
    return Labels(
        shape=tuple(labels.shape[1:]),
        kind=labels.dtype.kind,
        classes=labels_are_classes(labels),
        distinct=len(np.unique(labels)),
        low=float(labels.min()) if numbers else 0.0,
        high=float(labels.max()) if numbers else 0.0,
        is_one_hot=numbers and labels.ndim == 2 and labels.shape[1] > 1 and _is_one_hot(labels),
    )


def _is_one_hot(labels: Array) -> bool:
    return bool(np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all())


def _column(name: str, cells: Any) -> Column:
    texts = [cell for cell in cells if isinstance(cell, str)]
    length = sum(map(len, texts)) / len(texts) if texts else 0.0
    return Column(name, cells.dtype.kind in "iufb", len({str(cell) for cell in cells}), length)
