"""Running a compiled model over samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotune.data import Dataset
from autotune.errors import UserError
from autotune.measure.compiled import Compiled


def outputs(compiled: Compiled, dataset: Dataset, start: int, stop: int) -> dict[str, NDArray[Any]]:
    """Return the outputs of the samples ``start`` to ``stop``, one after the other as they are deployed.

    Args:
        stop: above ``start``, at most ``len(dataset)``.

    Returns:
        By output name, shape (stop - start, ...): each sample's output without its batch axis of extent 1;
        (stop - start, members, ...) where the model runs several times for a sample. Where samples differ in length,
        axes of that length are filled up with zeros to the data's longest.

    Raises:
        UserError: an output's shape depends on the sample, so that no metric can be computed from it.
    """
    if dataset.members > 1:
        members = outputs(compiled, dataset.runs(), start * dataset.members, stop * dataset.members)
        return {name: values.reshape(-1, dataset.members, *values.shape[1:]) for name, values in members.items()}
    collected: dict[str, NDArray[Any]] = {}
    for i in range(start, stop):
        for name, value in compiled.infer(dataset.row(i)).items():
            whole = value if dataset.lengths is None else _filled(value, compiled.varying.get(name, ()), dataset, i)
            row = whole[0] if whole.ndim and whole.shape[0] == 1 else whole
            if i == start:
                collected[name] = np.empty((stop - start, *row.shape), row.dtype)
            if row.shape != collected[name].shape[1:]:
                raise UserError(
                    f"Output '{name}' has shape {row.shape} for sample {i} and {collected[name].shape[1:]} for sample "
                    f"{start}; outputs whose shape depends on the sample cannot be scored."
                )
            collected[name][i - start] = row
    return collected


def _filled(value: NDArray[Any], axes: tuple[int, ...], dataset: Dataset, index: int) -> NDArray[Any]:
    """Fill up the axes that are as long as the run; others are as they are."""
    assert dataset.lengths is not None
    length, longest = int(dataset.lengths.runs[index]), next(iter(dataset.inputs.values())).shape[-1]
    missing = [
        (0, longest - length if axis in axes and extent == length else 0) for axis, extent in enumerate(value.shape)
    ]
    return np.pad(value, missing)
