"""The float model, extended: its outputs are reductions and random elements of the tensors to observe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from autotune.graph.inspect import extents
from autotune.quantize.correctable import averaged

POSITIONS = "autotune/positions"
SHARES = "autotune/shares"
# Tensors that are joined to one output; with all in one, compiling took a third longer for a thousand operators.
_JOINED = 64


@dataclass(frozen=True)
class Reduction:
    """Smallest and largest values of a tensor along ``axis`` (all of it for None); ``shape`` broadcasts to it."""

    tensor: str
    axis: int | None
    shape: tuple[int, ...]

    @property
    def width(self) -> int:
        """Number of its lows, and of its highs."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class Plan:
    """What to read of each sample.

    Attributes:
        reductions: of every tensor at least one.
        means: operator friendly name -> channels of its input.
        averaged: the same -> key and axis of that input.
        sizes: tensor -> elements in a sample, of static shapes.
        varying: tensors whose size depends on the sample: it is read too.
    """

    reductions: tuple[Reduction, ...]
    means: Mapping[str, int]
    averaged: Mapping[str, tuple[str, int]]
    sizes: Mapping[str, int]
    varying: tuple[str, ...] = ()


def plan(
    model: ov.Model,
    tensors: Mapping[str, frozenset[int]],
    operators: Mapping[str, tuple[str, int]] | None = None,
) -> Plan:
    """Work out what can be read. Tensors of integers, of unknown rank or without elements are left out.

    Args:
        operators: those whose input's means are read, and its extremes too, with key and axis of that input; None for
            the means of all.

    Raises:
        KeyError: the model has no such tensor.
    """
    outputs = _Outputs(model)
    reductions: list[Reduction] = []
    sizes: dict[str, int] = {}
    varying: list[str] = []
    biased = averaged(model) if operators is None else operators
    if operators is not None:
        tensors = {**{key: frozenset() for key, _ in biased.values()}, **tensors}
    # In an order of their own: NNCF's sets give them in another one in every process, and positions are drawn in turn.
    for key, axes in sorted(tensors.items()):
        shape = outputs[key].get_partial_shape()
        if not outputs[key].get_element_type().is_real() or shape.rank.is_dynamic:
            continue
        if shape.is_static:
            size = math.prod(extents(outputs[key].get_shape()))
            if size == 0:
                continue
            sizes[key] = size
        else:
            varying.append(key)
        static = sorted(axis for axis in axes if shape[axis].is_static)
        reductions += [Reduction(key, axis, _kept(shape, axis)) for axis in static]
        if not static:
            reductions.append(Reduction(key, None, (1,)))
    means = {name: outputs[key].get_partial_shape()[axis].get_length() for name, (key, axis) in biased.items()}
    return Plan(tuple(reductions), means, biased, sizes, tuple(varying))


def _kept(shape: ov.PartialShape, axis: int) -> tuple[int, ...]:
    return tuple(shape[axis].get_length() if i == axis else 1 for i in range(shape.rank.get_length()))


class _Outputs:
    def __init__(self, model: ov.Model) -> None:
        self._nodes = {node.get_friendly_name(): node for node in model.get_ops()}

    def __getitem__(self, key: str) -> ov.Output:
        name, _, port = key.rpartition(":")
        return self._nodes[name].output(int(port))


def extend(model: ov.Model, reading: Plan, elements: Sequence[tuple[str, int]]) -> ov.Model:
    """Return a copy of ``model`` whose outputs are what to read.

    All outputs, one behind the other, are float32: the lows of all reductions, their highs, the means of all operators,
    the sizes of varying tensors, then of each (tensor, count) in ``elements`` as many elements, or the whole tensor if
    it has not more; of a varying one always so many, some of them twice where it has fewer. The input named
    ``POSITIONS``, if any is larger: int32, the positions in the flat tensors to take. The one named ``SHARES``, if any
    is varying: float32, the same as shares of its size.
    """
    copy = model.clone()
    outputs = _Outputs(copy)
    single = {r.tensor: _as_f32(outputs[r.tensor]) for r in reading.reductions}
    pairs = [_extremes(single[r.tensor], r) for r in reading.reductions]
    means = [_flat(_reduced(ops.reduce_mean, _as_f32(outputs[key]), axis)) for key, axis in reading.averaged.values()]
    sizes = {key: _size(single[key]) for key in reading.varying}
    counted = [ops.convert(size, ov.Type.f32).output(0) for size in sizes.values()]
    results = _joined([low for low, _ in pairs] + [high for _, high in pairs] + means + counted)
    if elements:
        large = [(key, count) for key, count in elements if reading.sizes.get(key, 0) > count]
        positions = _split_positions(copy, large)
        if sizes:
            positions |= _shared_positions(copy, dict(elements)[reading.varying[0]], sizes)
        results += _joined([_elements(single[key], positions.get(key)) for key, _ in elements])
    for result in copy.get_results():
        copy.remove_result(result)
    copy.add_results([ops.result(output) for output in results])
    return copy


def _split_positions(model: ov.Model, large: Sequence[tuple[str, int]]) -> dict[str, ov.Output]:
    if not large:
        return {}
    counts = [count for _, count in large]
    parameter = ops.parameter([sum(counts)], ov.Type.i32, name=POSITIONS)
    parameter.output(0).set_names({POSITIONS})
    model.add_parameters([parameter])
    parts = ops.variadic_split(parameter, 0, np.array(counts, np.int64))
    return {key: parts.output(i) for i, (key, _) in enumerate(large)}


def _shared_positions(model: ov.Model, count: int, sizes: Mapping[str, ov.Output]) -> dict[str, ov.Output]:
    """Add the input of shares; the same ones are positions in every varying tensor."""
    shares = ops.parameter([count], ov.Type.f32, name=SHARES)
    shares.output(0).set_names({SHARES})
    model.add_parameters([shares])
    found = {}
    for key, size in sizes.items():
        places = ops.convert(ops.multiply(shares, ops.convert(size, ov.Type.f32)), ov.Type.i32)
        found[key] = ops.minimum(places, ops.subtract(size, ops.constant([1], ov.Type.i32))).output(0)
    return found


def _size(output: ov.Output) -> ov.Output:
    """Return how many elements a tensor has, int32 (1,)."""
    return ops.reduce_prod(ops.shape_of(output, ov.Type.i32), np.array([0], np.int64), True).output(0)


def _elements(output: ov.Output, positions: ov.Output | None) -> ov.Output:
    flat = _flat(output)
    return flat if positions is None else ops.gather(flat, positions, 0).output(0)


def _extremes(output: ov.Output, reduction: Reduction) -> tuple[ov.Output, ov.Output]:
    low = _reduced(ops.reduce_min, output, reduction.axis)
    return _flat(low), _flat(_reduced(ops.reduce_max, output, reduction.axis))


def _reduced(reduce: Any, output: ov.Output, axis: int | None) -> ov.Output:
    others = [i for i in range(output.get_partial_shape().rank.get_length()) if i != axis]
    return reduce(output, np.array(others, np.int64), False).output(0) if others else output


def _flat(output: ov.Output) -> ov.Output:
    rank = output.get_partial_shape().rank
    return output if rank.get_length() == 1 else ops.reshape(output, [-1], False).output(0)


def _as_f32(output: ov.Output) -> ov.Output:
    return output if output.get_element_type() == ov.Type.f32 else ops.convert(output, ov.Type.f32).output(0)


def _joined(parts: Sequence[ov.Output]) -> list[ov.Output]:
    """Join so many at a time: what is joined lives until all of it is there, and OpenVINO plans that each with each."""
    return [ops.concat(list(parts[i : i + _JOINED]), 0).output(0) for i in range(0, len(parts), _JOINED)]


class Positions:
    """Random positions in flat tensors: one in each of ``count`` equal stretches, so that no part is left out."""

    def __init__(self, counted: Sequence[tuple[int, int]], seed: int) -> None:
        """``counted``: (size, count) of each tensor, size > count."""
        strides = [np.full(count, size / count) for size, count in counted]
        self._stride = np.concatenate(strides)
        self._start = np.concatenate([stride * np.arange(len(stride)) for stride in strides])
        self._last = np.concatenate([np.full(count, size - 1) for size, count in counted])
        self._places = np.empty_like(self._stride)
        self._seed = seed

    def of(self, sample: int) -> NDArray[np.int32]:
        """Return the positions for one sample, the same for the same seed."""
        random = np.random.default_rng([self._seed, sample]).random(len(self._stride), np.float32)
        places = self._places  # the same memory for all samples: that is most of the time
        np.multiply(self._stride, random, out=places)
        np.add(self._start, places, out=places)
        np.minimum(places, self._last, out=places)
        return places.astype(np.int32)


def shares(count: int, seed: int, sample: int) -> NDArray[np.float32]:
    """Return ``count`` random positions as shares of a tensor, one in each of so many equal stretches of it."""
    random = np.random.default_rng([seed, sample]).random(count, np.float32)
    found: NDArray[np.float32] = ((np.arange(count, dtype=np.float32) + random) / count).astype(np.float32)
    return found
