"""What is measured: the model, trials and their parts, as frozen values. Nothing here does anything."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Literal

from autotune.configuration import Compression, Configuration, FormName, Precision, RunScheme, WeightForm

Origin = Literal["plain", "neighbour", "guide", "sampler", "training", "storage"]
TrialState = Literal["complete", "stopped", "duplicate", "failed"]


@dataclass(frozen=True)
class Interval:
    """An estimate with a two-sided confidence interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class InputInfo:
    """One model input. ``dtype`` is OpenVINO's name.

    ``shape`` has the batch 1; an axis whose extent differs from sample to sample is a text, such as ``1..128``.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: str


@dataclass(frozen=True)
class ModelInfo:
    """What the rest of the program needs to know of the source model.

    Attributes:
        digest: SHA-256 of the source model's files.
        operators: friendly name -> OpenVINO type, of every operator that some placement quantises.
        activation_quantizers: names of the activation quantisers of all placements together.
        forms: form name -> group name -> names of the operators that it rewrites; forms without groups are left out.
        bf16_operators: those with weights that run in bf16 when they are typed so and the rest is f32 (probed).
        bf16_alone: those of them that hand bf16 to no other operator with weights.
        bf16_failure: why that could not be probed although this CPU computes in bf16, one short line; or empty.
        compressible: linear layers that OpenVINO runs with int8 weights -> dynamic groups with which it also quantises
            the activations that they read (probed).
        finer: other form of the weights that the recipe asks for (``str`` of a ``WeightForm``) -> the same, for the
            layers that OpenVINO runs with it; what is missing there has 8 bits and a scale per output channel.
        direct_kernels: whether convolutions that ask for direct kernels run in others than they do by default (probed).
        precisions: those that OpenVINO really executes on this CPU (probed).
        threads: that OpenVINO really uses where all that the run may use are asked for.
        can_saturate: 8-bit sums saturate on this instruction set (no VNNI, no AMX).
        nncf_path: ``fast`` (placement re-solved, checked) or the reason for the public fallback.
        notes: sentences to show the user (fixed dimensions, what ran differently).
    """

    name: str
    digest: str
    inputs: tuple[InputInfo, ...]
    outputs: tuple[str, ...]
    operators: dict[str, str]
    activation_quantizers: tuple[str, ...]
    precisions: tuple[Precision, ...]
    can_saturate: bool
    size_bytes: int
    nncf_path: str
    forms: dict[FormName, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    bf16_operators: tuple[str, ...] = ()
    bf16_alone: tuple[str, ...] = ()
    bf16_failure: str = ""
    direct_kernels: bool = False
    compressible: dict[str, tuple[int, ...]] = field(default_factory=dict)
    finer: dict[str, dict[str, tuple[int, ...]]] = field(default_factory=dict)
    threads: int = 1
    notes: tuple[str, ...] = ()

    def layers(self, form: WeightForm) -> dict[str, tuple[int, ...]]:
        """Return the layers that OpenVINO runs with weights of this form, each with its dynamic groups."""
        return self.compressible if form == WeightForm() else self.finer.get(str(form), {})

    def dynamic_groups(self, layer: str, form: WeightForm) -> tuple[int, ...]:
        """Return the dynamic groups of a layer where others have this form: its own, or that of one per channel."""
        return self.layers(form).get(layer, self.compressible.get(layer, ()))

    def dynamic_layers(self, compression: Compression) -> tuple[str, ...]:
        """Return the layers whose activations are quantised at run time."""
        group, form = compression.dynamic_group, compression.form
        return tuple(name for name in compression.operators if group in self.dynamic_groups(name, form))


@dataclass(frozen=True)
class OperatorRun:
    """What one executed node of the runtime model did."""

    name: str
    type: str
    scheme: RunScheme
    kernel: str
    precision: str
    microseconds: float


@dataclass(frozen=True)
class Latency:
    """Interleaved pairs against the f32 baseline.

    Attributes:
        baseline_ms, candidate_ms: one value per pair, milliseconds per inference.
        speedup: median of baseline/candidate over the pairs; above 1 the candidate is faster. After a ``Duel`` that of
            the rival times the duel's ratio, if that is known well enough: speeds of other minutes are not comparable.
    """

    baseline_ms: tuple[float, ...]
    candidate_ms: tuple[float, ...]
    speedup: Interval

    @property
    def median_ms(self) -> float:
        return statistics.median(self.candidate_ms)

    @property
    def baseline_median_ms(self) -> float:
        return statistics.median(self.baseline_ms)


@dataclass(frozen=True)
class Duel:
    """Interleaved pairs with the trial ``against``; ``ratio`` is its time over this one's, above 1 this is faster.

    ``seconds`` is what they took, part of the trial's seconds for latency; ``rival_ms`` and ``own_ms`` are one value
    per pair, milliseconds per inference, empty where an older run did not record them.
    """

    against: int
    ratio: Interval
    seconds: float
    rival_ms: tuple[float, ...] = ()
    own_ms: tuple[float, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """What was observed of one candidate.

    Attributes:
        score: the metric on the ``samples`` first samples of the search split (all, unless stopped).
        drop: float f32's score on the same samples minus this one, signed so that positive is worse.
        drop_error: standard error of the drop, from the paired scores; None where nothing was scored.
        groups: that these samples come in, so many are independent; None where each sample is.
        precision: that OpenVINO really computes float operators in.
        notes: a sentence for everything that ran otherwise than asked.
        operators: read back from the runtime model.
        duel: with the fastest within the tolerance at that time, where the two are close.
    """

    latency: Latency | None
    score: float | None
    drop: float | None
    samples: int
    size_bytes: int
    threads: int
    operators: tuple[OperatorRun, ...] = ()
    drop_error: float | None = None
    groups: int | None = None
    precision: str = ""
    notes: tuple[str, ...] = ()
    duel: Duel | None = None


@dataclass(frozen=True)
class Failure:
    """Why a trial has no measurement. ``stage`` is build, explore, compile, latency, score, export or worker."""

    stage: str
    kind: str
    message: str


@dataclass(frozen=True)
class Seconds:
    """Wall seconds spent per phase.

    Attributes:
        observe: making graph forms, placing quantisers and recording statistics; no inference and no compilation.
        inference: compiling and inference of observing, of looking at what each operator costs, and of comparing the
            best so far, once it is written, with what was measured.
        build, compile, score, latency: of candidates; ``score`` is inference and the metric, ``compile`` has in it
            giving back what was compiled.
        search: the whole search phase; ``report``: writing reports.
    """

    observe: float = 0.0
    inference: float = 0.0
    build: float = 0.0
    compile: float = 0.0
    score: float = 0.0
    latency: float = 0.0
    search: float = 0.0
    report: float = 0.0


@dataclass(frozen=True)
class Trial:
    """One row of trials.csv, one Optuna trial.

    Attributes:
        origin: who proposed it: ``plain`` (what peers would ship), ``neighbour`` (one choice changed), ``guide`` (float
            operators from the prior), ``sampler``, ``training`` (made, not found) or ``storage`` (f16 weights).
        candidate: digest of the built model; None if it was never built.
        reason: why it was stopped, failed or not measured again; empty when complete.
        finished_at: Unix time of its end.
        ended_seconds: of its end since the run began; the time between a killed run and ``--resume`` does not count.
    """

    number: int
    configuration: Configuration
    state: TrialState
    origin: Origin
    measurement: Measurement | None = None
    failure: Failure | None = None
    candidate: str | None = None
    duplicate_of: int | None = None
    reason: str = ""
    seconds: Seconds = Seconds()
    finished_at: float = 0.0
    ended_seconds: float = 0.0
