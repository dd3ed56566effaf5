"""The float model in the graph forms that configurations ask for, each observed once."""

from __future__ import annotations

import sys
import tempfile
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import openvino as ov

from autotune.configuration import DIRECT, LATE, Compression, Configuration, FormChoice, FormName, PlacementName
from autotune.data import Dataset
from autotune.findings import QuantizerRecord, SmoothedActivation
from autotune.forms import FORMS, Smoothing, apply_forms, forms_with, smoothable
from autotune.forms.base import chosen_groups
from autotune.forms.direct import ask
from autotune.forms.late import move
from autotune.graph.inspect import clone, constants_size, nodes_by_name
from autotune.graph.lengths import at_length
from autotune.graph.typing import type_bf16
from autotune.memory import is_large
from autotune.quantize.compress import compress
from autotune.quantize.factory import BuildError, CandidateFactory, store_weights
from autotune.quantize.nncf_candidates import candidate
from autotune.quantize.placement import no_collection
from autotune.quantize.placers import Placers
from autotune.quantize.shared import Reference
from autotune.quantize.statistics import Floats
from autotune.recipe import CandidateWay
from autotune.stopwatch import Stopwatch

Forms = tuple[FormChoice, ...]

# Formed models that are kept; each has its weights, so of a large one a single one is. One that is needed again is made
# again, from what is on disk.
_KEPT = 6


class Variants:
    """Builds the candidates of one float model and of its graph forms.

    Attributes:
        base: the factory of the float model as it is.
        groups: form name -> group name -> operators that it rewrites; forms without groups are left out.
        watch: seconds so far of compiling and inference while observing and looking at sensitivities.
        observing: seconds spent so far on making, placing and observing graph forms, those of ``watch`` included.
    """

    def __init__(
        self,
        model: ov.Model,
        calibration: Dataset,
        cache: Path,
        threads: int,
        candidates: CandidateWay = "observe-once",
    ) -> None:
        """Take the float model; see ``CandidateFactory``, and ``recipe.Strategy`` for how candidates are made."""
        self._candidates = candidates
        self._model = model
        self._calibration = calibration
        self._cache = cache
        self._threads = threads
        self._channels = smoothable(model)
        self.watch = Stopwatch()
        self._placers = Placers()
        self.base = CandidateFactory(
            model, calibration, cache, threads, also=self._channels, placers=self._placers, watch=self.watch
        )
        self.base.prepare()
        unknown = Smoothing(0.5, {key: np.ones(width) for key, width in self._widths().items()})
        self._groups: dict[str, Mapping[str, tuple[str, ...]]] = {
            name: form.groups(model) for name, form in forms_with(unknown).items()
        }
        self.groups: dict[FormName, dict[str, tuple[str, ...]]] = {
            name: dict(groups)  # type: ignore[misc]
            for name, groups in self._groups.items()
            if groups
        }
        self.observing = 0.0
        self._large = is_large(constants_size(model))
        self._models: OrderedDict[Forms, ov.Model] = OrderedDict()
        self._factories: OrderedDict[tuple[Forms, PlacementName], CandidateFactory] = OrderedDict()
        self._base_observed = False
        self._reference: Reference | None = None

    def observe(self) -> None:
        """Record the statistics of the calibration samples, or load those recorded before.

        A few of the samples are looked at once more, for graph forms to be compared with: that serves all of them.
        """
        self.base.observe()
        self._base_observed = True
        if self.groups and self.base.operators and self._candidates == "observe-once":
            self._compared_with()

    def static_only(self, length: int) -> dict[str, int]:
        """Return how many operators each form could rewrite besides, if all samples had this length; where it could."""
        static = at_length(self._model, length)
        lost = {name: _members(form.groups(static)) - _members(self._groups[name]) for name, form in FORMS.items()}
        return {name: len(operators) for name, operators in lost.items() if operators}

    def model(self, forms: Forms) -> ov.Model:
        """Return the float model in these forms, without what is done to built models: always the same object.

        Raises:
            ValueError: there is no such form or group.
        """
        forms = _before_quantizing(forms)
        if not forms:
            return self._model
        if forms not in self._models:
            self._make_room()
            with self._timed():
                formed = self._formed(forms)
                self._models[forms] = self._stored(formed) if self._large and sys.platform == "linux" else formed
        self._models.move_to_end(forms)
        return self._models[forms]

    def factory(self, forms: Forms, placement: PlacementName) -> CandidateFactory:
        """Return the factory of the model in these forms, which has observed the calibration samples.

        Raises:
            ValueError: there is no such form or group.
        """
        forms = _before_quantizing(forms)
        if not forms:
            if not self._base_observed:  # this child replaces one that died: what that one recorded is on disk
                self.observe()
            return self.base
        key = forms, placement
        if key not in self._factories:
            model = self.model(forms)
            with self._timed():
                made = CandidateFactory(
                    model,
                    self._calibration,
                    self._cache,
                    self._threads,
                    placements=(placement,),
                    reference=self._compared_with(),
                    placers=self._placers,
                    watch=self.watch,
                )
                made.prepare(check=self.base.nncf_path)
                made.observe()
            self._factories[key] = made
            if len(self._factories) > _KEPT:
                self._factories.popitem(last=False)
        self._factories.move_to_end(key)
        return self._factories[key]

    def build(self, configuration: Configuration) -> ov.Model:
        """Return the model of a configuration; of a float one that of :meth:`model`.

        Raises:
            BuildError: nothing in the model can be quantised, a range is not finite, an operator that is to compute
                in bf16 cannot, or one whose weights are to be int8 is no linear layer of floats in these forms.
            ValueError: there is no such form or group, or NNCF cannot do what its public function is asked for.
        """
        quantization = configuration.quantization
        if quantization is None:
            model = self.model(configuration.forms)
        elif self._candidates == "nncf":
            model = candidate(self.model(configuration.forms), self._calibration, quantization)
            store_weights(model)
        else:
            with no_collection():
                model = self.factory(configuration.forms, quantization.placement).build(quantization)
        if quantization is not None and (late := self._chosen(configuration, LATE)):
            move(model, late)
        if configuration.compression is not None:
            model = _compressed(model, configuration.compression)
        return self.finished(model, configuration)

    def finished(self, model: ov.Model, configuration: Configuration) -> ov.Model:
        """Return a model, built or trained, whose operators have the types and kernels of a configuration, by name.

        Raises:
            BuildError: an operator that is to compute in bf16 cannot.
            ValueError: there is no such group.
        """
        if configuration.bf16_operators:
            model = _typed(model, configuration.bf16_operators)
        direct = self._chosen(configuration, DIRECT)
        return self._in_kernels(model, direct) if direct else model

    def _chosen(self, configuration: Configuration, name: FormName) -> tuple[str, ...]:
        """Return the groups of a form that is applied to what was built.

        Raises:
            ValueError: there is no such group.
        """
        found = tuple(group for form in configuration.forms if form.name == name for group in form.groups)
        chosen_groups(name, self._groups[name], found)
        return found

    def _in_kernels(self, model: ov.Model, direct: Sequence[str]) -> ov.Model:
        """Return a copy whose convolutions ask for other kernels; those that a form has replaced are no more."""
        copy = clone(model)
        ask(copy, direct)
        return copy

    def quantizers(self, configuration: Configuration) -> tuple[QuantizerRecord, ...]:
        """Return what the activation quantisers of a configuration saw; none where NNCF chose the ranges itself."""
        quantization = configuration.quantization
        if quantization is None or self._candidates == "nncf":
            return ()
        return self.factory(configuration.forms, quantization.placement).quantizers(quantization)

    def smoothed(self, forms: Forms) -> tuple[SmoothedActivation, ...]:
        """Return the activations that are smoothed in these forms, of the float model as it is otherwise."""
        return tuple(
            SmoothedActivation(operators, tuple(map(float, factors)))
            for form in forms
            if form.alpha is not None
            for operators, factors in Smoothing(form.alpha, self._maxima()).factors(self._model, form.groups).items()
        )

    def _stored(self, model: ov.Model) -> ov.Model:
        """Return the model as it is read from a file: weights of its own become pages that can be given back."""
        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="form-", dir=self._cache) as scratch:
            path = Path(scratch) / "form.xml"
            ov.save_model(model, path, compress_to_fp16=False)
            return ov.Core().read_model(path)  # mapped: it outlives the file's name

    def _make_room(self) -> None:
        """Let go of the formed models used longest ago, and if they are large of the factories that hold them."""
        while len(self._models) >= (1 if self._large else _KEPT):
            gone, _ = self._models.popitem(last=False)
            for key in [key for key in self._factories if self._large and key[0] == gone]:
                del self._factories[key]

    def _compared_with(self) -> Reference:
        """Return the float model as it is, to which graph forms are compared."""
        if self._reference is None:
            observation = self.factory((), "plain").observation
            self._reference = Reference(self._model, self.base.digest, observation, self._calibration, self.watch)
        return self._reference

    @contextmanager
    def _timed(self) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.observing += time.monotonic() - started

    def _formed(self, forms: Forms) -> ov.Model:
        chosen: dict[str, tuple[str, ...]] = {form.name: form.groups for form in forms}
        alpha = next((form.alpha for form in forms if form.alpha is not None), None)
        if alpha is None:
            return apply_forms(self._model, chosen, known=self._groups)
        return apply_forms(self._model, chosen, forms_with(Smoothing(alpha, self._maxima())), self._groups)

    def _maxima(self) -> dict[str, Floats]:
        """Return the largest magnitude of every channel of what can be smoothed, over the calibration samples."""
        observation = self.factory((), "plain").observation
        found = {}
        for key, axes in self._channels.items():
            (axis,) = axes
            lows, highs = observation.tensors[key].channels[axis]
            found[key] = np.maximum(np.abs(lows), np.abs(highs))
        return found

    def _widths(self) -> dict[str, int]:
        """Return how many channels each tensor has that can be smoothed."""
        nodes = nodes_by_name(self._model)
        found = {}
        for key, (axis,) in self._channels.items():
            name, _, port = key.rpartition(":")
            found[key] = nodes[name].output(int(port)).get_partial_shape()[axis].get_length()
        return found


def _before_quantizing(forms: Forms) -> Forms:
    return tuple(form for form in forms if form.name not in (DIRECT, LATE))


def _members(groups: Mapping[str, tuple[str, ...]]) -> set[str]:
    return {operator for members in groups.values() for operator in members}


def _compressed(model: ov.Model, compression: Compression) -> ov.Model:
    try:
        return compress(model, {n: compression.form_of(n) for n in compression.operators}, compression.symmetry)
    except ValueError as error:
        raise BuildError(f"Weights cannot be integers: {error}.") from error


def _typed(model: ov.Model, names: tuple[str, ...]) -> ov.Model:
    """Return a copy in which these operators compute in bf16; those that a form has replaced are no more."""
    copy = clone(model)
    left = type_bf16(copy, names).left
    if left:
        raise BuildError(f"These operators are quantised and cannot compute in bf16: {', '.join(left[:5])}.")
    return copy
