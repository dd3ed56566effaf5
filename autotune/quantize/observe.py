"""One pass over the calibration samples: statistics at every point where a quantiser may go."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov

from autotune.data import Array, Dataset
from autotune.files import replacing
from autotune.graph.inspect import constants_size
from autotune.memory import is_large
from autotune.quantize.probes import POSITIONS, SHARES, Plan, Positions, extend, plan, shares
from autotune.quantize.statistics import Doubles, Floats, TensorStatistics
from autotune.quantize.streams import MOST_STREAMS, compiled_streams, run_streams
from autotune.stopwatch import Stopwatch

# Random elements recorded of a tensor, over all samples.
MOST_ELEMENTS = 65_536
# One sample in so many gives elements (they cost as much as all reductions), but at least _LEAST_SAMPLES of them. The
# others go through a graph of their own: taking fewer elements of every sample, in one graph, was slower.
_EVERY = 8
_LEAST_SAMPLES = 16
# Samples whose statistics are taken in together: numpy's calls would take most of the time for one.
_TOGETHER = 64


# A graph, the samples that go through it, and how each is fed.
_Pass = tuple[ov.Model, Sequence[int], Callable[[int], Mapping[str, Array]]]


@dataclass(frozen=True, eq=False)
class Observation:
    """Statistics by tensor key (``<producer friendly name>:<output port>``), and means for bias correction.

    Attributes:
        tensors: tensors of integers and of unknown rank are left out.
        means: operator name -> float32 (C,), mean of its input per channel; of operators with weights and bias.
    """

    tensors: Mapping[str, TensorStatistics]
    means: Mapping[str, Floats]

    def __or__(self, other: Observation) -> Observation:
        """Return both together."""
        return Observation({**self.tensors, **other.tensors}, {**self.means, **other.means})

    def save(self, path: Path) -> None:
        """Write to an npz, whole or not at all.

        Raises:
            UserError: the place cannot be written to.
        """
        stats = list(self.tensors.values())
        arrays: dict[str, Array] = {
            "tensors": np.array(list(self.tensors), np.str_),
            "low": np.array([s.low for s in stats]),
            "high": np.array([s.high for s in stats]),
            "size": np.array([s.size for s in stats], np.int64),
            "counts": np.array([len(s.elements) for s in stats], np.int64),
            "elements": np.concatenate([np.zeros(0, np.float32), *(s.elements for s in stats)]),
            "operators": np.array(list(self.means), np.str_),
        }
        for number, one in enumerate(stats):
            for axis, pair in one.channels.items():
                arrays[f"channels/{number}/{axis}"] = np.stack(pair)
        for number, mean in enumerate(self.means.values()):
            arrays[f"mean/{number}"] = mean
        with replacing(path) as temporary:
            np.savez(temporary, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> Observation:
        """Read what :meth:`save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is not such a file, or cut.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                return cls._from(dict(archive))
        except (KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} is not an observation: {error}") from error

    @classmethod
    def _from(cls, arrays: Mapping[str, Array]) -> Observation:
        channels: dict[int, dict[int, tuple[Floats, Floats]]] = {}
        for name, pair in arrays.items():
            if name.startswith("channels/"):
                number, axis = (int(part) for part in name.split("/")[1:])
                channels.setdefault(number, {})[axis] = (pair[0], pair[1])
        elements = np.split(arrays["elements"], np.cumsum(arrays["counts"])[:-1])
        low, high, size = arrays["low"], arrays["high"], arrays["size"]
        tensors = {
            str(key): TensorStatistics(low[i], high[i], elements[i], int(size[i]), channels.get(i, {}))
            for i, key in enumerate(arrays["tensors"])
        }
        return cls(tensors, {str(name): arrays[f"mean/{i}"] for i, name in enumerate(arrays["operators"])})


def observe(
    model: ov.Model,
    dataset: Dataset,
    tensors: Mapping[str, frozenset[int]],
    *,
    threads: int,
    seed: int = 0,
    means: Mapping[str, tuple[str, int]] | None = None,
    watch: Stopwatch | None = None,
) -> Observation:
    """Run the float model in f32 once per sample, in constant memory, and record its tensors.

    Only what leads to them is computed.

    Args:
        model: normalised, of batch 1; not changed.
        dataset: the calibration samples, at least one.
        tensors: key -> axes whose channels need ranges of their own (none for most).
        threads: inferences at a time.
        seed: of the positions of the elements.
        means: operators with a bias whose input's means are recorded, with its key and axis; None for all.
        watch: gets the time of compiling and inference.

    Raises:
        KeyError: the model has no such tensor.
    """
    watch = watch or Stopwatch()
    reading = plan(model, tensors, means)
    if not reading.reductions:
        return Observation({}, {})
    record = _Record(reading, len(dataset))
    every = max(1, min(_EVERY, len(dataset) // _LEAST_SAMPLES))
    sampled = range(0, len(dataset), every)
    count = max(1, MOST_ELEMENTS // len(sampled))
    fixed = [(key, min(count, size)) for key, size in reading.sizes.items()]
    elements = [*fixed, *((key, count) for key in reading.varying)]
    large = [(reading.sizes[key], taken) for key, taken in fixed if reading.sizes[key] > taken]
    positions = Positions(large, seed) if large else None

    def feed(index: int) -> dict[str, Array]:
        inputs = dataset.row(index)
        if positions is not None:
            inputs[POSITIONS] = positions.of(index)
        if reading.varying:
            inputs[SHARES] = shares(count, seed, index)
        return inputs

    def keep(index: int, outputs: Sequence[Floats]) -> None:
        record.add(index, np.concatenate(outputs))

    others = [index for index in range(len(dataset)) if index % every]
    streams = max(1, min(threads, MOST_STREAMS, len(dataset)))
    passes: list[_Pass] = [(extend(model, reading, elements), sampled, feed)]
    if others:
        passes.append((extend(model, reading, ()), others, dataset.row))
    # Compiled at once where each may have its copy of the weights; else one after the other.
    together = [[one] for one in passes] if is_large(constants_size(model)) else [passes]
    for some in together:
        with compiled_streams([one for one, _, _ in some], streams, watch) as compiled:
            for place, (_, rows, given) in enumerate(some):
                run_streams(compiled[place], rows, given, keep, streams, watch=watch)
    return record.observation([taken for _, taken in elements])


class _Record:
    """What was read so far: per sample for tensors, running extremes for channels, running sums for means and sizes."""

    def __init__(self, reading: Plan, samples: int) -> None:
        self._plan = reading
        widths = [r.width for r in reading.reductions]
        self._starts = np.cumsum([0, *widths[:-1]])
        self._width = sum(widths)
        self._low = np.empty((len(widths), samples), np.float32)
        self._high = np.empty_like(self._low)
        self._lows = np.full(self._width, np.inf, np.float32)
        self._highs = np.full(self._width, -np.inf, np.float32)
        self._sums: Doubles = np.zeros(sum(reading.means.values()))
        self._sizes: Doubles = np.zeros(len(reading.varying))
        self._borders = np.cumsum([self._width, self._width, len(self._sums), len(self._sizes)])
        self._elements: list[Floats] = []
        self._waiting: dict[int, Floats] = {}

    def add(self, index: int, values: Floats) -> None:
        """Take the outputs of one sample, which are kept; what follows its statistics are elements."""
        statistics = self._borders[-1]
        if len(values) > statistics:
            self._elements.append(values[statistics:].copy())
            values = values[:statistics].copy()  # a view would keep the elements too
        self._waiting[index] = values
        if len(self._waiting) == _TOGETHER:
            self._take()

    def _take(self) -> None:
        """Take in what waits: many samples at once."""
        if not self._waiting:
            return
        taken = list(self._waiting)
        lows, highs, means, sizes, _ = np.split(np.stack(list(self._waiting.values())), self._borders, axis=1)
        self._low[:, taken] = np.minimum.reduceat(lows, self._starts, axis=1).T
        self._high[:, taken] = np.maximum.reduceat(highs, self._starts, axis=1).T
        np.minimum(self._lows, lows.min(axis=0), out=self._lows)
        np.maximum(self._highs, highs.max(axis=0), out=self._highs)
        self._sums += means.sum(axis=0, dtype=np.float64)
        self._sizes += sizes.sum(axis=0, dtype=np.float64)
        self._waiting.clear()

    def observation(self, counts: Sequence[int]) -> Observation:
        self._take()
        tensors: dict[str, TensorStatistics] = {}
        samples = self._low.shape[1]
        parts = np.split(np.array(self._elements), np.cumsum(counts)[:-1], axis=1) if counts else []
        sizes = {**self._plan.sizes, **dict(zip(self._plan.varying, (self._sizes / samples).round(), strict=True))}
        elements = {key: np.sort(part, axis=None) for key, part in zip(sizes, parts, strict=True)}
        for number, one in enumerate(self._plan.reductions):
            channels = dict(tensors[one.tensor].channels) if one.tensor in tensors else {}
            if one.axis is not None:
                part = slice(self._starts[number], self._starts[number] + one.width)
                channels[one.axis] = (self._lows[part].reshape(one.shape), self._highs[part].reshape(one.shape))
            low, high = self._low[number], self._high[number]
            size = int(sizes[one.tensor])
            tensors[one.tensor] = TensorStatistics(low, high, elements[one.tensor], size, channels)
        borders = np.cumsum(list(self._plan.means.values()))[:-1]
        means = np.split((self._sums / samples).astype(np.float32), borders)
        return Observation(tensors, dict(zip(self._plan.means, means, strict=False)))
