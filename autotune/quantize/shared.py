"""Which statistics of a graph form are those of the float model, so that they need not be observed again.

A form computes the same, so most of its tensors hold the values that some tensor of the float model holds: often in
another layout, sometimes under another name, while some that keep their name are scaled. Neither names nor a form's
word are relied on: both graphs run on a few samples, and a tensor is taken for another one if its smallest and largest
value, mean and root mean square agree in each. Statistics do not depend on the order of values; those of channels are
taken over where they agree channel by channel. Tensors that come of the very same operators, down to the memory of
their constants, need not be run for that.
"""

from __future__ import annotations

import itertools
import json
import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from autotune.data import Dataset
from autotune.graph.inspect import nodes_by_name, tensor_key, unchanged
from autotune.quantize.correctable import correctable
from autotune.quantize.observe import Observation
from autotune.quantize.statistics import Doubles, Floats
from autotune.quantize.streams import compiled_streams, run_streams
from autotune.stopwatch import Stopwatch

# Samples that both graphs are compared on.
_SAMPLES = 3
# Agreement: of the extremes and the mean, relative to the largest magnitude; of the root mean square, to itself.
_CLOSE = 1e-4
# Below this share of the largest channel a channel's own magnitude does not count: its range would be widened anyway.
_SMALLEST_CHANNEL = 0.01
# Values of one sample that are looked at in all (a quarter of a gigabyte): larger tensors beyond that are observed.
_MOST_VALUES = 1 << 26
# Tensors of so many values are copied, to be looked at together.
_SMALL = 8192
# Values of a tensor that are added up in f32, which is what takes time; what comes of that in f64.
_SUMMED = 2048

_Wanted = Mapping[str, frozenset[int]]


@dataclass(frozen=True, eq=False)
class _Seen:
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


@dataclass(frozen=True)
class Shared:
    """What is taken over.

    Attributes:
        tensors: tensor key of the form -> that of the float model.
        operators: those whose input's means are the same.
    """

    tensors: Mapping[str, str]
    operators: frozenset[str]

    def dump(self) -> str:
        """Return it as JSON."""
        return json.dumps({"tensors": dict(self.tensors), "operators": sorted(self.operators)})

    @classmethod
    def parse(cls, text: str) -> Shared:
        """Read what :meth:`dump` wrote.

        Raises:
            ValueError: it is not such a text.
        """
        try:
            read = json.loads(text)
            return cls(dict(read["tensors"]), frozenset(read["operators"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not what is shared with a model: {error}") from error


class Reference:
    """A model that was observed, for the comparison of its graph forms with it.

    Attributes:
        observation: of this model.
    """

    def __init__(self, model: ov.Model, observation: Observation, dataset: Dataset, watch: Stopwatch) -> None:
        """Take the model and what was observed of it, and look at a few samples: a compilation and three inferences.

        Args:
            dataset: the samples that were observed.
            watch: gets the time of compiling and inference.
        """
        self.observation = observation
        self._samples = dataset.take(sorted({i * (len(dataset) - 1) // (_SAMPLES - 1) for i in range(_SAMPLES)}))
        self._watch = watch
        observed = {key: frozenset(stat.channels) for key, stat in observation.tensors.items()}
        self._model = model
        self._known = _look(model, observed, _averaged(model), self._samples, watch)
        self._varied = {place for place, marks in self._known.marks.items() if _agree(marks, marks)}

    def shared(self, form: ov.Model, tensors: _Wanted) -> Shared:
        """Compare a form with this model, in a compilation and three inferences of what has changed.

        Args:
            form: an equal graph of the same inputs.
            tensors: of the form, and the axes whose channels are needed.
        """
        known, averaged = self._known, _averaged(form)
        same = unchanged(form, self._model)
        found = {
            key: key
            for key, axes in tensors.items()
            if key in self.observation.tensors
            and key.rpartition(":")[0] in same
            and self._varied.issuperset((key, axis) for axis in (None, *axes))
        }
        operators = {
            name
            for name, place in averaged.items()
            if name in self.observation.means
            and place == known.operators.get(name)
            and place[0].rpartition(":")[0] in same
            and place in self._varied
        }
        seen = _look(
            form,
            {key: axes for key, axes in tensors.items() if key not in found},
            {name: place for name, place in averaged.items() if name not in operators},
            self._samples,
            self._watch,
        )
        by_size: dict[int, list[str]] = defaultdict(list)
        for key in sorted(self.observation.tensors.keys() & known.shapes.keys()):
            by_size[math.prod(known.shapes[key])].append(key)
        whole = {size: np.stack([known.marks[key, None] for key in keys]) for size, keys in by_size.items()}
        for key in (tensors.keys() - found.keys()) & seen.shapes.keys():
            size = math.prod(seen.shapes[key])
            if size not in whole:
                continue
            alike = itertools.compress(by_size[size], _agree_each(seen.marks[key, None], whole[size]))
            # The one of its own name first, for it is the likeliest; then in an order that does not change.
            candidates = sorted(alike, key=lambda other: (other != key, other))
            fitting = (other for other in candidates if _have_same_channels(seen, key, known, other, tensors[key]))
            if (first := next(fitting, None)) is not None:
                found[key] = first
        operators |= {
            name
            for name, place in seen.operators.items()
            if name in self.observation.means and _agree(seen.marks.get(place), known.marks.get(known.operators[name]))
        }
        return Shared(found, frozenset(operators))

    def taken(self, shared: Shared, tensors: _Wanted) -> Observation:
        """Return the statistics that are shared, under the names of the form."""
        stats = {
            key: replace(
                self.observation.tensors[other],
                channels={axis: self.observation.tensors[other].channels[axis] for axis in tensors[key]},
            )
            for key, other in shared.tensors.items()
        }
        return Observation(stats, {name: self.observation.means[name] for name in shared.operators})


def _have_same_channels(seen: _Seen, key: str, known: _Seen, other: str, axes: Collection[int]) -> bool:
    if axes and seen.shapes[key] != known.shapes[other]:
        return False
    return all(_agree(seen.marks.get((key, axis)), known.marks.get((other, axis))) for axis in axes)


def _agree(one: Doubles | None, other: Doubles | None) -> bool:
    """Tell whether two tensors hold the same values; never of one that is constant, which says too little."""
    if one is None or other is None or one.shape != other.shape:
        return False
    return bool(_agree_each(one, other[np.newaxis])[0])


def _agree_each(one: Doubles, others: Doubles) -> NDArray[np.bool_]:
    """Compare the marks of one tensor with those of many, (tensors, samples, 4, channels); see :func:`_agree`."""
    varied = others[:, :, 0].min(axis=(1, 2)) < others[:, :, 1].max(axis=(1, 2))
    with np.errstate(invalid="ignore"):  # infinite values are equal or not
        largest = np.abs(others[:, :, :2]).max(axis=2, keepdims=True)
        square = others[:, :, 3:]
        scale = np.concatenate([np.repeat(_not_tiny(largest), 3, axis=2), _not_tiny(square)], axis=2)
        close = (one == others) | (np.abs(one - others) <= _CLOSE * scale)
    same: NDArray[np.bool_] = varied & close.all(axis=(1, 2, 3))
    return same


def _not_tiny(magnitudes: Doubles) -> Doubles:
    least: Doubles = np.maximum(magnitudes, _SMALLEST_CHANNEL * magnitudes.max(axis=-1, keepdims=True))
    return least


def _averaged(model: ov.Model) -> dict[str, tuple[str, int]]:
    """Return the operators with a bias, and the tensor and axis whose means that needs."""
    return {c.node: (tensor_key(c.activation), c.channel_axis) for c in correctable(model)}


def _look(
    model: ov.Model, tensors: _Wanted, averaged: Mapping[str, tuple[str, int]], samples: Dataset, watch: Stopwatch
) -> _Seen:
    """Run the samples, one at a time, and look at these tensors and at the inputs of operators with a bias."""
    wanted: dict[str, set[int | None]] = {key: {None, *axes} for key, axes in tensors.items()}
    for key, axis in averaged.values():
        wanted.setdefault(key, set()).add(axis)
    copy = model.clone()
    nodes = nodes_by_name(copy)
    places = {key: key.rpartition(":") for key in wanted}
    outputs = _affordable({key: nodes[name].output(int(port)) for key, (name, _, port) in places.items()})
    shapes = {key: tuple(output.get_shape()) for key, output in outputs.items()}
    found: dict[tuple[str, int | None], list[Doubles]] = defaultdict(list)
    small: dict[str, list[Floats]] = defaultdict(list)

    def take(key: str, values: Floats) -> None:
        for axis, marks in _marks(values, wanted[key]).items():
            found[key, axis].append(marks)

    def keep(_index: int, values: Sequence[Floats]) -> None:
        for key, value in zip(outputs, values, strict=True):
            if value.size > _SMALL:
                take(key, value[np.newaxis])
            else:  # of all samples at once: numpy's calls take longer than what they do
                small[key].append(value.copy())

    if outputs:
        for result in copy.get_results():
            copy.remove_result(result)
        copy.add_results([ops.result(output) for output in outputs.values()])
        with compiled_streams([copy], 1, watch) as compiled:
            run_streams(compiled[0], range(len(samples)), samples.row, keep, 1, watch=watch)
    for key, values in small.items():
        take(key, np.stack(values))
    return _Seen({place: np.concatenate(marks) for place, marks in found.items()}, shapes, averaged)


def _affordable(outputs: Mapping[str, ov.Output]) -> dict[str, ov.Output]:
    """Return the f32 tensors of static shapes, the small ones first, as many as may be held at once."""
    sizes = {
        key: math.prod(output.get_shape())
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
    each[:, 2].mean(axis=1, out=whole[:, 2, 0])
    square = each[:, 3]
    np.sqrt((square * square).mean(axis=1), out=whole[:, 3, 0])
    return whole


def _channel_marks(values: Floats, axis: int) -> Doubles:
    channels = values.shape[axis]
    first = values if axis == 1 else np.moveaxis(values, axis, 1)  # numpy takes its time for moving nothing
    return _row_marks(first.reshape(len(values), channels, -1))


def _row_marks(rows: Floats) -> Doubles:
    """Return the marks, (samples, 4, rows), of (samples, rows, values)."""
    count = rows.shape[2]
    low, high, sums, squares = _in_rows(rows) if rows.flags.c_contiguous else _in_columns(rows.swapaxes(1, 2))
    marks = np.empty((len(rows), 4, rows.shape[1]))
    marks[:, 0], marks[:, 1], marks[:, 2], marks[:, 3] = low, high, sums / count, np.sqrt(squares / count)
    return marks


def _in_rows(rows: Floats) -> tuple[Floats, Floats, Doubles, Doubles]:
    """Return smallest, largest, sum and sum of squares of each row, (samples, rows)."""
    if rows.shape[2] < _SUMMED:
        sums, squares = rows.sum(axis=2), np.vecdot(rows, rows)
        return rows.min(axis=2), rows.max(axis=2), sums.astype(np.float64), squares.astype(np.float64)
    whole = rows.shape[2] // _SUMMED * _SUMMED
    blocks, rest = rows[..., :whole].reshape(*rows.shape[:2], -1, _SUMMED), rows[..., whole:]
    sums = (blocks @ np.ones(_SUMMED, np.float32)).sum(axis=2, dtype=np.float64) + rest.sum(axis=2)
    squares = np.vecdot(blocks, blocks).sum(axis=2, dtype=np.float64) + np.vecdot(rest, rest)
    return rows.min(axis=2), rows.max(axis=2), sums, squares


def _in_columns(values: Floats) -> tuple[Floats, Floats, Doubles, Doubles]:
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
