"""Images and recordings: the task, and the steps from a file to the model's input, as far as its shape says. Pure."""

from __future__ import annotations

from typing import Any

from autotune.drafting.columns import columns_for
from autotune.drafting.guesses import Guess
from autotune.media import MEDIA_TASKS
from autotune.recipe import MEDIA
from autotune.sources.looking import DataFacts, ModelFacts, Port

TASK_OF = {"image": "image-classification", "audio": "audio-classification"}
_CALLED = {"image": "images", "audio": "recordings"}
_RATE = 16000


def guess_files(model: ModelFacts, data: DataFacts | None, task: str | None) -> Guess:
    """Return what a recipe for images or recordings may say.

    Args:
        data: of which the kind of files is known, or None.
        task: what the user or the model's class says; None for classification.
    """
    name = task or TASK_OF[data.kind if data is not None else "image"]
    kind = MEDIA[name]  # type: ignore[index]
    why = "you said so" if task is not None else f"the data are {_CALLED[kind]}"
    columns, said = _columns(data, kind)
    spec: dict[str, Any] = {"name": name}
    if not model.is_folder:
        steps, unknown = _image(model.inputs) if kind == "image" else _recording(model.inputs)
        spec["preprocess"], said = steps, [*said, *unknown]
        if data is not None and data.classes and not all(name.isdecimal() for name in data.classes):
            spec["labels"] = list(data.classes)
            said.append("task.labels: their alphabetical order is assumed; write them in the order of the outputs.")
    return Guess(task=name if set(spec) == {"name"} else spec, columns=columns, why={"task": why}, open=tuple(said))


def _columns(data: DataFacts | None, kind: str) -> tuple[dict[str, str], list[str]]:
    if data is None:
        return {}, []
    if not data.columns:
        return {}, [
            f"data: the task needs a folder with a folder per class, or a table of {_CALLED[kind]}; these are arrays."
        ]
    names = {column.name for column in data.columns}
    usual = next(iter(MEDIA_TASKS[TASK_OF[kind]].columns), "file")  # type: ignore[index]
    taken: dict[str, str] = {}
    if "file" not in names and usual not in names:
        if data.file_column is None:
            return {}, [
                f"data.columns: no column holds files of {_CALLED[kind]}; there are {', '.join(sorted(names))}."
            ]
        taken["file"] = data.file_column
    rest = tuple(column for column in data.columns if column.name not in {"file", usual, *taken.values()})
    labels, missing = columns_for(["label"], rest, None)
    said = [f"data.columns: no column looks like the 'label'; there are {', '.join(sorted(names))}."] if missing else []
    return {**taken, **labels}, said


def _image(inputs: tuple[Port, ...]) -> tuple[dict[str, Any], list[str]]:
    said = [
        "task.preprocess: mean 0 and std 1 of values from 0 to 1 are assumed; write those that the model was trained "
        "with, and how images were resized."
    ]
    port = next((port for port in inputs if port.shape is not None and len(port.shape) == 4), None)
    if port is None or port.shape is None:
        return {"size": 224, "mean": 0, "std": 1}, [*said, "task.preprocess.size: no input has the shape of an image."]
    _, first, _, last = port.shape
    behind = first not in (1, 3) and last in (1, 3)
    channels = last if behind else first
    size = port.shape[1:3] if behind else port.shape[2:]
    if None in size:
        said.append("task.preprocess.size: the model takes any; write the one that it is served with.")
    steps: dict[str, Any] = {"input": port.name, "size": [side or 224 for side in size]}
    steps |= {"colour": "grey"} if channels == 1 else {}
    steps |= {"layout": "NHWC"} if behind else {}
    return {**steps, "mean": 0, "std": 1}, said


def _recording(inputs: tuple[Port, ...]) -> tuple[dict[str, Any], list[str]]:
    said = [f"task.preprocess.rate: {_RATE} samples per second are assumed; write the model's."]
    port = next((port for port in inputs if port.shape is not None and len(port.shape) in (2, 3)), None)
    if port is None or port.shape is None:
        return {"rate": _RATE, "seconds": 1}, [*said, "task.preprocess.seconds: no input has the shape of a recording."]
    length = max((d for d in port.shape[1:] if d is not None and d > 1), default=None)
    if length is None:
        said.append("task.preprocess.seconds: the model takes any; write the length that it is served with.")
    steps: dict[str, Any] = {"input": port.name, "rate": _RATE, "seconds": (length or _RATE) / _RATE}
    if len(port.shape) == 3:
        steps["shape"] = "NTC" if port.shape[2] == 1 else "NCT"
    return steps, said
