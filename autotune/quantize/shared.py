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
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from autotune.data import Dataset
from autotune.graph.copies import Original
from autotune.quantize.correctable import averaged
from autotune.quantize.marks import Seen, look
from autotune.quantize.observe import Observation
from autotune.quantize.statistics import Doubles
from autotune.stopwatch import Stopwatch

# Samples that both graphs are compared on.
_SAMPLES = 3
# Agreement: of the extremes and the mean, relative to the largest magnitude; of the root mean square, to itself.
_CLOSE = 1e-4
# Below this share of the largest channel a channel's own magnitude does not count: its range would be widened anyway.
_SMALLEST_CHANNEL = 0.01

_Wanted = Mapping[str, frozenset[int]]
_Averaged = Mapping[str, tuple[str, int]]


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
        digest: of this model. observation: of this model.
    """

    def __init__(
        self, model: ov.Model, digest: str, observation: Observation, dataset: Dataset, watch: Stopwatch
    ) -> None:
        """Take the model and what was observed of it, and look at a few samples: a compilation and three inferences.

        Args:
            digest: of the model.
            dataset: the samples that were observed.
            watch: gets the time of compiling and inference.
        """
        self.digest = digest
        self.observation = observation
        self._samples = dataset.take(sorted({i * (len(dataset) - 1) // (_SAMPLES - 1) for i in range(_SAMPLES)}))
        self._watch = watch
        observed = {key: frozenset(stat.channels) for key, stat in observation.tensors.items()}
        self._original = Original(model)
        self._known = look(model, observed, averaged(model), self._samples, watch)
        self._marks = {place: _Marks(marks[np.newaxis]) for place, marks in self._known.marks.items()}
        self._varied = {place for place, marks in self._known.marks.items() if self._marks[place].agree(marks)[0]}
        self._by_size = self._sized()

    def shared(self, form: ov.Model, tensors: _Wanted, biased: _Averaged) -> Shared:
        """Compare a form with this model, in a compilation and three inferences of what has changed.

        Args:
            form: an equal graph of the same inputs.
            tensors: of the form, and the axes whose channels are needed.
            biased: its operators with a bias, see ``correctable.averaged``.
        """
        found, operators = self._unchanged(form, tensors, biased)
        seen = look(
            form,
            {key: axes for key, axes in tensors.items() if key not in found},
            {name: place for name, place in biased.items() if name not in operators},
            self._samples,
            self._watch,
        )
        found |= self._alike(seen, {key: axes for key, axes in tensors.items() if key not in found})
        operators |= {
            name
            for name, place in seen.operators.items()
            if name in self.observation.means and self._agree(seen.marks.get(place), self._known.operators[name])
        }
        return Shared(found, frozenset(operators))

    def _unchanged(self, form: ov.Model, tensors: _Wanted, biased: _Averaged) -> tuple[dict[str, str], set[str]]:
        """Return the tensors and the operators with a bias that come of the very same operators: nothing need run."""
        same = self._original.unchanged(form)
        found = {
            key: key
            for key, axes in tensors.items()
            if key in self.observation.tensors
            and key.rpartition(":")[0] in same
            and self._varied.issuperset((key, axis) for axis in (None, *axes))
        }
        operators = {
            name
            for name, place in biased.items()
            if name in self.observation.means
            and place == self._known.operators.get(name)
            and place[0].rpartition(":")[0] in same
            and place in self._varied
        }
        return found, operators

    def _sized(self) -> dict[int, tuple[list[str], _Marks]]:
        """Elements -> the tensors with so many that were observed, and the marks of all their values."""
        known = self._known
        by_size: dict[int, list[str]] = defaultdict(list)
        for key in sorted(self.observation.tensors.keys() & known.shapes.keys()):
            by_size[math.prod(known.shapes[key])].append(key)
        return {
            size: (keys, _Marks(np.stack([known.marks[key, None] for key in keys]))) for size, keys in by_size.items()
        }

    def _alike(self, seen: Seen, tensors: _Wanted) -> dict[str, str]:
        """Return, of the tensors that were looked at, those that hold the values of one that was observed."""
        found = {}
        for key in tensors.keys() & seen.shapes.keys():
            size = math.prod(seen.shapes[key])
            if size not in self._by_size:
                continue
            keys, marks = self._by_size[size]
            alike = itertools.compress(keys, marks.agree(seen.marks[key, None]))
            # The one of its own name first, for it is the likeliest; then in an order that does not change.
            candidates = sorted(alike, key=lambda other: (other != key, other))
            fitting = (other for other in candidates if self._have_same_channels(seen, key, other, tensors[key]))
            if (first := next(fitting, None)) is not None:
                found[key] = first
        return found

    def _have_same_channels(self, seen: Seen, key: str, other: str, axes: Collection[int]) -> bool:
        if axes and seen.shapes[key] != self._known.shapes[other]:
            return False
        return all(self._agree(seen.marks.get((key, axis)), (other, axis)) for axis in axes)

    def _agree(self, marks: Doubles | None, place: tuple[str, int | None]) -> bool:
        known = self._marks.get(place)
        return marks is not None and known is not None and bool(known.agree(marks)[0])

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


class _Marks:
    """The marks of some tensors, with which those of others are compared: (tensors, samples, 4, channels)."""

    def __init__(self, marks: Doubles) -> None:
        self._marks = marks
        # One that is constant says too little: nothing agrees with it.
        self._varied = marks[:, :, 0].min(axis=(1, 2)) < marks[:, :, 1].max(axis=(1, 2))
        with np.errstate(invalid="ignore"):
            largest = np.abs(marks[:, :, :2]).max(axis=2, keepdims=True)
            square = marks[:, :, 3:]
            scale = np.concatenate([np.repeat(_not_tiny(largest), 3, axis=2), _not_tiny(square)], axis=2)
            self._allowed = _CLOSE * scale

    def agree(self, one: Doubles) -> NDArray[np.bool_]:
        """Tell which of the tensors hold the same values as one with these marks, (samples, 4, channels)."""
        if one.shape != self._marks.shape[1:]:
            return np.zeros(len(self._marks), np.bool_)
        with np.errstate(invalid="ignore"):  # infinite values are equal or not
            close = (one == self._marks) | (np.abs(one - self._marks) <= self._allowed)
        same: NDArray[np.bool_] = self._varied & close.all(axis=(1, 2, 3))
        return same


def _not_tiny(magnitudes: Doubles) -> Doubles:
    least: Doubles = np.maximum(magnitudes, _SMALLEST_CHANNEL * magnitudes.max(axis=-1, keepdims=True))
    return least
