"""What a few samples looked like: marks by which two tensors can be told apart, of one pass over their values."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from autotune.data import Dataset
from autotune.graph.inspect import extents, nodes_by_name, tensor_key
from autotune.quantize.statistics import Doubles, Floats
from autotune.quantize.streams import compiled_streams, run_streams
from autotune.stopwatch import Stopwatch

# Values of one sample that are looked at in all (a quarter of a gigabyte): larger tensors beyond that are observed.
_MOST_VALUES = 1 << 26
# Tensors of so many values are copied, to be looked at together.
_SMALL = 8192
# Values of a tensor that are added up in f32, which is what takes time; what comes of that in f64.
_SUMMED = 2048
# Beyond it squares of f32 overflow while they are added up: masks of attention are as low as f32 goes.
_LARGEST = 1e15
# Operators that keep all values as they are.
_LAYOUTS = ("Reshape", "Squeeze", "Transpose", "Unsqueeze")


@dataclass(frozen=True, eq=False)
class Seen:
    """What a few samples looked like.

    Attributes:
        marks: by tensor and axis (None: all values as one channel), smallest, largest, mean and root mean square of
            each channel, float64 (samples, 4, channels).
        shapes: of the tensors that were looked at.
        operators: with a bias -> the tensor and axis whose means it needs.
    """

    marks: Mapping[tuple[str, int | None], Doubles]
    shapes: Mapping[str, tuple[int, ...]]
    operators: Mapping[str, tuple[str, int]]


def look(
    model: ov.Model,
    tensors: Mapping[str, frozenset[int]],
    averaged: Mapping[str, tuple[str, int]],
    samples: Dataset,
    watch: Stopwatch,
) -> Seen:
    """Run the samples, one at a time, and look at these tensors and at the inputs of operators with a bias.

    Args:
        tensors: key -> axes whose channels are looked at one by one.
        averaged: operator with a bias -> the tensor and axis whose means it needs.
        watch: gets the time of compiling and inference.
    """
    wanted: dict[str, set[int | None]] = {key: {None, *axes} for key, axes in tensors.items()}
    for key, axis in averaged.values():
        wanted.setdefault(key, set()).add(axis)
    copy = model.clone()
    nodes = nodes_by_name(copy)
    places = {key: key.rpartition(":") for key in wanted}
    outputs = _affordable({key: nodes[name].output(int(port)) for key, (name, _, port) in places.items()})
    shapes = {key: extents(output.get_shape()) for key, output in outputs.items()}
    origins = {key: _origin(output) if wanted[key] == {None} else output for key, output in outputs.items()}
    read = {tensor_key(origin): origin for origin in origins.values()}
    axes: dict[str, set[int | None]] = defaultdict(set)
    for key, origin in origins.items():
        axes[tensor_key(origin)] |= wanted[key]
    found: dict[tuple[str, int | None], list[Doubles]] = defaultdict(list)
    small: dict[str, list[Floats]] = defaultdict(list)

    def take(key: str, values: Floats) -> None:
        for axis, marks in _marks(values, axes[key]).items():
            found[key, axis].append(marks)

    def keep(_index: int, values: Sequence[Floats]) -> None:
        for key, value in zip(read, values, strict=True):
            if value.size > _SMALL:
                take(key, value[np.newaxis])
            else:  # of all samples at once: numpy's calls take longer than what they do
                small[key].append(value.copy())

    if read:
        for result in copy.get_results():
            copy.remove_result(result)
        copy.add_results([ops.result(output) for output in read.values()])
        with compiled_streams([copy], 1, watch) as compiled:
            run_streams(compiled[0], range(len(samples)), samples.row, keep, 1, watch=watch)
    for key, values in small.items():
        take(key, np.stack(values))
    whole = {place: np.concatenate(marks) for place, marks in found.items()}
    marks = {(key, axis): whole[tensor_key(origin), axis] for key, origin in origins.items() for axis in wanted[key]}
    return Seen(marks, shapes, averaged)


def _origin(output: ov.Output) -> ov.Output:
    """Return the tensor whose values this one holds, all of them in another layout: one of them is looked at."""
    while output.get_node().get_type_name() in _LAYOUTS:
        output = output.get_node().input_value(0)
    return output


def _affordable(outputs: Mapping[str, ov.Output]) -> dict[str, ov.Output]:
    """Return the f32 tensors of static shapes, the small ones first, as many as may be held at once."""
    sizes = {
        key: math.prod(extents(output.get_shape()))
        for key, output in outputs.items()
        if output.get_element_type() == ov.Type.f32 and output.get_partial_shape().is_static
    }
    ordered = sorted((key for key, size in sizes.items() if size > 0), key=lambda key: sizes[key])
    totals = itertools.accumulate(sizes[key] for key in ordered)
    return {key: outputs[key] for key, total in zip(ordered, totals, strict=True) if total <= _MOST_VALUES}


def _marks(values: Floats, axes: Collection[int | None]) -> dict[int | None, Doubles]:
    """Return the marks by axis; those of all values come from those of channels where there are any.

    Args:
        values: of all samples, one behind the other.
        axes: of one sample.
    """
    found: dict[int | None, Doubles] = {axis: _channel_marks(values, axis + 1) for axis in axes if axis is not None}
    if None in axes:
        each = next(iter(found.values()), None)
        found[None] = _row_marks(values.reshape(len(values), 1, -1)) if each is None else _together(each)
    return found


def _together(each: Doubles) -> Doubles:
    whole = np.empty((len(each), 4, 1))
    each[:, 0].min(axis=1, out=whole[:, 0, 0])
    each[:, 1].max(axis=1, out=whole[:, 1, 0])
    with np.errstate(invalid="ignore"):  # of infinite values there is no mean
        each[:, 2].mean(axis=1, out=whole[:, 2, 0])
    square = each[:, 3]
    np.sqrt((square * square).mean(axis=1), out=whole[:, 3, 0])
    return whole


def _channel_marks(values: Floats, axis: int) -> Doubles:
    channels = values.shape[axis]
    nothing = math.prod(values.shape[1:axis]) == 1  # to move, for which numpy takes its time
    first = values if nothing else np.moveaxis(values, axis, 1)
    return _row_marks(first.reshape(len(values), channels, -1))


def _row_marks(rows: Floats) -> Doubles:
    """Return the marks, (samples, 4, rows), of (samples, rows, values)."""
    count = rows.shape[2]
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is added up again; infinite values are no less
        low, high, sums, squares = _sums(rows)
        if max(-low.min(), high.max()) > _LARGEST:
            low, high, sums, squares = _sums(rows.astype(np.float64))
    marks = np.empty((len(rows), 4, rows.shape[1]))
    marks[:, 0], marks[:, 1], marks[:, 2], marks[:, 3] = low, high, sums / count, np.sqrt(squares / count)
    return marks


def _sums(rows: Floats | Doubles) -> tuple[Floats, Floats, Doubles, Doubles]:
    return _in_rows(rows) if rows.flags.c_contiguous else _in_columns(rows.swapaxes(1, 2))


def _in_rows(rows: Floats | Doubles) -> tuple[Floats, Floats, Doubles, Doubles]:
    """Return smallest, largest, sum and sum of squares of each row, (samples, rows)."""
    if rows.shape[2] < _SUMMED:
        sums, squares = rows.sum(axis=2), np.vecdot(rows, rows)
        return rows.min(axis=2), rows.max(axis=2), sums.astype(np.float64), squares.astype(np.float64)
    whole = rows.shape[2] // _SUMMED * _SUMMED
    blocks, rest = rows[..., :whole].reshape(*rows.shape[:2], -1, _SUMMED), rows[..., whole:]
    # A product row by row: that of a matrix waits for threads of BLAS, and OpenVINO's still hold the cores.
    ones = np.ones(_SUMMED, rows.dtype)
    sums = np.vecdot(blocks, ones).sum(axis=2, dtype=np.float64)
    squares = np.vecdot(blocks, blocks).sum(axis=2, dtype=np.float64)
    if rest.size:
        sums += rest.sum(axis=2)
        squares += np.vecdot(rest, rest)
    return rows.min(axis=2), rows.max(axis=2), sums, squares


def _in_columns(values: Floats | Doubles) -> tuple[Floats, Floats, Doubles, Doubles]:
    """Return the same of each column of (samples, values, columns); several rows are joined to a long one first."""
    samples, count, columns = values.shape
    joined = math.gcd(count, max(1, _SUMMED // columns))
    wide = values.reshape(samples, count // joined, joined * columns)
    apart = (samples, joined, columns)
    return (
        wide.min(axis=1).reshape(apart).min(axis=1),
        wide.max(axis=1).reshape(apart).max(axis=1),
        wide.sum(axis=1).reshape(apart).sum(axis=1, dtype=np.float64),
        np.einsum("snc,snc->sc", wide, wide).reshape(apart).sum(axis=1, dtype=np.float64),
    )
