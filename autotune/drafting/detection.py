"""The task of boxes: what a detector, and boxes that are known, suggest. Pure."""

from __future__ import annotations

from typing import Any

from autotune.drafting.heads import head_of
from autotune.drafting.media import MediaGuess, image_size, image_steps
from autotune.sources.looking import DataFacts, ModelFacts
from autotune.sources.looking_boxes import Boxes

_HEAD = "ForObjectDetection"
# The usual side, where a model takes any.
_SIDE = 640
# As YOLO is trained: proportions kept, and grey around.
_LETTERBOX = {"resize": "contain", "around": 114}


def guess_detection(model: ModelFacts, data: DataFacts | None, *, said: bool) -> MediaGuess:
    """Return what these facts suggest for detection.

    Args:
        said: the user named the task.
    """
    boxes = None if data is None else data.boxes
    task: dict[str, Any] = {"name": "detection"}
    todo = _of_folder(model, boxes, task) if model.is_folder else _of_file(model, boxes, task)
    if boxes is not None and boxes.missing:
        todo.append(
            f"data.images: {boxes.missing} is neither beside the file nor in a folder near it; write the folder of the "
            "images."
        )
    if data is not None and boxes is None:
        todo.append("data: detection needs boxes: a .json of COCO, or a table with columns file, x, y, w, h and class.")
    columns: dict[str, str] = {}
    if data is not None and data.files is not None and boxes is not None:
        label = boxes.label
        columns = {} if data.files.column in ("file", "image", "img") else {"file": data.files.column}
        columns |= {} if label in ("", "label", "class", "category") else {"label": label}
        if not label:
            todo.append("data: no column says what is in a box; add one called 'class'.")
    why = (
        f"{model.architecture} is made for it" if model.architecture.endswith(_HEAD) else "the data are boxes in images"
    )
    return MediaGuess(
        task="detection" if set(task) == {"name"} else task,
        why="you said so" if said else why,
        columns=columns,
        open=tuple(todo),
    )


def _of_folder(model: ModelFacts, boxes: Boxes | None, task: dict[str, Any]) -> list[str]:
    """Fill in the task of a transformers folder, and return what it leaves open."""
    if not model.architecture.endswith(_HEAD):
        return [f"model: boxes are found by a folder of a model ...{_HEAD}; this is {model.architecture or 'another'}."]
    todo = []
    if not model.has_processor:
        task["preprocess"] = {"size": model.image_size or _SIDE}
        todo.append("task.preprocess: the folder has no preprocessor_config.json; write how a file becomes its input.")
    unknown = [] if boxes is None else [name for name in boxes.classes if name not in model.labels]
    if unknown:
        todo.append(
            f"task.labels: the model has no class '{unknown[0]}' (id2label in its config.json); name all of its "
            "classes in the words of the data, in the order of its outputs."
        )
    return todo


def _of_file(model: ModelFacts, boxes: Boxes | None, task: dict[str, Any]) -> list[str]:
    """Fill in the task of a model that is a file or code, and return what it leaves open."""
    steps, todo = image_steps(model, _SIDE)
    names = () if boxes is None else boxes.classes
    head = head_of(model.outputs, image_size(model), len(names))
    yolo = head.postprocess is not None and head.postprocess["head"] == "yolo"
    task["preprocess"] = {**steps, **_LETTERBOX} if yolo else steps
    if yolo:
        todo.append("task.preprocess: images keep their proportions, grey around them, as YOLO is mostly trained.")
    if names:
        task["labels"] = list(names)
    if head.postprocess is None:
        todo.append("task.postprocess: is missing; say what the outputs hold, beginning with its 'head'.")
    else:
        task["postprocess"] = dict(head.postprocess)
    if names and head.classes not in (None, len(names)):
        todo.append(
            f"task.labels: the data have {len(names)} classes and the model scores {head.classes}; name all of the "
            "model's."
        )
    elif names:
        todo.append(
            "task.labels: their order is not in the model's file; here it is that of COCO's numbers, of a table "
            "alphabetical."
        )
    return [*todo, *head.open]
