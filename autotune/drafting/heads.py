"""What a detector's outputs hold, as far as their shapes and names tell. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autotune.sources.looking import Port

# Pixels per cell that detectors have; those with cells of their own for each box use three levels of them.
_STRIDES = (8, 16, 32, 64, 128)
_YOLO = (8, 16, 32)
# More boxes than a model would give that has thinned them out itself.
_MANY = 1000
# As transformers' detectors name and mean them.
_DETR = {"format": "cxcywh", "units": "share", "logits": True, "nms": 1.0}


@dataclass(frozen=True)
class Head:
    """How boxes are read, as ``task.postprocess`` of a recipe; None where nothing fits.

    Attributes:
        classes: how many classes have scores, without the background; None where shapes do not tell.
        open: what was assumed, sentences.
    """

    postprocess: Mapping[str, Any] | None = None
    classes: int | None = None
    open: tuple[str, ...] = ()


def head_of(outputs: Sequence[Port], size: tuple[int, int] | None, classes: int) -> Head:
    """Return the head that these outputs look like.

    Args:
        size: (height, width) of the model's input; None where it takes any.
        classes: of the data, which may be fewer than the model's; 0 where they are not known.
    """
    ranked = [port for port in outputs if port.shape is not None]
    wide = [port for port in ranked if len(port.shape or ()) == 3]
    if len(wide) == 1 and len(outputs) == 1:
        return _one(wide[0], size, classes)
    boxes = [port for port in wide if _width(port) == 4]
    if len(boxes) == 1 and len(wide) == 1:
        return _lists(boxes[0], [port for port in ranked if len(port.shape or ()) == 2])
    if len(wide) == 2 and boxes:
        return _scores(wide, classes)
    return _distances(wide, size, classes) if len(wide) == len(outputs) else Head()


def _one(port: Port, size: tuple[int, int] | None, classes: int) -> Head:
    """Return a head of one output: rows of boxes that are thinned out, or everything that YOLO finds."""
    assert port.shape is not None
    axes = port.shape[1:]
    if (axes[1] == 6 or (axes[1] == 5 and classes == 1)) and (axes[0] is None or axes[0] <= _MANY):
        said = "its rows are taken for left, top, right, bottom in pixels, score and class"
        return Head({"head": "rows"}, None, (_assumed(said),))
    cells = None if size is None else sum(_cells(size, stride) for stride in _YOLO)
    for many, width in (axes, axes[::-1]):
        if width is None or width < 5 or (many is not None and many < width):
            continue
        if classes and width - classes in (4, 5):
            return _yolo(classes, width - classes == 5, many == cells)
        if cells is not None and many == cells:
            return _yolo(width - 4, False, True)
        if cells is not None and many == 3 * cells:
            return _yolo(width - 5, True, False)
    return Head()


def _yolo(classes: int, with_object: bool, one_per_cell: bool) -> Head:
    said = "its boxes are taken for middle, width and height in pixels"
    if with_object and one_per_cell:
        said += f"; if they are relative to cells, as YOLOX exports them, add 'strides: {list(_YOLO)}'"
    return Head({"head": "yolo"}, classes, (_assumed(said),))


def _lists(boxes: Port, others: Sequence[Port]) -> Head:
    """Return a head of boxes, their scores and their classes."""
    others = [port for port in others if port.shape is not None and port.shape[1] == _boxes(boxes)]
    numbers = [port for port in others if _is_named(port, "class", "label") or not port.element.startswith(("f", "bf"))]
    scores = [port for port in others if port not in numbers]
    if len(numbers) != 1 or len(scores) != 1:
        return Head()
    found: dict[str, Any] = {"head": "lists", "boxes": boxes.name, "scores": scores[0].name, "classes": numbers[0].name}
    if boxes.name.startswith("detection_"):
        return Head(
            {**found, "format": "yxyx", "units": "share", "background": "first"},
            None,
            (
                _assumed(
                    "names are those of TensorFlow's detectors, whose boxes are top, left, bottom, right from 0 to 1"
                ),
            ),
        )
    return Head(found, None, (_assumed("boxes are taken for left, top, right, bottom in pixels"),))


def _scores(both: Sequence[Port], classes: int) -> Head:
    """Return a head of boxes and, for each, a score per class."""
    four = [port for port in both if _width(port) == 4]
    boxes = four[0] if len(four) == 1 else next((port for port in four if _is_named(port, "box")), None)
    if boxes is None:
        return Head()
    scores = next(port for port in both if port is not boxes)
    width = _width(scores)
    extra = 1 if classes and width == classes + 1 else 0
    found = {"head": "scores", "boxes": boxes.name, "scores": scores.name}
    if {boxes.name, scores.name} == {"pred_boxes", "logits"}:
        said = (
            "names are those of DETR, whose boxes are middle, width and height from 0 to 1, and whose scores are logits"
        )
        return Head({**found, **_DETR}, None if width is None else width - extra, (_assumed(said),))
    said = "boxes are taken for left, top, right, bottom in pixels, scores for shares from 0 to 1"
    return Head(found, None if width is None else width - extra, (_assumed(said),))


def _distances(ports: Sequence[Port], size: tuple[int, int] | None, classes: int) -> Head:
    """Return a head of scores and distances at several strides."""
    if size is None or len(ports) < 4 or len(ports) % 2:
        return Head()
    strides = {_cells(size, stride): stride for stride in _STRIDES}
    levels: dict[int, list[Port]] = {}
    for port in ports:
        assert port.shape is not None
        if port.shape[1] not in strides:
            return Head()
        levels.setdefault(strides[port.shape[1]], []).append(port)
    widths = {_width(port) for port in ports}
    scored = {width for width in widths if width is not None and classes and width - classes in (0, 1)}
    sides = {width for width in widths - scored if width is not None and width % 4 == 0}
    if len(scored) != 1 or len(sides) != 1 or any(len(pair) != 2 for pair in levels.values()):
        return Head()
    ordered = sorted(levels)
    named = {
        key: [next(port.name for port in levels[stride] if _width(port) in of) for stride in ordered]
        for key, of in (("scores", scored), ("boxes", sides))
    }
    said = "scores are taken for shares from 0 to 1"
    return Head({"head": "distances", "strides": ordered, **named}, classes, (_assumed(said),))


def _assumed(said: str) -> str:
    return (
        f"task.postprocess: shapes tell the head, and not all else: {said}. A low score of float f32 says that it is "
        "otherwise; 'autotune schema' has format, units, logits and background."
    )


def _width(port: Port) -> int | None:
    return None if port.shape is None else port.shape[-1]


def _boxes(port: Port) -> int | None:
    return None if port.shape is None else port.shape[1]


def _cells(size: tuple[int, int], stride: int) -> int:
    return -(-size[0] // stride) * -(-size[1] // stride)


def _is_named(port: Port, *parts: str) -> bool:
    return any(part in port.name.lower() for part in parts)
