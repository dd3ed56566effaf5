"""Labelled samples and their three splits: values, checks, digests and files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotune.counts import counted
from autotune.data.lengths import Lengths
from autotune.errors import UserError
from autotune.files import replacing

Array = NDArray[Any]

# Labels of at most this many distinct values, each seen twice on average, are taken for classes.
MOST_CLASSES = 1000


@dataclass(frozen=True)
class Dataset:
    """Samples along axis 0.

    Attributes:
        inputs: by the model's input name, arrays of shape (n, ...).
        labels: shape (n, ...), None where there are none (enough for calibration).
        groups: shape (n,), any integers or strings; samples of one group (pages of one document, crops of one photo)
            never land in two splits. None: every sample is its own group.
        members: how many times the model runs for a sample; where above 1 (two texts to compare), inputs have shape
            (n, members, ...).
        lengths: where samples differ in length; what is behind a run's length in the arrays is never fed.
    """

    inputs: Mapping[str, Array]
    labels: Array | None = None
    groups: Array | None = None
    members: int = 1
    lengths: Lengths | None = None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values()), ()))

    def take(self, indices: Sequence[int] | NDArray[np.integer[Any]] | slice) -> Dataset:
        """Return the samples at ``indices``, in that order."""
        chosen = indices if isinstance(indices, slice) else np.asarray(indices, dtype=np.intp)
        return Dataset(
            {name: values[chosen] for name, values in self.inputs.items()},
            None if self.labels is None else self.labels[chosen],
            None if self.groups is None else self.groups[chosen],
            self.members,
            None if self.lengths is None else self.lengths.take(chosen),
        )

    def runs(self) -> Dataset:
        """Return what the model is run on, one after the other: members as samples of their own, without labels."""
        if self.members == 1:
            return self
        flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in self.inputs.items()}
        return Dataset(flat, lengths=None if self.lengths is None else self.lengths.flat())

    @cached_property
    def content(self) -> str:
        """Hexadecimal SHA-256 of the samples, in order, without labels and groups."""
        lengths = b"" if self.lengths is None else self.lengths.name
        return hashlib.sha256(b"".join(sample_digests(self)) + lengths).hexdigest()

    def row(self, index: int) -> dict[str, Array]:
        """Return the inputs of one sample, with a batch axis of extent 1, as long as it is fed."""
        if self.lengths is None:
            return {name: values[index : index + 1] for name, values in self.inputs.items()}
        length = int(self.lengths.runs[index])
        return {name: values[index : index + 1, ..., :length] for name, values in self.inputs.items()}


@dataclass(frozen=True)
class Splits:
    """The three parts of the data.

    Attributes:
        calibration: what ranges are computed from; labels are not used.
        search: what the search scores candidates on.
        holdout: looked at once per finalist.
        duplicates_removed: samples left out because an identical one was there already.
    """

    calibration: Dataset
    search: Dataset
    holdout: Dataset
    duplicates_removed: int = 0

    def items(self) -> tuple[tuple[str, Dataset], ...]:
        """Return (name, dataset) of the three splits."""
        return (("calibration", self.calibration), ("search", self.search), ("holdout", self.holdout))


def validate(dataset: Dataset, where: str) -> None:
    """Check that a dataset can be measured on.

    Raises:
        UserError: it is empty, arrays differ in length, a value is NaN or infinite, or an array holds
            Python objects.
    """
    if not dataset.inputs:
        raise UserError(f"{where}: holds no input; give one array per input of the model, under the input's name.")
    named = {f"input '{name}'": values for name, values in dataset.inputs.items()}
    if dataset.labels is not None:
        named["labels"] = dataset.labels
    if dataset.groups is not None:
        named["groups"] = dataset.groups
    for name, values in named.items():
        if values.ndim == 0:
            raise UserError(f"{where}: {name} is a single value; the first axis must be the samples.")
    lengths = {name: len(values) for name, values in named.items()}
    if len(set(lengths.values())) > 1:
        counted = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise UserError(f"{where}: the arrays differ in length: {counted}; all need one entry per sample.")
    if len(dataset) == 0:
        raise UserError(f"{where}: holds no sample.")
    for name, values in named.items():
        _check_values(name, values, where)


def _check_values(name: str, values: Array, where: str) -> None:
    if values.dtype.hasobject:
        raise UserError(f"{where}: {name} holds Python objects (rows of unequal length?); give a plain numpy array.")
    if values.dtype.kind in "fc" and not bool(np.isfinite(values).all()):
        bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        first = int(np.argmax(bad))
        raise UserError(
            f"{where}: {name} has NaN or infinite values in {counted(int(bad.sum()), 'sample')}, first in {first}."
        )


def labels_are_classes(labels: Array | None) -> bool:
    """Tell whether labels are classes: integers or strings, one per sample, with few distinct values."""
    if labels is None or labels.ndim != 1 or labels.dtype.kind not in "iubUS":
        return False
    distinct = len(np.unique(labels))
    return distinct <= MOST_CLASSES and 2 * distinct <= len(labels)


def digest(splits: Splits) -> str:
    """Return the hexadecimal SHA-256 of everything that is measured: names, dtypes, shapes and values, in order."""
    total = hashlib.sha256()
    for split, dataset in splits.items():
        total.update(f"{split}\n".encode())
        for name in sorted(dataset.inputs):
            _update(total, f"input {name}", dataset.inputs[name])
        if dataset.labels is not None:
            _update(total, "labels", dataset.labels)
        if dataset.lengths is not None:
            total.update(dataset.lengths.name)
    return total.hexdigest()


def _update(total: Any, name: str, values: Array) -> None:
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    total.update(f"{name} {little.dtype.str} {little.shape}\n".encode())
    for start in range(0, len(little), 256):  # in pieces: a copy of everything would double the memory
        total.update(np.ascontiguousarray(little[start : start + 256]).tobytes())


def sample_digests(dataset: Dataset) -> list[bytes]:
    """Return a SHA-256 per sample of its inputs (dtype, shape and values; not its label)."""
    header = "".join(f"{n} {a.dtype.str} {a.shape[1:]}\n" for n, a in sorted(dataset.inputs.items())).encode()
    arrays = [dataset.inputs[name] for name in sorted(dataset.inputs)]
    digests = []
    for i in range(len(dataset)):
        one = hashlib.sha256(header)
        for values in arrays:
            one.update(np.ascontiguousarray(values[i]).tobytes())
        digests.append(one.digest())
    return digests


def identities(dataset: Dataset) -> list[bytes]:
    """Return a SHA-256 per sample of the numbers that the model would be fed, whatever type they are kept in.

    Two sources may hold the same samples as float32, float64 or uint8; inputs' names count where there are several.
    """
    names = sorted(dataset.inputs)
    digests = []
    for i in range(len(dataset)):
        one = hashlib.sha256()
        for name in names:
            values = _as_fed(dataset.inputs[name][i])
            one.update(f"{name if len(names) > 1 else ''} {values.dtype.str} {values.shape}\n".encode())
            one.update(np.ascontiguousarray(values).tobytes())
        digests.append(one.digest())
    return digests


def _as_fed(values: Array) -> Array:
    """Equal numbers as equal bytes: float32, or int64 for integers that float32 may not hold."""
    kind = values.dtype.kind
    exact = kind == "b" or (kind in "iu" and (values.size == 0 or -(2**24) <= values.min() <= values.max() <= 2**24))
    if kind == "f" or exact:
        with np.errstate(over="ignore"):  # what is too large is refused when the model is known
            return np.asarray(values.astype(np.float32) + np.float32(0))  # makes -0 a 0
    return np.asarray(values.astype(np.int64)) if kind in "iu" else values


def to_arrays(datasets: Mapping[str, Dataset]) -> dict[str, Array]:
    """Return named data sets as plain arrays by name, to be stored in one npz; their names hold no slash."""
    arrays: dict[str, Array] = {}
    for name, dataset in datasets.items():
        arrays |= {f"{name}/inputs/{key}": values for key, values in dataset.inputs.items()}
        for extra in ("labels", "groups"):
            values = getattr(dataset, extra)
            if values is not None:
                arrays[f"{name}/{extra}"] = values
        arrays[f"{name}/members"] = np.asarray(dataset.members)
        if dataset.lengths is not None:
            arrays |= {f"{name}/{key}": values for key, values in dataset.lengths.to_arrays().items()}
    return arrays


def from_arrays(arrays: Mapping[str, Array]) -> dict[str, Dataset]:
    """Return what :func:`to_arrays` was given; arrays whose name has no slash are another's."""
    parts: dict[str, dict[str, Array]] = {}
    for key in arrays:
        name, _, rest = key.partition("/")
        if rest:
            parts.setdefault(name, {})[rest] = arrays[key]
    return {
        name: Dataset(
            {key.removeprefix("inputs/"): values for key, values in part.items() if key.startswith("inputs/")},
            part.get("labels"),
            part.get("groups"),
            int(part["members"]),
            Lengths.from_arrays(part),
        )
        for name, part in parts.items()
    }


def save(splits: Splits, path: Path) -> None:
    """Write the splits to an uncompressed npz, whole or not at all.

    Raises:
        UserError: the disk is full or the place cannot be written to.
    """
    arrays = {"duplicates_removed": np.asarray(splits.duplicates_removed), **to_arrays(dict(splits.items()))}
    with replacing(path.with_suffix(".npz")) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def load_saved(path: Path) -> Splits:
    """Read what :func:`save` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not such a file.
    """
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as archive:
        return Splits(**from_arrays(archive), duplicates_removed=int(archive["duplicates_removed"]))
