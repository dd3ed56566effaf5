"""The text of a drafted recipe: every key with a comment that says why it is so. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autotune.counts import counted
from autotune.drafting.guess import Guess
from autotune.drafting.media import image_layout
from autotune.recipe.document import write
from autotune.sources.looking import DataFacts, ModelFacts

_WIDTH = 100
_SHOWN = 12  # columns of a table
_REST = """\
# How much worse than float the result may be: a share of float's score (1%), or a number in the metric's units (0.01).
# Constraints on the winner, if you have any: max_latency: 5ms, max_size: 25MB, max_memory: 200MB, assurance: proven
tolerance: {max_drop: 1%}

# The search ends after so many candidates, or when the run has taken that long.
budget: {trials: 40, timeout: 10m}

# Inference threads; by default all usable cores. Measure with as many as you will serve with.
# threads: 4

# What may be tried is everything by default; 'autotune schema' has all keys.
# space: {precision: [f32, bf16]}
"""
_OF_LANGUAGE_MODELS = """\
# Weights of 4 bits suit language models, and are tried only where they are asked for:
# space: {compression: {bits: [8, 4]}}
"""


@dataclass(frozen=True)
class Named:
    """What the user named, as a recipe has it.

    Attributes:
        data: None where none were named.
    """

    name: str
    model: Mapping[str, Any]
    data: Mapping[str, Any] | None


def page(named: Named, model: ModelFacts, data: DataFacts | None, guess: Guess) -> str:
    """Return the recipe as YAML with comments."""
    parts = [
        _comment([f"Written by 'autotune init'. Check it: autotune validate. Run it: autotune tune.{_todo(guess)}"]),
        write({"version": 1, "name": named.name}),
        "\n",
        _comment([describe_model(model), *_about("model", guess)]),
        write({"model": dict(named.model)}),
        "\n",
    ]
    if dynamic := _dynamic(model):
        example = write({"inputs": {dynamic[0]: [1, 3, 224, 224]}})
        parts += [
            _comment(["Dynamic dimensions are fixed from the data; or say which here (batch of 1 first):"]),
            *(f"# {line}\n" for line in example.splitlines()),
            "\n",
        ]
    if guess.task is not None:
        parts += [
            _comment([f"Because {guess.why['task']}.", *_about("task", guess)]),
            write({"task": guess.task}),
            "\n",
        ]
    parts += [_data(named, model, data, guess), "\n"]
    if guess.metric is not None:
        parts += [
            _comment([f"Because {guess.why['metric']}.", *_about("metric", guess)]),
            write({"metric": guess.metric}),
            "\n",
        ]
    return "".join([*parts, _REST, *([_OF_LANGUAGE_MODELS] if _task_name(guess.task) == "text-generation" else [])])


def _task_name(task: Any) -> Any:
    return task["name"] if isinstance(task, Mapping) else task


def describe_model(model: ModelFacts) -> str:
    """Return a sentence about a model."""
    if model.is_folder:
        return f"A transformers folder: {model.architecture or 'it does not say of which class'}."
    if not model.inputs:
        return "Code that makes a PyTorch module; its inputs are the parameters of forward."
    return f"Inputs: {'; '.join(map(str, model.inputs))}. Outputs: {'; '.join(map(str, model.outputs))}."


def describe_data(data: DataFacts) -> str:
    """Return a sentence about data."""
    if data.boxes is not None:
        return (
            f"{counted(data.boxes.images, 'image')} with {counted(data.boxes.boxes, 'box', 'boxes')} of "
            f"{counted(len(data.boxes.classes), 'class', 'classes')}."
        )
    if data.files is not None:
        called = counted(data.samples, data.files.kind if data.files.kind == "image" else "recording")
        classes = (
            counted(len(data.files.classes) or data.files.numbers, "class", "classes")
            if data.files.label
            else "no labels"
        )
        return f"{called}; {'masks' if data.files.masks else classes}."
    if data.columns:
        names = [column.name for column in data.columns]
        rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return f"{counted(data.samples, 'row')} with the columns {', '.join(names[:_SHOWN])}{rest}."
    held = "; ".join(map(str, data.arrays))
    labels = data.labels
    if labels is None:
        return f"{counted(data.samples, 'sample')}: {held}; no labels."
    kind = counted(labels.distinct, "class", "classes") if labels.classes else str(labels)
    return f"{counted(data.samples, 'sample')}: {held}; labels: {kind}."


def _data(named: Named, model: ModelFacts, data: DataFacts | None, guess: Guess) -> str:
    split = "It is dealt out as: split: {calibration: 0.15, search: 0.25, holdout: 0.6}"
    told = [describe_data(data)] if data is not None else []
    name, path = _task_name(guess.task), "data.csv" if model.is_folder else "data.npz"
    if named.data is None:
        what = "a table with the columns of the task (README)" if model.is_folder else _arrays(model)
        if name == "detection":
            what, path = "a .json of COCO, or a table with a row per box: file, x, y, w, h, class", "boxes.json"
        elif model.has_processor or any(map(image_layout, model.inputs)):
            what += ", or a folder of images or recordings with one folder inside per class"
        told = [f"TO DO: you named no data. Give {what}, or FILE.py:function that returns the same."]
    source = dict(named.data or {"path": path})
    if guess.columns:
        source["columns"] = dict(guess.columns)
    return _comment([*told, *_about("data", guess), split]) + write({"data": source})


def _arrays(model: ModelFacts) -> str:
    names = ", ".join(f"'{port.name}'" for port in model.inputs) or "for each input"
    return f"an .npz with an array {names} (first axis: samples) and 'labels'"


def _about(key: str, guess: Guess) -> list[str]:
    return [f"TO DO: {sentence}" for sentence in guess.open if sentence.startswith(key)]


def _dynamic(model: ModelFacts) -> list[str]:
    """Return the inputs that have a dynamic dimension besides the batch."""
    return [port.name for port in model.inputs if port.shape is None or None in port.shape[1:]]


def _todo(guess: Guess) -> str:
    return " What could not be guessed is marked TO DO." if guess.open else ""


def _comment(sentences: Sequence[str]) -> str:
    wrapped = (textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False) for text in sentences)
    return "".join(f"# {line}\n" for lines in wrapped for line in lines)
