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
        whole: everything is quantised. ``whole_of_few``: the same, of the samples that ``kept`` is of.
        alone: only this one is quantised. ``kept``: everything but this one is.
        samples, inferences: how many of each.
        seconds: compiling and inference.
    """

    whole: Distance
    whole_of_few: Distance
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
    few: int,
    threads: int,
    watch: Stopwatch | None = None,
) -> Sensitivity:
    """Measure every variant on every sample, ``kept`` on a few of them, with one compilation.

    Inferences: samples x (1 + 1 + alone) + few x kept; those without any quantiser are not run again.

    Args:
        alone, kept: placements by the label of the operator that they are about.
        dataset: a few dozen samples, labels do not matter.
        few: how many of them ``kept`` is measured on, from the first.
        threads: inferences at a time.
        watch: gets the time of compiling and inference.
    """
    started = time.monotonic()
    pass_ = _Pass(emulation, [whole, *alone.values()], list(kept.values()), dataset, few)
    pass_.run(threads, watch or Stopwatch())
    return Sensitivity(
        whole=pass_.distance(whole),
        whole_of_few=pass_.distance(whole, few=True),
        alone={label: pass_.distance(placement) for label, placement in alone.items()},
        kept={label: pass_.distance(placement, few=True) for label, placement in kept.items()},
        samples=len(dataset),
        inferences=len(pass_.schedule),
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
    pass_ = _Pass(emulation, variants, (), dataset, 0)
    pass_.run(threads, watch)
    return tuple(pass_.distance(variant) for variant in variants)


class _Pass:
    """One pass over the samples; equal sets of switches are run once.

    Attributes:
        schedule: (sample, variant) of each inference, in order.
    """

    def __init__(
        self,
        emulation: Emulation,
        variants: Sequence[Placement],
        further: Sequence[Placement],
        dataset: Dataset,
        few: int,
    ) -> None:
        """Plan the inferences.

        Args:
            further: variants that are run on the ``few`` first samples only.
        """
        self._emulation = emulation
        self._dataset = dataset
        self._few = min(few, len(dataset))
        off = np.zeros_like(emulation.switches(Placement((), ())))
        often = {row.tobytes(): row for row in [off, *map(emulation.switches, variants)]}
        rows = often | {row.tobytes(): row for row in map(emulation.switches, further)}
        self._places = {key: place for place, key in enumerate(rows)}
        self._rows = list(rows.values())
        # float f32 comes first for every sample
        self.schedule = [
            (sample, variant)
            for sample in range(len(dataset))
            for variant in range(len(rows) if sample < self._few else len(often))
        ]
        self._real = [place for place, port in enumerate(emulation.model.outputs) if port.get_element_type().is_real()]
        fixed = [_fixed(emulation.model.outputs[place].get_partial_shape()) for place in self._real]
        self._records = [_Record(len(rows), fixed) for _ in range(2)]

    def run(self, threads: int, watch: Stopwatch) -> None:
        """Infer everything, ``threads`` at a time."""
        streams = max(1, min(threads, MOST_STREAMS, len(self._dataset)))
        with compiled_streams([self._emulation.model], streams, watch) as compiled:
            run_streams(compiled[0], range(len(self.schedule)), self._feed, self._keep, streams, watch=watch)

    def distance(self, variant: Placement, *, few: bool = False) -> Distance:
        """Of a variant from float f32, on all samples or on the ``few``."""
        return self._records[few].distance(self._places[self._emulation.switches(variant).tobytes()])

    def _feed(self, index: int) -> dict[str, Array]:
        sample, variant = self.schedule[index]
        return {**self._dataset.row(sample), SWITCHES: self._rows[variant]}

    def _keep(self, index: int, outputs: Sequence[Floats]) -> None:
        sample, variant = self.schedule[index]
        for record in self._records[: 2 if sample < self._few else 1]:
            record.add(variant, [outputs[place] for place in self._real])


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
        if variant == 0 or not self._sums or not self._samples:
            return Distance(0.0, 1.0)
        scales = [
            float(np.sum(squares - np.square(total) / count)) or float(np.sum(squares)) or 1.0
            for total, squares, count in zip(self._sums, self._squares, self._counts, strict=True)
        ]
        error = float((self._errors[variant] / scales).mean())
        if not math.isfinite(error):
            return Distance(math.inf, -1.0)
        return Distance(error, float(self._cosines[variant].mean()) / self._samples)
