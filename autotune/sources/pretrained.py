"""A model of transformers given as an object, to a task: saved as the folder that a recipe names."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from autotune import chatter
from autotune.errors import UserError
from autotune.recipe import MEDIA
from autotune.text import TASKS as TEXT_TASKS

# What prepares the samples of a task, by their kind; texts have none.
_PREPARES = {None: "tokenizer", "image": "image processor", "audio": "feature extractor"}


class Processor(Protocol):
    """Tokenizers, image processors and feature extractors of transformers."""

    def save_pretrained(self, directory: Any, /) -> Any:
        """Write what :meth:`from_pretrained` reads into a folder."""


def is_pretrained(model: object) -> bool:
    """Whether it is a ``transformers.PreTrainedModel``, without importing transformers: who has one has done that."""
    torch, transformers = sys.modules.get("torch"), sys.modules.get("transformers")
    if torch is None or transformers is None or not isinstance(model, torch.nn.Module):
        return False
    return isinstance(model, transformers.PreTrainedModel)


def task_name(task: str | Mapping[str, Any]) -> str:
    """Return the name in what a recipe says of a task; empty where it has none."""
    return task if isinstance(task, str) else str(task.get("name", ""))


def check(model: object, processor: object, task: str | Mapping[str, Any]) -> None:
    """Check that a model object and what prepares its samples can become a folder.

    Args:
        processor: tokenizer, image processor or feature extractor; None where nothing was given.

    Raises:
        UserError: the task needs one of transformers' own models and this is none, or ``processor`` is missing or
            cannot be saved.
    """
    name, kind = task_name(task), type(model).__name__
    if not is_pretrained(model):
        if name in TEXT_TASKS:
            raise UserError(
                f"model: {name} needs a model of transformers or the path of its folder, not {kind}; without a task "
                "tune it with arrays as data."
            )
        if processor is not None:
            raise UserError(f"processor: goes with a model of transformers, and the model is {kind}; leave it out.")
        return
    if type(model).__module__.partition(".")[0] != "transformers":
        raise UserError(
            f"model: {kind} is a class of your own, and a task loads its model anew as one of transformers' classes; "
            "without a task tune it with arrays as data."
        )
    known = name in TEXT_TASKS or name in MEDIA  # of others the recipe says so
    steps = isinstance(task, Mapping) and task.get("preprocess") is not None
    if processor is None and known and not steps:
        prepares = _PREPARES[MEDIA.get(name)]  # type: ignore[call-overload]  # any text may be asked for
        raise UserError(
            f"processor: is missing; {name} prepares its samples with the model's {prepares}, pass it as processor=."
        )
    if processor is not None and not callable(getattr(processor, "save_pretrained", None)):
        raise UserError(
            f"processor: {type(processor).__name__} is no tokenizer, image processor or feature extractor of "
            "transformers: it has no save_pretrained."
        )


def save(model: Any, processor: Processor | None, folder: Path) -> Path:
    """Save a model of transformers, and what prepares its samples beside it.

    Raises:
        UserError: one of them cannot be saved.
    """
    for name, given in (("model", model), ("processor", processor)):
        if given is None:
            continue
        try:
            with chatter.caught():
                given.save_pretrained(folder)
        except Exception as error:  # whatever it holds, and what the libraries behind it raise
            said = " ".join(str(error).split())[:200].rstrip(".")
            raise UserError(f"{name}: {type(given).__name__} cannot be saved as a folder: {said}.") from error
    return folder
