"""Writing a first recipe: ``sources.looking`` has the facts, ``guess`` and ``columns`` what they suggest, ``page`` the
text of it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autotune.drafting.guess import guess
from autotune.drafting.page import Named, describe_data, describe_model, page
from autotune.errors import UserError, suggest
from autotune.files import write_text
from autotune.recipe import MEDIA, DataSource, load
from autotune.recipe.fields import name_of
from autotune.recipe.paths import moved_source, relative
from autotune.recipe.sources import named_model, named_source
from autotune.sources.looking import DataFacts, ModelFacts, look_at_data, look_at_file, look_at_folder
from autotune.sources.package import fetch, fetch_folder, models_in
from autotune.text import TASKS
from autotune.usercode import check_defined

PACKAGE = "package:"


@dataclass(frozen=True)
class Asked:
    """What a recipe is wanted for.

    Attributes:
        model: a file, a transformers folder, ``FILE.py:factory``, or ``package:NAME==VERSION``, perhaps with ``:PATH``
            in it.
        data: a file, ``FILE.py:function`` or the name of a builtin.
        task: of a transformers folder, or of images or recordings; None to guess.
        output: the recipe to write.
    """

    model: str
    data: str | None
    task: str | None
    output: Path
    trust_code: bool = False


@dataclass(frozen=True)
class Drafted:
    """A recipe that was written: sentences about what was seen, and what could not be guessed."""

    seen: tuple[str, ...]
    open: tuple[str, ...]


def draft(asked: Asked) -> Drafted:
    """Look at model and data and write a recipe.

    Raises:
        UserError: the output exists, or the model or the data cannot be read.
    """
    if asked.output.exists():
        raise UserError(f"--output {asked.output}: exists already; choose another file, or remove it.")
    known = (*TASKS, *MEDIA)
    if asked.task is not None and asked.task not in known:
        raise UserError(f"--task: there is no '{asked.task}'. {suggest(asked.task, known)}")
    stem, source, model, said = _model(asked.model)
    if asked.task in TASKS and not model.is_folder:
        raise UserError(f"--task {asked.task}: is for transformers folders, which {asked.model} is not.")
    data, unread = _data(asked, model)
    made = guess(model, data, asked.task)
    made = replace(made, open=(*said, *unread, *made.open))

    def move(path: str) -> str:
        return relative(path, Path.cwd(), asked.output.absolute().parent)

    given = None if asked.data is None else moved_source({**_named(asked.data), **_images(asked.data, data)}, move)
    text = page(Named(name_of(stem), moved_source(source, move), given), model, data, made)
    write_text(asked.output, text)
    load(asked.output)  # what is written can be read
    missing = ("data: you named none with --data; the recipe has a place for them.",) if given is None else ()
    named = made.task["name"] if isinstance(made.task, dict) else made.task
    because = f"Metric {made.metric}: {made.why['metric']}." if made.metric else f"Task {named}: {made.why['task']}."
    seen = (describe_model(model), *([describe_data(data)] if data is not None else []), because)
    return Drafted(seen, (*missing, *made.open))


def _model(named: str) -> tuple[str, dict[str, Any], ModelFacts, tuple[str, ...]]:
    """Return a name, the recipe's source, the facts, and what is left open."""
    if named.startswith(PACKAGE):
        return _packaged(named.removeprefix(PACKAGE))
    source = named_model(named)
    if "function" in source:
        check_defined(named, Path.cwd(), "model")
        return Path(named.rpartition(":")[0]).stem, source, ModelFacts(), ()
    path = Path(named)
    return path.resolve().stem, source, look_at_folder(path) if path.is_dir() else look_at_file(path), ()


def _packaged(named: str) -> tuple[str, dict[str, Any], ModelFacts, tuple[str, ...]]:
    requirement, _, inside = named.partition(":")
    found = models_in(requirement)
    if not found:
        raise UserError(f"MODEL: {requirement} holds no model (.onnx, .tflite, or weights beside a config.json).")
    if inside and inside not in found and f"{inside}/" not in found:
        raise UserError(f"MODEL: {requirement} holds no model '{inside}'. {suggest(inside, found)}")
    chosen = next(iter(found)) if not inside else inside if inside in found else f"{inside}/"
    others = [path for path in found if path != chosen]
    said = f"model: {requirement} holds more than one, this is the largest; the others: {', '.join(others)}."
    kind = "folder" if chosen.endswith("/") else "file"
    source = {"package": requirement, kind: chosen.rstrip("/"), "sha256": found[chosen]}
    if kind == "folder":
        facts = look_at_folder(fetch_folder(requirement, source["folder"], source["sha256"]))
    else:
        facts = look_at_file(fetch(requirement, chosen, source["sha256"]))
    return requirement.partition("==")[0], source, facts, () if inside or not others else (said,)


def _data(asked: Asked, model: ModelFacts) -> tuple[DataFacts | None, tuple[str, ...]]:
    """Return facts about the data, if they may be looked at, and what is left open."""
    if asked.data is None:
        return None, ()
    source = DataSource(**_named(asked.data))
    if source.function is not None and not asked.trust_code:
        check_defined(source.function, Path.cwd(), "data")
        return None, (f"data: {source.function} was not run; with --trust-code init looks at what it returns.",)
    return look_at_data(source, Path.cwd(), asked.trust_code, rows=model.is_folder), ()


def _images(named: str, data: DataFacts | None) -> dict[str, Any]:
    """Return where the images of annotations are, as a recipe says it, where they are not beside these.

    Args:
        named: the annotations; if it is absolute, so is the answer.
    """
    folder = None if data is None or data.boxes is None else data.boxes.folder
    if folder is None:
        return {}
    return {"images": folder.as_posix() if Path(named).is_absolute() else Path(os.path.relpath(folder)).as_posix()}


def _named(data: str) -> dict[str, Any]:
    """Return the source that ``--data`` names; a folder that is there is one, though builtins have such names, too."""
    return {"path": data} if Path(data).is_dir() else named_source(data)
