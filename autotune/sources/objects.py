"""Models, data and metrics given as Python objects: written as the files that a recipe names.

A run of objects is then a run of files like any other: it can be resumed, applied and reported.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autotune.errors import UserError
from autotune.files import replacing
from autotune.recipe.sources import PARTS, SOURCES

# What reads an object back; cloudpickle takes what is defined in a notebook, and closures, too.
_READING = '''"""The {name} as it was given to autotune.tune."""

import pickle
import sys
from pathlib import Path

# Where its own modules were found.
sys.path.extend(path for path in {paths!r} if path not in sys.path)

{name} = pickle.loads(Path(__file__).with_name("{name}.pkl").read_bytes())
'''


def is_path(given: object) -> bool:
    """Whether a model, data or metric is named, rather than given."""
    return isinstance(given, str | os.PathLike)


def write_model(model: Any, folder: Path) -> str:
    """Write a model object; return what a recipe names it by: the path of an IR, or ``FILE.py:model``.

    Args:
        model: an ``openvino.Model``, whose weights are written in their own precision, or a PyTorch module, among them
            the models of transformers.

    Raises:
        UserError: it is neither, or cannot be pickled.
    """
    import openvino

    if is_module(model):
        return f"{write_object(model, 'model', folder)}:model"
    if not isinstance(model, openvino.Model):
        raise UserError(
            f"model: {type(model).__name__} is not a path, an openvino.Model or a torch.nn.Module; convert it first."
        )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.xml"
    openvino.save_model(model, path, compress_to_fp16=False)
    return str(path)


def is_module(model: object) -> bool:
    """Whether it is a PyTorch module, without importing PyTorch: who has one has done that."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def input_names(model: Any) -> tuple[str, ...]:
    """Return one name per input, in the model's order.

    Args:
        model: an ``openvino.Model``, the path of a file, or a PyTorch module: the parameters that it needs.

    Raises:
        UserError: OpenVINO cannot read the file.
    """
    if is_module(model):
        parameters = inspect.signature(model.forward).parameters.values()
        return tuple(p.name for p in parameters if p.default is p.empty)
    import openvino

    try:
        read = openvino.Core().read_model(model) if is_path(model) else model
    except Exception as error:  # the frontends raise anything from RuntimeError to their own types
        raise UserError(f"model: OpenVINO cannot read {model}; it may be missing, cut or damaged.") from error
    return tuple(min(port.get_names(), default=port.get_node().get_friendly_name()) for port in read.inputs)


def parts(given: Any) -> dict[str, Any]:
    """Return data by split; under the empty name where they are one source. A callable is called.

    Args:
        given: one source of samples, or a mapping of ``calibration``, ``search`` and ``holdout`` to one each.
    """
    if callable(given) and not isinstance(given, Mapping):
        given = given()
    return dict(given) if isinstance(given, Mapping) and set(given) == set(PARTS) else {"": given}


def is_source(given: object) -> bool:
    """Whether it is what a recipe says of data, such as ``{"path": "t.csv", "columns": {"text": "body"}}``."""
    return isinstance(given, Mapping) and any(isinstance(given.get(key), str) for key in SOURCES)


def write_arrays(given: Any, names: Callable[[], tuple[str, ...]], path: Path, where: str) -> Path:
    """Write what :func:`arrays` takes as an ``.npz``.

    Raises:
        UserError: as there.
    """
    found = arrays(given, names, where)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **found)
    return path


def arrays(given: Any, names: Callable[[], tuple[str, ...]], where: str) -> dict[str, Any]:
    """Return data as arrays by name, ``labels`` and ``groups`` among them where there are any.

    Args:
        given: a mapping of arrays (by input name, and ``labels``, ``groups``; first axis = samples); a pair (inputs,
            labels) of arrays, where inputs may be a mapping; a callable that returns one of these; or an iterable of
            samples, each a mapping of such names to values or a pair (inputs, label), without a batch axis.
        where: what an error message begins with.

    Raises:
        UserError: none of these, or samples differ in shape.
    """
    if callable(given) and not isinstance(given, Mapping):
        given = given()
    if isinstance(given, Mapping):
        return {str(name): _array(values, f"{where}['{name}']") for name, values in given.items() if values is not None}
    if isinstance(given, tuple) and len(given) == 2 and not isinstance(given[0], tuple):
        return arrays(_named(given, names, where), names, where)
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise UserError(
            f"{where}: {type(given).__name__} is not data; give a mapping of arrays by input name with 'labels', "
            "a pair (inputs, labels), or an iterable of samples."
        )
    samples = [s if isinstance(s, Mapping) else _named(s, names, where) for s in given]
    if not samples:
        raise UserError(f"{where}: holds no sample.")
    keys = list(samples[0])
    for number, sample in enumerate(samples):
        if list(sample) != keys:
            raise UserError(f"{where}: sample {number} has {_listed(sample)}, the first has {_listed(keys)}.")
    return {key: _array([np.asarray(s[key]) for s in samples], f"{where}['{key}']") for key in keys}


def write_object(given: Any, name: str, folder: Path) -> Path:
    """Write an object so that another process can import it; return the file, where it is called ``name``.

    Raises:
        UserError: it cannot be pickled.
    """
    import cloudpickle  # type: ignore[import-untyped]

    try:
        content = cloudpickle.dumps(given)
    except Exception as error:  # whatever it holds
        raise UserError(f"{name}: {type(given).__name__} cannot be sent to another process ({error}).") from error
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    path.with_suffix(".pkl").write_bytes(content)
    path.write_text(_READING.format(name=name, paths=[entry for entry in sys.path if entry]))
    return path


def _named(pair: Any, names: Callable[[], tuple[str, ...]], where: str) -> dict[str, Any]:
    """(inputs, labels), of all samples or of one, by name."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise UserError(f"{where}: a sample is a mapping by input name or a pair (inputs, label), not {_kind(pair)}.")
    inputs, labels = pair
    if not isinstance(inputs, Mapping):
        known = names()
        if len(known) != 1:
            raise UserError(f"{where}: the model has the inputs {_listed(known)}; give arrays by name.")
        inputs = {known[0]: inputs}
    return {**inputs, **({} if labels is None else {"labels": labels})}


def _array(values: Any, where: str) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(values)
    except ValueError:
        raise UserError(f"{where}: the samples differ in shape; pad them or cut them to one shape.") from None
    if array.dtype == object:
        raise UserError(f"{where}: holds Python objects; give numbers or texts of equal shape.")
    return array


def _listed(names: Iterable[object]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _kind(value: object) -> str:
    return f"{type(value).__name__} of {len(value)}" if isinstance(value, tuple | list) else type(value).__name__
