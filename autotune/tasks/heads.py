"""A detector's outputs to boxes and a score for each class, before they are thinned out: one function per head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from autotune.errors import UserError, suggest
from autotune.tasks.outputs import Array

if TYPE_CHECKING:
    from autotune.recipe import Reading

Floats = NDArray[np.float64]
# Boxes (samples, A, 4) as left, top, right, bottom in pixels of the input; scores (samples, A, classes).
Found = tuple[Floats, Floats]


def read_boxes(outputs: Mapping[str, Array], reading: Reading) -> Found:
    """Return the boxes of all samples and their scores of each class.

    Raises:
        UserError: an output is not there, or not of the form that ``task.postprocess`` says.
    """
    return _HEADS[reading.how.head](outputs, reading)


def _rows(outputs: Mapping[str, Array], reading: Reading) -> Found:
    name, values = _boxes_output(outputs, reading)
    if values.ndim != 3 or values.shape[2] not in (5, 6) or (values.shape[2] == 5 and reading.classes > 1):
        raise _odd(name, values, "[1, boxes, 6]: four numbers, score, class")
    classes = values[:, :, 5] if values.shape[2] == 6 else np.zeros(values.shape[:2])
    return _corners(values[:, :, :4], reading), _one_class(values[:, :, 4], classes, name, reading)


def _lists(outputs: Mapping[str, Array], reading: Reading) -> Found:
    how = reading.how
    assert how.classes is not None
    boxes, scores, classes = (_named(outputs, name) for name in (how.boxes[0], how.scores[0], how.classes))
    if boxes.ndim != 3 or boxes.shape[2] != 4:
        raise _odd(how.boxes[0], boxes, "[1, boxes, 4]")
    for name, values in ((how.scores[0], scores), (how.classes, classes)):
        if values.shape != boxes.shape[:2]:
            raise _odd(name, values, f"[1, {boxes.shape[1]}], one per box")
    return _corners(boxes, reading), _one_class(scores, classes, how.classes, reading)


def _scores(outputs: Mapping[str, Array], reading: Reading) -> Found:
    how = reading.how
    boxes, scores = _named(outputs, how.boxes[0]), _named(outputs, how.scores[0])
    if boxes.ndim != 3 or boxes.shape[2] != 4:
        raise _odd(how.boxes[0], boxes, "[1, boxes, 4]")
    if scores.ndim != 3 or scores.shape[:2] != boxes.shape[:2]:
        raise _odd(how.scores[0], scores, f"[1, {boxes.shape[1]}, scores], a row per box")
    return _corners(boxes, reading), _of_classes(scores, how.scores[0], reading)


def _yolo(outputs: Mapping[str, Array], reading: Reading) -> Found:
    name, values = _boxes_output(outputs, reading)
    widths = (4 + reading.classes, 5 + reading.classes)
    if values.ndim == 3 and values.shape[1] in widths and (values.shape[2] not in widths or values.shape[1] < 16):
        values = values.transpose(0, 2, 1) if values.shape[2] > values.shape[1] else values
    if values.ndim != 3 or values.shape[2] not in widths:
        raise _odd(name, values, f"[1, cells, {widths[0]}] or [1, cells, {widths[1]}] with {reading.classes} classes")
    boxes, rest = values[:, :, :4].astype(np.float64), values[:, :, 4:].astype(np.float64)
    if reading.how.logits:
        rest = _sigmoid(rest)
    if values.shape[2] == widths[1]:
        rest = rest[:, :, :1] * rest[:, :, 1:]
    if reading.how.strides:
        corners, strides = _cells(reading)
        if len(strides) != boxes.shape[1]:
            raise _odd(name, values, f"{len(strides)} cells for strides {list(reading.how.strides)}")
        middles = (boxes[:, :, :2] + corners) * strides[:, np.newaxis]
        boxes = np.concatenate([middles, np.exp(boxes[:, :, 2:].clip(max=20)) * strides[:, np.newaxis]], axis=2)
    return _corners(boxes, reading), rest


def _distances(outputs: Mapping[str, Array], reading: Reading) -> Found:
    """Distances from cells' centres: Tian et al., FCOS (2019); as distributions Li et al., GFL (2020)."""
    how = reading.how
    levels = [[_named(outputs, name) for name in names] for names in (how.boxes, how.scores)]
    for names, values in zip((how.boxes, how.scores), levels, strict=True):
        for name, level, stride in zip(names, values, how.strides, strict=True):
            cells = int(np.prod(_grid(reading, stride)))
            if level.ndim != 3 or level.shape[1] != cells or (names is how.boxes and level.shape[2] % 4):
                wanted = "4 times a number" if names is how.boxes else "scores"
                raise _odd(name, level, f"[1, {cells}, {wanted}] at stride {stride}")
    scores = _of_classes(np.concatenate(levels[1], axis=1), how.scores[0], reading)
    used = (scores > how.min_score).any(axis=2)  # few of very many cells
    raw = np.concatenate(levels[0], axis=1)[used].astype(np.float64)
    bins = raw.shape[1] // 4
    sides = raw if bins == 1 else _softmax(raw.reshape(-1, 4, bins)) @ np.arange(bins)
    corners, strides = (np.broadcast_to(values, (len(scores), *values.shape))[used] for values in _cells(reading))
    middles = corners + 0.5
    boxes = np.zeros((*used.shape, 4))
    boxes[used] = np.concatenate([middles - sides[:, :2], middles + sides[:, 2:]], axis=1) * strides[:, np.newaxis]
    return boxes, scores


_HEADS: Mapping[str, Callable[[Mapping[str, Array], Reading], Found]] = {
    "rows": _rows,
    "lists": _lists,
    "scores": _scores,
    "yolo": _yolo,
    "distances": _distances,
}


def _grid(reading: Reading, stride: int) -> tuple[int, int]:
    return -(-reading.size[0] // stride), -(-reading.size[1] // stride)


def _cells(reading: Reading) -> tuple[Floats, Floats]:
    """Return (x, y) of each cell, level by level and row by row, and its stride."""
    corners, strides = [], []
    for stride in reading.how.strides:
        rows, columns = _grid(reading, stride)
        y, x = np.mgrid[:rows, :columns]
        corners.append(np.stack([x.ravel(), y.ravel()], axis=1))
        strides.append(np.full(rows * columns, float(stride)))
    return np.concatenate(corners).astype(np.float64), np.concatenate(strides)


def _corners(boxes: Array, reading: Reading) -> Floats:
    """Return left, top, right, bottom in pixels."""
    a, b, c, d = np.moveaxis(boxes.astype(np.float64), 2, 0)
    sides = {
        "xyxy": (a, b, c, d),
        "yxyx": (b, a, d, c),
        "xywh": (a, b, a + c, b + d),
        "cxcywh": (a - c / 2, b - d / 2, a + c / 2, b + d / 2),
    }[reading.how.order]
    height, width = reading.size if reading.how.units == "share" else (1, 1)
    return np.stack(sides, axis=2) * np.array([width, height, width, height], dtype=np.float64)


def _of_classes(scores: Array, name: str, reading: Reading) -> Floats:
    """Return a score for each class, without the background's."""
    how, values = reading.how, scores.astype(np.float64)
    extra = values.shape[2] - reading.classes
    if extra not in (0, 1) or (extra == 0 and how.background is not None):
        rest = " and one for the background" if how.background else ", perhaps with one more for the background"
        raise _odd(name, scores, f"[1, boxes, {reading.classes}], a score per class{rest}")
    if how.logits:
        values = _softmax(values) if extra else _sigmoid(values)
    if not extra:
        return values
    return values[:, :, 1:] if how.background == "first" else values[:, :, :-1]


def _one_class(scores: Array, classes: Array, name: str, reading: Reading) -> Floats:
    """Return a score for each class: of the box's own, and 0 of the others."""
    first = reading.how.background == "first"
    numbers = np.rint(classes).astype(np.int64) - first
    values = scores.astype(np.float64)
    if reading.how.logits:
        values = _sigmoid(values)
    used = values > reading.how.min_score
    if not np.isin(numbers[used], np.arange(reading.classes)).all():
        wrong = numbers[used][~np.isin(numbers[used], np.arange(reading.classes))][0] + first
        raise UserError(
            f"task.postprocess: output '{name}' gives a box the class {wrong}; there are {reading.classes} classes"
            f"{', from 1 on' if first else ', from 0 on'}."
        )
    full = np.zeros((*values.shape, reading.classes))
    sample, box = np.nonzero(used)
    full[sample, box, numbers[used]] = values[used]
    return full


def _boxes_output(outputs: Mapping[str, Array], reading: Reading) -> tuple[str, Array]:
    """Return the output of a head that has one."""
    if reading.how.boxes:
        return reading.how.boxes[0], _named(outputs, reading.how.boxes[0])
    if len(outputs) > 1:
        raise UserError(
            f"task.postprocess.boxes: is missing; the model has {len(outputs)} outputs ({_listed(outputs)}), name the "
            "one that holds the boxes."
        )
    return next(iter(outputs.items()))


def _named(outputs: Mapping[str, Array], name: str) -> Array:
    if name not in outputs:
        raise UserError(f"task.postprocess: the model has no output '{name}'. {suggest(name, outputs)}")
    return outputs[name]


def _odd(name: str, values: Array, wanted: str) -> UserError:
    shape = [1, *values.shape[1:]]
    return UserError(f"task.postprocess: output '{name}' is {shape}; it must be {wanted}. Is it another 'head'?")


def _listed(outputs: Mapping[str, Array]) -> str:
    return ", ".join(f"{name} {[1, *values.shape[1:]]}" for name, values in outputs.items())


def _sigmoid(values: Floats) -> Floats:
    shares: Floats = 1 / (1 + np.exp(-values.clip(-500, 500)))
    return shares


def _softmax(values: Floats) -> Floats:
    raised: Floats = np.exp(values - values.max(axis=-1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return shares
