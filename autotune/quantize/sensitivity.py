"""What quantising one operator alone does to the outputs, and what keeping it float alone takes back."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autotune.data import Array, Dataset
from autotune.quantize.emulate import SWITCHES, Emulation
from autotune.quantize.points import Placement
from autotune.quantize.statistics import Doubles, Floats
from autotune.quantize.streams import MOST_STREAMS, compiled_streams, run_streams
from autotune.stopwatch import Stopwatch


@dataclass(frozen=True)
class Distance:
    """How far a candidate's outputs are from those of float f32.

    Attributes:
        error: squared error over the variance of the float output across samples (and positions, where these differ in
            length), 0 if equal, infinite where outputs are not finite; the mean over the outputs. These are the costs
            that add up (see ``prior.knapsack``).
        cosine: mean over samples and outputs of the cosine of both, 1 if equal.
    """

    error: float
    cosine: float


@dataclass(frozen=True)
class Sensitivity:
    """Distances by operator (or group).

    Attributes:
        whole: everything is quantised.
        alone: only this one is quantised. ``kept``: everything but this one is.
        samples, inferences: how many of each.
        seconds: compiling and inference.
    """

    whole: Distance
    alone: Mapping[str, Distance]
    kept: Mapping[str, Distance]
    samples: int
    inferences: int
    seconds: float


def sensitivity(
    emulation: Emulation,
    whole: Placement,
    alone: Mapping[str, Placement],
    kept: Mapping[str, Placement],
    *,
    dataset: Dataset,
    threads: int,
    watch: Stopwatch | None = None,
) -> Sensitivity:
    """Measure every variant on every sample, with one compilation.

    Inferences: samples x (1 + 1 + alone + kept); those without any quantiser are not run again.

    Args:
        alone, kept: placements by the label of the operator that they are about.
        dataset: a few dozen samples, labels do not matter.
        threads: inferences at a time.
        watch: gets the time of compiling and inference.
    """
    started = time.monotonic()
    variants = [whole, *alone.values(), *kept.values()]
    found = distances(emulation, variants, dataset, threads, watch or Stopwatch())
    return Sensitivity(
        whole=found[0],
        alone=dict(zip(alone, found[1 : len(alone) + 1], strict=True)),
        kept=dict(zip(kept, found[len(alone) + 1 :], strict=True)),
        samples=len(dataset),
        inferences=len(dataset) * (1 + len({emulation.switches(v).tobytes() for v in variants})),
        seconds=time.monotonic() - started,
    )


def distances(
    emulation: Emulation, variants: Sequence[Placement], dataset: Dataset, threads: int, watch: Stopwatch
) -> tuple[Distance, ...]:
    """Return the distance of each variant from float f32, in one pass over the samples.

    Args:
        variants: of the quantisers that ``emulation`` was built with; equal ones are run once.
        threads: inferences at a time.
        watch: gets the time of compiling and inference.
    """
    wanted = [emulation.switches(variant) for variant in variants]
    off = np.zeros_like(emulation.switches(Placement((), ())))
    rows = {row.tobytes(): row for row in [off, *wanted]}  # float f32 comes first for every sample
    inputs = list(rows.values())
    streams = max(1, min(threads, MOST_STREAMS, len(dataset)))
    real = [place for place, port in enumerate(emulation.model.outputs) if port.get_element_type().is_real()]
    shapes = [emulation.model.outputs[place].get_partial_shape() for place in real]
    record = _Record(len(inputs), [_fixed(shape) for shape in shapes])

    def feed(index: int) -> dict[str, Array]:
        return {**dataset.row(index // len(inputs)), SWITCHES: inputs[index % len(inputs)]}

    def keep(index: int, outputs: Sequence[Floats]) -> None:
        record.add(index % len(inputs), [outputs[place] for place in real])

    with compiled_streams([emulation.model], streams, watch) as compiled:
        run_streams(compiled[0], range(len(dataset) * len(inputs)), feed, keep, streams, watch=watch)
    places = {key: place for place, key in enumerate(rows)}
    return tuple(record.distance(places[row.tobytes()]) for row in wanted)


def _fixed(shape: Any) -> tuple[int, ...] | None:
    """Return the axes of an output that are alike in every sample; None where all of them are."""
    if shape.is_static:
        return None
    return () if shape.rank.is_dynamic else tuple(axis for axis, extent in enumerate(shape) if extent.is_static)


def _rows(values: Array, fixed: tuple[int, ...] | None) -> Doubles:
    """Return one row of what is alike in every sample for each position of what is not, float64."""
    wide = values.astype(np.float64)
    if fixed is None:
        return wide.reshape(1, -1)
    others = [axis for axis in range(wide.ndim) if axis not in fixed]
    width = math.prod(wide.shape[axis] for axis in fixed)
    return wide.transpose(*others, *fixed).reshape(-1, width)


class _Record:
    """Running sums over samples, by variant and output; variant 0 is float f32 and comes first."""

    def __init__(self, variants: int, fixed: Sequence[tuple[int, ...] | None]) -> None:
        outputs = len(fixed)
        self._fixed = fixed
        self._errors: Doubles = np.zeros((variants, outputs))
        self._cosines: Doubles = np.zeros((variants, outputs))
        self._samples = 0
        self._float: list[Doubles] = []
        self._counts = [0] * outputs
        self._sums: list[Doubles | float] = [0.0] * outputs
        self._squares: list[Doubles | float] = [0.0] * outputs

    def add(self, variant: int, outputs: Sequence[Floats]) -> None:
        values = [_rows(output, fixed) for output, fixed in zip(outputs, self._fixed, strict=True)]
        if variant == 0:
            self._float = values
            self._samples += 1
            self._counts = [count + len(value) for count, value in zip(self._counts, values, strict=True)]
            self._sums = [total + value.sum(axis=0) for total, value in zip(self._sums, values, strict=True)]
            self._squares = [total + (value**2).sum(axis=0) for total, value in zip(self._squares, values, strict=True)]
            return
        for place, (value, reference) in enumerate(zip(values, self._float, strict=True)):
            self._errors[variant, place] += float(((value - reference) ** 2).sum())
            norms = float(np.linalg.norm(value) * np.linalg.norm(reference))
            same = 1.0 if np.array_equal(value, reference) else 0.0
            self._cosines[variant, place] += float((value * reference).sum()) / norms if norms > 0 else same

    def distance(self, variant: int) -> Distance:
        if variant == 0 or not self._sums:
            return Distance(0.0, 1.0)
        scales = [
            float(np.sum(squares - np.square(total) / count)) or float(np.sum(squares)) or 1.0
            for total, squares, count in zip(self._sums, self._squares, self._counts, strict=True)
        ]
        error = float((self._errors[variant] / scales).mean())
        if not math.isfinite(error):
            return Distance(math.inf, -1.0)
        return Distance(error, float(self._cosines[variant].mean()) / self._samples)
