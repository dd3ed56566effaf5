"""Frozen values that flow through a run. Nothing here does anything."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Literal

from autotune.configuration import Configuration, FormName

Origin = Literal["plain", "neighbour", "guide", "sampler"]
TrialState = Literal["complete", "stopped", "duplicate", "failed"]
Status = Literal["proven", "expected", "beyond"]
Assurance = Literal["expected", "proven"]


@dataclass(frozen=True)
class Interval:
    """An estimate with a two-sided confidence interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class InputInfo:
    """One model input after its shape was fixed. ``dtype`` is OpenVINO's name, ``shape`` has the batch 1."""

    name: str
    shape: tuple[int, ...]
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
        precisions: those that OpenVINO really executes on this CPU (probed).
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
    precisions: tuple[str, ...]
    can_saturate: bool
    size_bytes: int
    nncf_path: str
    forms: dict[FormName, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    bf16_operators: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class OperatorRun:
    """What one executed node of the runtime model did. ``scheme`` is ``float`` or ``int8-static``."""

    name: str
    type: str
    scheme: str
    kernel: str
    precision: str
    microseconds: float


@dataclass(frozen=True)
class Latency:
    """Interleaved pairs against the f32 baseline.

    Attributes:
        baseline_ms, candidate_ms: one value per pair, milliseconds per inference.
        speedup: median of baseline/candidate over the pairs; above 1 the candidate is faster.
    """

    baseline_ms: tuple[float, ...]
    candidate_ms: tuple[float, ...]
    speedup: Interval

    @property
    def median_ms(self) -> float:
        return statistics.median(self.candidate_ms)


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


@dataclass(frozen=True)
class Failure:
    """Why a trial has no measurement. ``stage`` is build, compile, latency, score, export or worker."""

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
        build, compile, score, latency: of candidates; ``score`` is inference and the metric.
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
            operators from the prior) or ``sampler``.
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


@dataclass(frozen=True)
class Verdict:
    """What the holdout says of a finalist; drops are in the metric's own units, positive is worse.

    Attributes:
        drop_upper: one-sided upper bound of the drop at ``confidence`` (corrected for the number of finalists).
        method: name of the bound (exact paired, bootstrap, ...).
        more_samples: how many more labelled samples would settle it, None if no number would.
        groups, more_groups: the same as ``n`` and ``more_samples``, of the groups that samples come in; None where each
            sample stands alone.
    """

    status: Status
    drop: float
    drop_upper: float
    tolerance: float
    confidence: float
    n: int
    method: str
    score: float
    float_score: float
    more_samples: int | None = None
    groups: int | None = None
    more_groups: int | None = None


@dataclass(frozen=True)
class Saturation:
    """What saturating 8-bit sums cost the winner: its own score, and that of its emulation in floats.

    Attributes:
        score, emulated_score: the metric on the search split, of the same ``n`` samples.
        cost: the metric's difference, signed so that positive is worse.
    """

    score: float
    emulated_score: float
    cost: float
    n: int


@dataclass(frozen=True)
class Finalist:
    """A front member, re-measured with the others in common interleaved rounds, judged on the holdout.

    Attributes:
        speedup: against float f32. ``speedup_best_float``: against the best float with the asked assurance.
        milliseconds: one value per round, for the latency plot.
    """

    trial: int
    configuration: Configuration
    speedup: Interval
    speedup_best_float: Interval
    milliseconds: tuple[float, ...]
    verdict: Verdict
    meets_latency: bool = True


@dataclass(frozen=True)
class Goal:
    """What the user asked for. ``tolerance`` is in the metric's own units; ``max_latency_ms`` may be None."""

    metric: str
    higher_is_better: bool
    max_drop: str
    tolerance: float
    max_latency_ms: float | None
    confidence: float
    assurance: Assurance


@dataclass(frozen=True)
class Fingerprint:
    """The machine and versions that every number in a run holds for."""

    cpu: str
    isa: tuple[str, ...]
    instruction_set: str
    cores: int
    threads: int
    memory_gib: float
    system: str
    versions: dict[str, str]


@dataclass(frozen=True)
class SplitSizes:
    calibration: int
    search: int
    holdout: int
    duplicates_removed: int = 0


@dataclass(frozen=True)
class Run:
    """Everything that a finished (or interrupted) run knows; the report is a pure function of it.

    Attributes:
        outcome: ``winner``, ``constraint-unmet`` or ``interrupted``.
        sentence: the verdict in one sentence.
        why_float: why float won; empty when it did not.
        winner, best_float, fastest_proven: trial numbers of finalists.
        front: trial numbers of the Pareto front (speedup against drop) on the search split.
        saturation: None where 8-bit sums cannot saturate, where float won, or where ``notes`` say why.
        solved: the solved recipe as YAML.
        command: the command line that reproduces the run.
    """

    name: str
    outcome: str
    sentence: str
    why_float: str
    model: ModelInfo
    data: str
    splits: SplitSizes
    goal: Goal
    trials: tuple[Trial, ...]
    front: tuple[int, ...]
    finalists: tuple[Finalist, ...]
    winner: int
    best_float: int
    fastest_proven: int | None
    baseline_score: float
    seconds: Seconds
    wall_seconds: float
    fingerprint: Fingerprint
    started: str
    solved: str
    command: str
    notes: tuple[str, ...] = field(default=())
    saturation: Saturation | None = None
