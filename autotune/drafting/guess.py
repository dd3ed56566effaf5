"""From facts about a model and its data to what a recipe must say: pure, and honest about what it cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autotune.drafting.columns import columns_for
from autotune.drafting.detection import guess_detection
from autotune.drafting.media import guess_media, media_task
from autotune.recipe import TaskName
from autotune.sources.looking import DataFacts, Labels, ModelFacts, Port
from autotune.text import TASKS

_INTEGERS = "iub"
_COSINE = "cosine-to-float"


@dataclass(frozen=True)
class Guess:
    """What was made of the facts.

    Attributes:
        metric: as a recipe writes it; None where the task's own will do.
        task: as a recipe writes it; None where samples are arrays.
        columns: role -> the table's name for it, where that is another.
        why: key of the recipe -> the reason for its value.
        open: sentences: what could not be guessed, or does not fit and must be mended.
    """

    metric: Any = None
    task: Any = None
    columns: Mapping[str, str] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    open: tuple[str, ...] = ()


def guess(model: ModelFacts, data: DataFacts | None, task: TaskName | None) -> Guess:
    """Return what these facts suggest.

    Args:
        data: None where there are none, or they were not looked at.
        task: what the user said it is.
    """
    if (name := media_task(model, data, task)) is not None:
        said = task is not None
        made = (
            guess_detection(model, data, said=said)
            if name == "detection"
            else guess_media(model, data, name, said=said)
        )
        return Guess(task=made.task, columns=made.columns, why={"task": made.why}, open=made.open)
    return _folder(model, data, task) if model.is_folder else _arrays(model, data)


def _folder(model: ModelFacts, data: DataFacts | None, task: str | None) -> Guess:
    heads = [name for name, known in TASKS.items() if known.head and model.architecture.endswith(known.head)]
    chosen, why = task or (heads[0] if heads else ""), "you said so"
    if task is None:
        why = f"{model.architecture} is made for it"
    if not chosen:
        pairs = data is not None and columns_for(TASKS["sentence-similarity"].needs, data.columns, None)[1] == ()
        chosen = "sentence-similarity" if pairs else "feature-extraction"
        why = f"{model.architecture or 'the model'} has no head, and the table " + (
            "has pairs of texts" if pairs else "has no pairs of texts to compare"
        )
    needs = TASKS[chosen].needs  # type: ignore[index]
    if data is None:
        return Guess(task=chosen, why={"task": why})
    if not data.columns:
        unfit = f"data: a task needs a table (.csv, .jsonl, .parquet), these are arrays; {chosen} reads {_list(needs)}."
        return Guess(task=chosen, why={"task": why}, open=(unfit,))
    columns, missing = columns_for(needs, data.columns, chosen)
    there = _list(column.name for column in data.columns)
    said = tuple(f"data.columns: no column looks like the '{role}' of {chosen}; there are {there}." for role in missing)
    if chosen == "text-classification" and len(model.labels) == 1:
        told = {"task": why, "metric": "the model gives one number; spearman or pearson would judge the order only"}
        return Guess("rmse", task=chosen, columns=columns, why=told, open=said)
    return Guess(task=chosen, columns=columns, why={"task": why}, open=said)


def _arrays(model: ModelFacts, data: DataFacts | None) -> Guess:
    if data is None:
        return Guess(_COSINE, why={"metric": "what is right is not known without data; it needs no labels"})
    if data.columns:
        name = model.inputs[0].name if model.inputs else "INPUT"
        unfit = (
            "data: a table is for texts, images and recordings; save numbers as arrays instead: np.savez('data.npz', "
            f"**{{'{name}': table[COLUMNS].to_numpy('float32'), 'labels': table['label'].to_numpy()}})."
        )
        return Guess(_COSINE, why={"metric": "it needs no labels"}, open=(unfit,))
    metric, why, said = _metric(model.outputs, data.labels)
    faults = [data.fault] if data.fault else []
    misfits = _misfits(model.inputs, data.arrays, data.labels is not None)
    return Guess(metric, why={"metric": why}, open=(*faults, *misfits, *said))


def _metric(outputs: tuple[Port, ...], labels: Labels | None) -> tuple[Any, str, tuple[str, ...]]:
    if labels is None:
        return _COSINE, "there are no labels; it compares outputs with those of float", ()
    if not outputs:
        if labels.kind in _INTEGERS and labels.classes:
            return "accuracy", "the labels are classes; the outputs are not known before the model runs", ()
        if labels.kind == "f" and labels.shape == ():
            return "mae", "the labels are numbers; the outputs are not known before the model runs", ()
    for port in outputs:
        if (found := _fitting(port, labels)) is not None:
            name, why = found
            return (name if len(outputs) == 1 else {"name": name, "output": port.name}), why, ()
    shown = f"labels {labels} and the outputs {_list([str(port) for port in outputs])}"
    said = f"metric: no built-in one clearly fits {shown}; write the one that you are judged by."
    scores = [port.shape[-1] for port in outputs if port.shape is not None and len(port.shape) == 2]
    if labels.kind in "US":
        said = "metric: the labels are text; give class numbers in the order of the outputs, then accuracy can be used."
    elif labels.is_one_hot and labels.shape[0] in scores:
        said = "metric: the labels are one-hot; save labels.argmax(1) instead, then accuracy can be used."
    elif labels.classes and labels.kind in _INTEGERS and labels.high in scores:
        said = (
            f"metric: labels go from {labels.low:g} to {labels.high:g}, the outputs' classes from 0 to "
            f"{labels.high - 1:g}; if they begin at 1, subtract 1, then accuracy can be used."
        )
    return _COSINE, "it needs no labels and always works", (said,)


def _fitting(port: Port, labels: Labels) -> tuple[str, str] | None:
    """Return the metric that scores this output against these labels, and why."""
    if port.shape is None:
        return None
    rest = port.shape[1:]
    one = all(d == 1 for d in rest)
    if labels.kind in _INTEGERS and labels.low >= 0 and (labels.classes or labels.shape):
        for axis in {0, len(rest) - 1} if rest else ():
            scores, others = rest[axis], rest[:axis] + rest[axis + 1 :]
            if _same(others, labels.shape) and scores != 1 and (scores is None or labels.high < scores):
                return "accuracy", f"labels are {labels.distinct} classes, '{port.name}' has scores of {scores or '?'}"
        if one and labels.shape == () and labels.high == 1:
            return "auc", f"labels are 0 and 1, '{port.name}' is one number"
        if one and labels.shape == () and labels.kind != "b" and not port.element.startswith("f"):
            return "accuracy", f"labels are classes and '{port.name}' is one"
    if labels.kind in "iuf" and one and labels.shape == () and port.element.startswith(("f", "bf")):
        return "mae", f"labels and '{port.name}' are numbers; rmse, pearson and spearman are others"
    return None


def _same(shape: tuple[int | None, ...], other: tuple[int, ...]) -> bool:
    return len(shape) == len(other) and all(a is None or a == b for a, b in zip(shape, other, strict=True))


def _misfits(inputs: tuple[Port, ...], arrays: tuple[Port, ...], labelled: bool) -> list[str]:
    """Say where arrays are not what the model takes; nothing where its inputs are not known."""
    by_name = {port.name: port for port in inputs}
    if not by_name:
        return []
    said = []
    unknown = [array for array in arrays if array.name not in by_name]
    missing = [name for name in by_name if name not in {array.name for array in arrays}]
    likely = [array for array in unknown if array.shape is not None and len(array.shape) == 1]
    if not labelled and len(likely) == 1 and len(unknown) == len(missing) + 1:
        said.append(f"data: the array '{likely[0].name}' must be called 'labels', if that is what it holds.")
        unknown.remove(likely[0])
    if len(unknown) == len(missing) == 1:
        said.append(f"data: the array '{unknown[0].name}' must be called '{missing[0]}', as the model's input is.")
        return said + _unfit(unknown[0], by_name[missing[0]])
    said += [f"data: the model has no input '{array.name}'; it takes {_list(by_name)}." for array in unknown]
    said += [f"data: there is no array for the model's input {by_name[name]}." for name in missing]
    for array in arrays:
        if array.name in by_name:
            said += _unfit(array, by_name[array.name])
    return said


def _unfit(array: Port, port: Port) -> list[str]:
    """Say how an array's type and shape are not those of the input it is for."""
    said = []
    if array.element == "uint8" and port.element.startswith("f"):
        said.append(
            f"data: the array '{array.name}' is uint8 and is fed as it is; if the model was trained on scaled values, "
            "save these."
        )
    known = port.shape is not None and array.shape is not None
    if known and not _same(port.shape[1:], tuple(d or 0 for d in array.shape[1:])):  # type: ignore[index]
        said.append(f"data: the array {array} does not fit the model's input {port} (first axis: samples).")
    return said


def _list(names: Any) -> str:
    return ", ".join(names)
