"""Tasks of images and recordings: what a model's inputs, its config and the files suggest. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autotune.media import MEDIA_TASKS
from autotune.recipe import MEDIA, TaskName
from autotune.sources.looking import DataFacts, ModelFacts, Port
from autotune.sources.looking_files import Files

_COLOURS = (1, 3)
# The usual side, where a model takes any.
_SIDE = 224
# A wave has at least so many values, a spectrum has fewer bands.
_SHORTEST_WAVE = 400


@dataclass(frozen=True)
class MediaGuess:
    """What was made of the facts; ``task`` is as a recipe writes it, ``why`` the reason for it.

    Attributes:
        columns: role -> the table's name for it, where that is another.
        open: sentences: what could not be guessed.
    """

    task: str | dict[str, Any]
    why: str
    columns: Mapping[str, str]
    open: tuple[str, ...]


def media_task(model: ModelFacts, data: DataFacts | None, asked: TaskName | None) -> TaskName | None:
    """Return the name of the task of images or recordings that this is, None where it is another."""
    files = None if data is None else data.files
    if asked is not None:
        return asked if asked in MEDIA else None
    if data is not None and data.boxes is not None:
        return "detection"
    for name, known in MEDIA_TASKS.items():
        if known.head and model.architecture.endswith(known.head) and (files or model.has_processor):
            kind = "audio" if files is None and model.takes_waves else files.kind if files else MEDIA[name]
            if kind == MEDIA[name]:
                return name
    if files is None:
        return None
    if files.kind == "audio":
        return "audio-classification"
    dense = any(port.shape is not None and len(port.shape) == 4 for port in model.outputs)
    return "semantic-segmentation" if files.masks and (dense or model.is_folder) else "image-classification"


def guess_media(model: ModelFacts, data: DataFacts | None, name: TaskName, *, said: bool) -> MediaGuess:
    """Return what these facts suggest for a task of images or recordings, but for ``detection``.

    Args:
        said: the user named the task.
    """
    files = None if data is None else data.files
    task: dict[str, Any] = {"name": name}
    todo: list[str] = []
    if model.is_folder:
        why = f"{model.architecture or 'the model'} is made for it"
        if not model.has_processor:
            task["preprocess"] = _by_config(model, name, files)
            todo.append(
                "task.preprocess: the folder has no preprocessor_config.json; write how a file becomes its input."
            )
    else:
        why = (
            "the data are images with masks" if name == "semantic-segmentation" else f"the data are {MEDIA[name]} files"
        )
        steps, open_ = _steps(model, name, files)
        task["preprocess"] = steps
        todo += open_
    if files is None and data is not None:
        todo.append(f"data: {name} needs a folder with one folder per class, or a table with a column of files.")
    columns: dict[str, str] = {}
    if files is not None:
        wanted = files.masks if name == "semantic-segmentation" else files.label
        usual = {"file", *MEDIA_TASKS[name].columns}
        columns |= {} if files.column in usual else {"file": files.column}
        columns |= {} if wanted in ("", "label") else {"label": wanted}
        if not wanted:
            todo.append(f"data: there are no labels, which {name} is judged by; add them, or name another metric.")
        elif name != "semantic-segmentation":
            todo += _classes(model, files, task)
    return MediaGuess(
        task=name if set(task) == {"name"} else task,
        why="you said so" if said else why,
        columns=columns,
        open=tuple(todo),
    )


def _classes(model: ModelFacts, files: Files, task: dict[str, Any]) -> list[str]:
    """Say which class is which, where the model does not, and tell where it cannot be so."""
    if model.is_folder:
        unknown = [name for name in files.classes if name not in model.labels]
        if files.classes and unknown:
            return [
                f"task.labels: the model has no class '{unknown[0]}' (id2label in its config.json); name all of its "
                "classes in the words of the data, in the order of its outputs."
            ]
        return []
    scores = [port.shape[-1] for port in model.outputs if port.shape is not None and len(port.shape) == 2]
    found = len(files.classes) or files.numbers
    if files.classes:
        task["labels"] = list(files.classes)
    if found and scores and scores[0] is not None and (scores[0] < found or (files.classes and scores[0] != found)):
        return [
            f"task.labels: the data have {found} classes and the model scores {scores[0]}; name all of the model's."
        ]
    if files.classes:
        return ["task.labels: their order is not in the model's file; here it is alphabetical, as it mostly is."]
    return []


def _by_config(model: ModelFacts, name: TaskName, files: Files | None) -> dict[str, Any]:
    if MEDIA[name] == "audio":
        return {"rate": (files.rate if files else None) or 16000, "seconds": 1.0}
    return {"size": model.image_size or _SIDE}


def _steps(model: ModelFacts, name: TaskName, files: Files | None) -> tuple[dict[str, Any], list[str]]:
    """Return ``preprocess`` for a model that is a file or code, and what it leaves open."""
    return _wave_steps(model, files) if MEDIA[name] == "audio" else image_steps(model, _SIDE)


def image_steps(model: ModelFacts, side: int) -> tuple[dict[str, Any], list[str]]:
    """Return ``preprocess`` of images for a model that is a file or code, and what it leaves open.

    Args:
        side: height and width in pixels where the model takes any.
    """
    found = _image_input(model)
    if found is None:
        takes = "; ".join(map(str, model.inputs)) or "inputs that are not known before it runs"
        return {"size": side}, [f"task.preprocess: no input looks like an image ({takes}); write what it takes."]
    port, layout = found
    height, width = _sides(port, layout)
    assert port.shape is not None
    channels = port.shape[1] if layout == "NCHW" else port.shape[3]
    steps: dict[str, Any] = {"input": port.name, "size": [height or side, width or side]}
    steps |= {"layout": layout} if layout != "NCHW" else {}
    steps |= {"colour": "grey"} if channels == 1 else {}
    todo = []
    order, assumed = ("", "values from 0 to 1") if channels == 1 else (", and the order of colours,", "0 to 1, in RGB,")
    if port.element.startswith("f"):
        todo.append(
            f"task.preprocess: mean and std{order} are not in the model's file; {assumed} are assumed. "
            "A low score of float f32 says that it was trained otherwise."
        )
    else:
        steps["scale"] = 1.0
    if height is None or width is None:
        todo.append(f"task.preprocess.size: the model takes any; {side} is assumed, write what it was trained with.")
    return steps, [*todo, *_more_inputs(model, port)]


def image_size(model: ModelFacts) -> tuple[int, int] | None:
    """Return (height, width) of the images that a model takes; None where it takes any, or no images."""
    found = _image_input(model)
    if found is None:
        return None
    height, width = _sides(*found)
    return None if height is None or width is None else (height, width)


def _image_input(model: ModelFacts) -> tuple[Port, str] | None:
    return next(((port, layout) for port in model.inputs if (layout := image_layout(port)) is not None), None)


def _sides(port: Port, layout: str) -> tuple[int | None, int | None]:
    assert port.shape is not None
    return (port.shape[2], port.shape[3]) if layout == "NCHW" else (port.shape[1], port.shape[2])


def _wave_steps(model: ModelFacts, files: Files | None) -> tuple[dict[str, Any], list[str]]:
    rate = (files.rate if files else None) or 16000
    todo = (
        [] if files is not None and files.rate else [f"task.preprocess.rate: not known; {rate} per second is assumed."]
    )
    found = [(port, shape) for port in model.inputs if (shape := wave_shape(port)) is not None]
    if not found:
        takes = "; ".join(map(str, model.inputs)) or "inputs that are not known before it runs"
        todo.append(
            f"task.preprocess: no input looks like a wave ({takes}); spectrograms are not made here, so give arrays of "
            "them (FILE.py:function, .npz) and leave the task out, or use a transformers folder with its processor."
        )
        return {"rate": rate, "seconds": 1.0}, todo
    port, shape = found[0]
    assert port.shape is not None
    values = port.shape[shape.index("T")]
    steps: dict[str, Any] = {"input": port.name, "rate": rate, "seconds": values / rate if values else 1.0}
    steps |= {"shape": shape} if shape != "NT" else {}
    if values is None:
        todo.append("task.preprocess.seconds: the model takes any length; 1 second is assumed.")
    elif files is not None and files.rate:
        todo.append(
            f"task.preprocess.rate: that of the recordings, {rate} per second, is taken for the model's, so its "
            f"{values} values are {values / rate:.3g} s; write the rate that it was trained with."
        )
    return steps, [*todo, *_more_inputs(model, port)]


def image_layout(port: Port) -> str | None:
    """Return where an input has its channels, None where it takes no images."""
    if port.shape is None or len(port.shape) != 4:
        return None
    return "NCHW" if port.shape[1] in _COLOURS else "NHWC" if port.shape[3] in _COLOURS else None


def wave_shape(port: Port) -> str | None:
    """Return the order of an input's dimensions, None where it takes no waves."""
    if port.shape is None or not port.element.startswith("f"):
        return None
    rest = port.shape[1:]
    for shape, place in (("NT", 0), ("NCT", 1), ("NTC", 0)):
        others = rest[:place] + rest[place + 1 :]
        if (
            len(rest) == len(shape) - 1
            and all(d == 1 for d in others)
            and (rest[place] or _SHORTEST_WAVE) >= _SHORTEST_WAVE
        ):
            return shape
    return None


def _more_inputs(model: ModelFacts, port: Port) -> list[str]:
    others = [other.name for other in model.inputs if other is not port]
    return [f"task: the model also has the inputs {', '.join(others)}, which a file does not give."] if others else []
