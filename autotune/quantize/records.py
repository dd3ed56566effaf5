"""What was observed of a model, kept on disk by content: a child that replaces another one does not observe again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import openvino as ov

from autotune.data import Dataset
from autotune.files import write_text
from autotune.hardware import CAP_VARIABLES
from autotune.quantize.correctable import averaged
from autotune.quantize.observe import Observation, observe
from autotune.quantize.shared import Reference, Shared
from autotune.stopwatch import Stopwatch

# Part of every cache key: raise it when what is recorded changes its meaning.
_FORMAT = 4
_Tensors = Mapping[str, frozenset[int]]


@dataclass(frozen=True, eq=False)
class Records:
    """Observes one model, or loads what was observed before.

    Attributes:
        digest: of the model.
        folder: made when needed.
        threads: inferences at a time.
        watch: gets the time of compiling and inference.
    """

    model: ov.Model
    digest: str
    calibration: Dataset
    folder: Path
    threads: int
    watch: Stopwatch

    def observation(self, tensors: _Tensors, reference: Reference | None) -> Observation:
        """Return the statistics of these tensors and the means of all operators with a bias.

        Args:
            tensors: key -> axes whose channels are needed.
            reference: the model that this one is a graph form of: what they share is taken over.

        Raises:
            UserError: the folder cannot be written to.
        """
        data = self.calibration.content
        if reference is None:
            return self._observed(data, tensors, None)
        biased = averaged(self.model)
        shared = self._shared(reference, data, tensors, biased)
        rest = {key: axes for key, axes in tensors.items() if key not in shared.tensors}
        operators = {name: of for name, of in biased.items() if name not in shared.operators}
        return self._observed(data, rest, operators) | reference.taken(shared, tensors)

    def _observed(self, data: str, tensors: _Tensors, operators: Mapping[str, tuple[str, int]] | None) -> Observation:
        """``operators``: those whose input's means are recorded, with its key and axis; None for all."""
        if not tensors and not operators:
            return Observation({}, {})
        means = None if operators is None else sorted(operators)
        path = self.folder / f"observation-{self._key(data, [_sorted(tensors), means])}.npz"
        try:
            return Observation.load(path)
        except (FileNotFoundError, ValueError):
            found = observe(
                self.model, self.calibration, tensors, threads=self.threads, means=operators, watch=self.watch
            )
            found.save(path)
            return found

    def _shared(
        self, reference: Reference, data: str, tensors: _Tensors, biased: Mapping[str, tuple[str, int]]
    ) -> Shared:
        path = self.folder / f"shared-{self._key(data, [reference.digest, _sorted(tensors)])}.json"
        try:
            return Shared.parse(path.read_text())
        except (FileNotFoundError, ValueError):
            shared = reference.shared(self.model, tensors, biased)
            write_text(path, shared.dump())
            return shared

    def _key(self, data: str, asked: object) -> str:
        return cache_key(self.digest, data, json.dumps(asked), _cpu())


def cache_key(*parts: str) -> str:
    """Return a key for what depends on these, and on the versions of OpenVINO and NNCF."""
    return hashlib.sha256("\n".join([str(_FORMAT), *_versions(), *parts]).encode()).hexdigest()[:32]


@cache
def _versions() -> tuple[str, ...]:
    return tuple(f"{name}=={version(name)}" for name in ("openvino", "nncf"))


def _sorted(tensors: _Tensors) -> dict[str, list[int]]:
    return {key: sorted(axes) for key, axes in sorted(tensors.items())}


@cache
def _cpu() -> str:
    """The caps are those that OpenVINO was imported under; later changes of the environment have no effect on it."""
    core = ov.Core()
    facts: Iterable[str] = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    caps = [f"{name}={os.environ.get(name, '')}" for name in CAP_VARIABLES]
    return " ".join([core.get_property("CPU", "FULL_DEVICE_NAME"), *sorted(facts), *caps])
