"""The recipe's images or recordings as data sets: read, prepared once, cached by content."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autotune.counts import counted
from autotune.data import Dataset
from autotune.errors import UserError
from autotune.files import sha256
from autotune.media import MEDIA_TASKS, How, encode
from autotune.media.encoding import cells
from autotune.media.processor import CONFIGS
from autotune.recipe import MEDIA, OF_FOLDERS, Reading
from autotune.sources.annotations import COCO, by_image, read_coco
from autotune.sources.arrow import is_saved
from autotune.sources.classes import list_folder
from autotune.sources.folders import find, is_folder
from autotune.sources.processing import processed
from autotune.sources.samples import cached
from autotune.sources.texts import load_table
from autotune.text.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from autotune.recipe import DataSource, Recipe

# Increased whenever the same files would give other samples.
_FORMAT = 1
# Of a folder, what may decide how its processor works.
_PARTS = ("*.json", "*.py")
_LIBRARIES = ("numpy", "pillow", "scipy", "transformers")


def load_media(
    recipe: Recipe, named: Mapping[str, DataSource], trust_code: bool, announce: Callable[[str], None]
) -> dict[str, Dataset]:
    """Return a data set per source, all with samples of one shape.

    Args:
        named: sources by what error messages about them begin with.

    Raises:
        UserError: files, a table or the model's folder are missing or broken, or they do not fit each other.
    """
    assert recipe.task is not None
    spec, how = recipe.task, _how(recipe, trust_code)
    tables = {where: _table(recipe, source, trust_code, announce, where) for where, source in named.items()}

    def make(tell: Callable[[str], None]) -> Mapping[str, Dataset]:
        return encode(tables, spec, how, tell) if how.folder is None else processed(tables, spec, how, tell)

    return cached(_key(recipe, tables, how), make, announce)


def _how(recipe: Recipe, trust_code: bool) -> How:
    """Decide between the folder's own processor and the task's explicit steps.

    Raises:
        UserError: there is neither, or nothing says what the model's input is called.
    """
    task = recipe.task
    assert task is not None
    steps, known = task.preprocess, MEDIA_TASKS[task.name]
    names = task.labels or ()
    if is_folder(recipe):
        model = find(recipe, trust_code)
        names = names or model.labels
        if len(names) != len(model.labels):
            raise UserError(
                f"task.labels: names {counted(len(names), 'class', 'classes')}, {model.name} has {len(model.labels)} "
                "(id2label in its config.json); name all of them, in the order of its outputs."
            )
        if steps is None or not steps.is_whole:
            if not any((model.path / name).is_file() for name in CONFIGS):
                raise UserError(
                    f"model: {model.path} has no processor ({CONFIGS[0]}); save it beside the model with "
                    "processor.save_pretrained, or say the steps under 'preprocess' in the task."
                )
            return How(model.path.absolute(), recipe.model.trust_remote_code, known.input, names)
    elif steps is None or not steps.is_whole:
        wanted = "rate, seconds ..." if MEDIA[task.name] == "audio" else "size, scale, mean, std ..."
        raise UserError(
            f"task.preprocess: is missing; {recipe.model.label} has no processor of its own, so say how a file becomes "
            f"its input ({wanted})."
        )
    if known.boxes and not is_folder(recipe):
        if not names:
            raise UserError("task.labels: is missing; name the classes of boxes, in the order of the model's outputs.")
        if task.postprocess is None:
            raise UserError(
                f"task.postprocess: is missing; say how boxes are read from the outputs of {recipe.model.label} (head: "
                "rows, lists, scores, yolo or distances)."
            )
    name = steps.input or (next(iter(recipe.inputs)) if len(recipe.inputs) == 1 else None)
    if name is None and not is_folder(recipe) and recipe.model.function is None:
        raise UserError(
            f"task.preprocess.input: is missing; say which input of {recipe.model.label} takes the samples."
        )
    return How(None, False, name or known.input, names)


def reading(recipe: Recipe, samples: Dataset, trust_code: bool) -> Reading | None:
    """Return how a detector's boxes are read from its outputs; None for other tasks.

    Args:
        samples: some of what :func:`load_media` returned.

    Raises:
        UserError: as :func:`load_media`.
    """
    task = recipe.task
    if task is None or task.name not in MEDIA_TASKS or not MEDIA_TASKS[task.name].boxes:
        return None
    how, steps = _how(recipe, trust_code), task.preprocess
    size = None if steps is None else steps.size
    if size is None:  # a processor's images have their channels first
        size = samples.inputs[how.input].shape[-2:]
    return Reading(task.postprocess or OF_FOLDERS, len(how.names), (int(size[0]), int(size[1])))


def _table(
    recipe: Recipe, source: DataSource, trust_code: bool, announce: Callable[[str], None], where: str
) -> tuple[Table, Path]:
    """Return a source as a table, and the folder that its files are relative to."""
    assert recipe.task is not None
    task = MEDIA_TASKS[recipe.task.name]
    path = None if source.path is None else recipe.base / source.path
    if task.boxes and path is not None and path.suffix == COCO:
        frame, base = read_coco(path, None if source.images is None else recipe.base / source.images), path.parent
        return Table.of(frame, {}, task.needs, where), base
    if path is not None and path.is_dir() and not is_saved(path):
        frame, base = list_folder(path, MEDIA[recipe.task.name], announce), path
    else:
        frame = load_table(source, recipe.base, trust_code, announce, where)
        base = recipe.base if path is None else path.parent
    if task.boxes:
        rows = by_image(frame, source.columns, where, announce)
        if rows is not frame:
            return Table.of(rows, {}, task.needs, where), base
        if path is not None and path.is_dir() and not is_saved(path):
            frame = frame[["file"]]  # folders name what images show, and not where
    return Table.of(frame, _columns(frame, source.columns, task.columns), task.needs, where), base


def _columns(frame: pd.DataFrame, columns: Mapping[str, str], usual: tuple[str, ...]) -> dict[str, str]:
    """Return the columns that the recipe names, and that of the files where it is called as it often is."""
    given = {str(column) for column in frame.columns}
    called = next((name for name in usual if name in given), None)
    if "file" in columns or "file" in given or called is None:
        return dict(columns)
    return {**columns, "file": called}


def _key(recipe: Recipe, tables: Mapping[str, tuple[Table, Path]], how: How) -> str:
    """Name everything that samples depend on: files, labels, task, versions, and the folder but for its weights."""
    assert recipe.task is not None
    rows = {}
    for where, (table, base) in tables.items():
        roles = ["file", *(["label"] if MEDIA_TASKS[recipe.task.name].masks and table.has("label") else [])]
        digests = [cell.digest for role in roles for cell in cells(table, role, base)]
        others = table.frame.drop(columns=roles).to_json(orient="split")
        rows[where] = hashlib.sha256(json.dumps([digests, others]).encode()).hexdigest()
    files = {} if how.folder is None else {file.name: sha256(file) for part in _PARTS for file in how.folder.glob(part)}
    versions = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    task = recipe.task.model_dump(mode="json", exclude={"postprocess"})
    parts = [_FORMAT, rows, files, versions, task, how.input, how.names]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
