"""Models, data and metrics given as Python objects: written as the files that a recipe names.

A run of objects is then a run of files like any other: it can be resumed, applied and reported.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autotune.errors import UserError
from autotune.files import replacing

SPLITS = ("calibration", "search", "holdout")
# What reads the metric back; cloudpickle takes functions of a notebook and closures, too.
_METRIC = '''"""The metric as it was given to autotune.tune."""

import pickle
from pathlib import Path

metric = pickle.loads(Path(__file__).with_name("metric.pkl").read_bytes())
'''


def is_path(given: object) -> bool:
    """Whether a model, data or metric is named, rather than given."""
    return isinstance(given, str | os.PathLike)


def write_model(model: Any, folder: Path) -> Path:
    """Write an ``openvino.Model`` as IR, its weights in their own precision; return the path of the ``.xml``.

    Raises:
        UserError: it is no OpenVINO model.
    """
    import openvino

    if not isinstance(model, openvino.Model):
        raise UserError(f"model: {type(model).__name__} is not a path and not an openvino.Model; convert it first.")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.xml"
    openvino.save_model(model, path, compress_to_fp16=False)
    return path


def input_names(model: Any) -> tuple[str, ...]:
    """Return one name per input, in the model's order; ``model``: an ``openvino.Model`` or the path of a file.

    Raises:
        UserError: OpenVINO cannot read the file.
    """
    import openvino

    try:
        read = openvino.Core().read_model(model) if is_path(model) else model
    except Exception as error:  # the frontends raise anything from RuntimeError to their own types
        raise UserError(f"model: OpenVINO cannot read {model}; it may be missing, cut or damaged.") from error
    return tuple(min(port.get_names(), default=port.get_node().get_friendly_name()) for port in read.inputs)


def write_data(given: Any, names: Callable[[], tuple[str, ...]], folder: Path) -> tuple[tuple[str, Path], ...]:
    """Write data as ``.npz`` files; return (split, file) of each, the split empty where the data are one source.

    Args:
        given: any of what :func:`arrays` takes, or a mapping of ``calibration``, ``search`` and ``holdout`` to it.
        names: returns the model's inputs; only called where the data do not name them.

    Raises:
        UserError: the data are none of these, or samples differ in shape.
    """
    if callable(given) and not isinstance(given, Mapping):
        given = given()
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(given, Mapping) and set(given) == set(SPLITS):
        return tuple(
            (split, _save(arrays(part, names, f"data['{split}']"), folder / f"{split}.npz"))
            for split, part in given.items()
        )
    return (("", _save(arrays(given, names, "data"), folder / "data.npz")),)


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


def write_metric(metric: Callable[..., Any], folder: Path) -> Path:
    """Write a metric function so that another process can import it; return the file, where it is called ``metric``.

    Raises:
        UserError: it cannot be pickled.
    """
    import cloudpickle  # type: ignore[import-untyped]

    try:
        content = cloudpickle.dumps(metric)
    except Exception as error:  # whatever the function holds
        raise UserError(f"metric: {metric!r} cannot be sent to the measuring process ({error}).") from error
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "metric.py"
    path.with_suffix(".pkl").write_bytes(content)
    path.write_text(_METRIC)
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


def _save(named: Mapping[str, Any], path: Path) -> Path:
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **named)
    return path


def _listed(names: Iterable[object]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _kind(value: object) -> str:
    return f"{type(value).__name__} of {len(value)}" if isinstance(value, tuple | list) else type(value).__name__
