"""From a configuration's int8 part to a model: placement, ranges, biases, int8 weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import get_args

import openvino as ov

from autotune.configuration import PlacementName, Preset, Quantization
from autotune.data import Dataset
from autotune.errors import AutotuneError, one_line
from autotune.files import write_text
from autotune.findings import QuantizerRecord
from autotune.graph.inspect import clone, constants_size, model_digests
from autotune.memory import is_large
from autotune.quantize.bias import BiasTable
from autotune.quantize.build import build
from autotune.quantize.calibration import quantizer_records
from autotune.quantize.emulate import Emulation, merged
from autotune.quantize.placement import FAST, PLACEMENTS
from autotune.quantize.placers import Placers
from autotune.quantize.points import Placement
from autotune.quantize.ranges import ActivationRanges, Range, WeightRanges
from autotune.quantize.records import Records, cache_key
from autotune.quantize.saturation import saturating
from autotune.quantize.sensitivity import Sensitivity, sensitivity
from autotune.quantize.shared import Reference
from autotune.quantize.stored import StoredWeights
from autotune.stopwatch import Stopwatch


class BuildError(AutotuneError, ValueError):
    """A candidate cannot be built; the message is one sentence."""


class CandidateFactory:
    """Builds the candidates of one float model: observes it once, then each takes a few hundredths of a second.

    Attributes:
        activation_quantizers: names of the activation quantisers of all placements, with no operator kept float; of a
            graph form, where nobody asks, none.
        observation: what :meth:`observe` recorded.
        nncf_path: ``fast``, or why the slow public function of NNCF is asked, or why nothing can be quantised.
    """

    def __init__(
        self,
        model: ov.Model,
        calibration: Dataset,
        cache_dir: Path,
        threads: int,
        *,
        placements: tuple[PlacementName, ...] = PLACEMENTS,
        also: Mapping[str, frozenset[int]] | None = None,
        reference: Reference | None = None,
        placers: Placers | None = None,
        watch: Stopwatch | None = None,
    ) -> None:
        """Take the float model and what to calibrate it on; does no work.

        Args:
            model: normalised, static shapes, batch 1; never changed.
            calibration: at least one sample.
            cache_dir: for what was observed and checked; made when needed.
            threads: inferences at a time while observing.
            placements: those that candidates may have.
            also: tensor key -> axes, of further tensors whose channels are observed.
            reference: the model that this one is a graph form of: what they share is taken over.
            placers: what was decided about models before, which this one adds to.
            watch: gets the time of compiling and inference.
        """
        self._model = model
        self._calibration = calibration
        self._cache = cache_dir
        self._threads = threads
        self._placements = placements
        self._also = dict(also or {})
        self._reference = reference
        self._watch = watch or Stopwatch()
        self._digests = model_digests(model)
        self._placers = placers or Placers()
        self._saturating = saturating(model)
        self.activation_quantizers: tuple[str, ...] = ()
        self.nncf_path = ""

    @property
    def digest(self) -> str:
        """Of the float model in memory, see ``graph.inspect.model_digest``."""
        return self._digests.content

    def prepare(self, check: str = "") -> None:
        """Find where quantisers may go, and check NNCF's fast path against its public function.

        That a check was passed is kept on disk; one that failed is made again.

        Args:
            check: the ``nncf_path`` that a check of another form of this model came to; it is taken over.
        """
        checked = self._cache / f"placement-{cache_key(self.digest)}.json"
        private = check in ("", FAST)
        self._placer = self._placers.of(
            self._model,
            self._digests.structure,
            self._calibration.row(0),
            private=private,
            placements=self._placements,
        )
        if not check and not checked.exists() and self._placer.self_check() == FAST:
            write_text(checked, json.dumps({"path": FAST}))
        self.nncf_path = self._placer.path
        if self._is_form:  # of a model that can be quantised: nothing more is asked before it is needed
            return
        try:
            self.activation_quantizers = self._quantizers() if self.operators else ()
        except Exception as error:  # noqa: BLE001 - NNCF's public function raises what it likes
            self.operators = self._none(error)

    @cached_property
    def operators(self) -> dict[str, str]:
        """Name -> OpenVINO type of the operators that some placement quantises, after :meth:`prepare`.

        Empty where nothing can be quantised.
        """
        try:
            return self._placer.operators()
        except Exception as error:  # noqa: BLE001 - NNCF's public function raises what it likes
            return self._none(error)

    def _none(self, error: Exception) -> dict[str, str]:
        self.nncf_path = f"NNCF cannot place quantisers in this model: {one_line(error)}"
        return {}

    @property
    def _is_form(self) -> bool:
        return self._reference is not None

    @property
    def note(self) -> str:
        """A sentence for the user if NNCF's fast path is not taken; empty if it is."""
        if self.nncf_path == FAST:
            return ""
        if not self.operators:
            return f"{self.nncf_path}."
        return f"Quantisers are placed the slow, public way of NNCF: {self.nncf_path}."

    def _quantizers(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for placement in self._placements:
            for preset in get_args(Preset):
                names.update((q.name, None) for q in self._placer.solve(placement, preset).activations)
        return tuple(names)

    def observe(self) -> None:
        """Record the statistics of the calibration samples, or load those recorded before.

        They are kept by content: model, samples, points, versions, CPU and its instruction set.

        Raises:
            UserError: the cache folder cannot be written to.
        """
        tensors = dict(self._placer.tensors()) if self._is_form or self.operators else {}
        for key, axes in self._also.items():
            tensors[key] = tensors.get(key, frozenset()) | axes
        records = Records(self._model, self.digest, self._calibration, self._cache, self._threads, self._watch)
        self.observation = records.observation(tensors, self._reference)
        self._activations = ActivationRanges(self.observation)
        self._weights = WeightRanges(self._model)
        self._biases = BiasTable(self._model, self.observation)
        # Of a large model no integers are kept beside the weights: OpenVINO makes them anew each time.
        self._stored = None if is_large(constants_size(self._model)) else StoredWeights(self._model)

    def build(self, quantization: Quantization) -> ov.Model:
        """Return the int8 model of a configuration, its weights stored as int8; after :meth:`observe`.

        With every operator kept float it is a copy of the float model.

        Raises:
            BuildError: nothing in the model can be quantised, or a range is not finite.
        """
        if not self._is_form and not self.operators:
            reason = "no operator computes in int8" if self.nncf_path == FAST else self.nncf_path
            raise BuildError(f"Nothing in this model can be quantised: {reason}.")
        q = quantization
        placement = self.placement(q)
        if not placement.activations and not placement.weights:
            return clone(self._model)
        try:
            activations = self._activations.of(placement, q.activation, dict(q.overrides))
            weights = self._weight_ranges(placement, q)
        except ValueError as error:
            raise BuildError(str(error)) from error
        stored = self._stored.of(placement, weights) if self._stored is not None else {}
        biases = self._biases.of(placement, weights, stored) if q.bias_correction else {}
        candidate = build(self._model, placement, activations, weights, biases, stored=stored)
        if len(stored) < len(placement.weights):
            store_weights(candidate)
        return candidate

    def quantizers(self, quantization: Quantization) -> tuple[QuantizerRecord, ...]:
        """Return what its activation quantisers saw, and the range that each estimator makes of it."""
        return quantizer_records(self.observation, self._activations, self.placement(quantization), quantization)

    def sensitivity(
        self,
        quantization: Quantization,
        samples: Dataset,
        groups: Mapping[str, Sequence[str]] | None = None,
        *,
        few: int | None = None,
    ) -> Sensitivity:
        """Measure what each operator alone costs in accuracy, with one compilation; after :meth:`observe`.

        It emulates int8 in f32, at about twice the time of the float model per inference. A placement is solved twice
        per group (0.01 to 0.04 s each) and every sample runs twice per group, less with ``few``.

        Args:
            quantization: how quantisers are placed and get their ranges; its float operators stay float throughout.
            samples: a few dozen.
            groups: label -> operators to be looked at together; by default each operator by itself.
            few: of how many samples it is also measured what keeping each float alone takes back; by default of all.

        Raises:
            BuildError: as for :meth:`build`.
        """
        fixed = frozenset(quantization.float_operators)
        free = frozenset(self.operators) - fixed
        chosen = groups or {name: (name,) for name in self.operators if name in free}
        whole = self._solve(quantization, fixed)
        alone = {label: self._solve(quantization, fixed | free.difference(group)) for label, group in chosen.items()}
        others = {
            label: self._solve(quantization, fixed | free.intersection(group))
            for label, group in (chosen if few != 0 else {}).items()
        }
        emulation = self.emulation(quantization, [whole, *alone.values(), *others.values()])
        count = len(samples) if few is None else few
        return sensitivity(
            emulation, whole, alone, others, dataset=samples, few=count, threads=self._threads, watch=self._watch
        )

    def emulation(self, quantization: Quantization, placements: Sequence[Placement]) -> Emulation:
        """Return one graph of all quantisers of ``placements``, in f32; ranges are those of ``quantization``.

        Raises:
            BuildError: as for :meth:`build`.
        """
        activations: dict[str, Range] = {}
        weights: dict[str, Range] = {}
        try:
            for placement in placements:
                activations = self._activations.of(placement, quantization.activation, dict(quantization.overrides)) | (
                    activations
                )
                weights = self._weight_ranges(placement, quantization) | weights
        except ValueError as error:
            raise BuildError(str(error)) from error
        everything = merged(placements)
        if not everything.activations and not everything.weights:
            raise BuildError("Nothing in this model can be quantised.")
        biases = self._biases.of(everything, weights) if quantization.bias_correction else {}
        return Emulation(self._model, placements, activations, weights, biases)

    def placement(self, quantization: Quantization) -> Placement:
        """Return where a configuration has its quantisers."""
        return self._solve(quantization, frozenset(quantization.float_operators))

    def _solve(self, quantization: Quantization, float_operators: frozenset[str]) -> Placement:
        return self._placer.solve(quantization.placement, quantization.preset, float_operators)

    def _weight_ranges(self, placement: Placement, q: Quantization) -> dict[str, Range]:
        """Ranges of the weights; ``overflow_fix: all`` means all operators whose sums can saturate (as in NNCF)."""
        if q.overflow_fix != "all":
            return self._weights.of(placement, q.weights, q.overflow_fix)
        safe = tuple(w for w in placement.weights if w.node not in self._saturating)
        risky = tuple(w for w in placement.weights if w.node in self._saturating)
        return self._weights.of(Placement((), safe), q.weights, "off") | self._weights.of(
            Placement((), risky), q.weights, "all"
        )


def store_weights(model: ov.Model) -> None:
    """Replace float weights behind a FakeQuantize by int8 ones, in place: the form that is measured and saved."""
    from openvino._offline_transformations import compress_quantize_weights_transformation

    compress_quantize_weights_transformation(model)
