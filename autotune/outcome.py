"""What a run comes to: goal, verdicts, finalists, the whole run, as frozen values. Nothing here does anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from autotune.configuration import Configuration, FloatWeights
from autotune.findings import FrameFindings, Importances, QuantizerRecord
from autotune.record import Interval, ModelInfo, Seconds, Trial

Status = Literal["proven", "expected", "beyond"]
RungName = Literal["profile", "float", "int8 weights", "static int8", "training"]
Assurance = Literal["expected", "proven"]


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
class Storage:
    """How the winner's float weights are stored, as they were or rounded to f16, and why.

    Attributes:
        f32_bytes, f16_bytes: of the model's constants as they are written, with either; None where that is not known.
        f32_drop, f16_drop: on the search split, in the metric's own units; as above.
        sentence: what was done.
    """

    float_weights: FloatWeights
    f32_bytes: int | None
    f16_bytes: int | None
    f32_drop: float | None
    f16_drop: float | None
    sentence: str


@dataclass(frozen=True)
class Finalist:
    """A front member, re-measured with the others in common interleaved rounds, judged on the holdout.

    Attributes:
        speedup: against float f32. ``speedup_best_float``: against the best float with the asked assurance.
        milliseconds: one value per common round.
        places: how many others ran before it in each round; empty where an older run did not record it.
        peak_memory_bytes: of its written model, as ``footprint.peak_memory`` counts it; None where it was not measured.
        size_bytes: of its constants; None where nobody looked.
    """

    trial: int
    configuration: Configuration
    speedup: Interval
    speedup_best_float: Interval
    milliseconds: tuple[float, ...]
    verdict: Verdict
    meets_latency: bool = True
    meets_size: bool = True
    meets_speedup: bool = True
    places: tuple[int, ...] = ()
    meets_memory: bool = True
    peak_memory_bytes: int | None = None
    size_bytes: int | None = None

    @property
    def is_small(self) -> bool:
        """Whether it keeps the size and the peak memory asked for."""
        return self.meets_size and self.meets_memory


@dataclass(frozen=True)
class Goal:
    """What the user asked for. ``tolerance`` is in the metric's own units; a limit that is None was not asked for.

    ``max_size_bytes`` is of a model's constants, ``max_memory_bytes`` of its peak memory as ``footprint.peak_memory``
    counts it, ``min_speedup`` is against float f32.
    """

    metric: str
    higher_is_better: bool
    max_drop: str
    tolerance: float
    max_latency_ms: float | None
    confidence: float
    assurance: Assurance
    max_size_bytes: int | None = None
    min_speedup: float | None = None
    max_memory_bytes: int | None = None

    @property
    def limits(self) -> int:
        """How many limits were asked for beside the tolerance."""
        asked = self.max_latency_ms, self.min_speedup, self.max_size_bytes, self.max_memory_bytes
        return sum(limit is not None for limit in asked)

    @property
    def asks_for_speed(self) -> bool:
        """Whether the winner must have some latency or speedup."""
        return self.max_latency_ms is not None or self.min_speedup is not None


@dataclass(frozen=True)
class Rung:
    """One step of the ladder.

    Attributes:
        trials: how many were measured on it; none: it was not climbed.
        best: number of the fastest within the tolerance on the search split, or None.
        found: a sentence: what it gave, or why it was not climbed.
    """

    name: RungName
    trials: int
    best: int | None
    found: str


@dataclass(frozen=True)
class Ladder:
    """How a run climbed, cheapest rung first.

    Attributes:
        rungs: all of them, in order; those that were not climbed say why.
        stopped: a sentence: why it climbed no further.
    """

    rungs: tuple[Rung, ...]
    stopped: str


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
class ExportCheck:
    """The written model gave, bit for bit, the outputs that were judged, in a process that only loaded it.

    Attributes:
        samples: of the search split. outputs: of the model, all compared.
    """

    samples: int
    outputs: int


@dataclass(frozen=True)
class OnnxExport:
    """Whether the winner was also written as ONNX with QuantizeLinear and DequantizeLinear.

    Attributes:
        sentence: what was compared, or why nothing was written.
        samples: that were compared. runtimes: that ran it.
        difference: the largest root mean square of an output's difference from the judged one's, as a share of its own.
    """

    written: bool
    sentence: str
    samples: int = 0
    runtimes: tuple[str, ...] = ()
    difference: float = 0.0


@dataclass(frozen=True)
class SplitSizes:
    calibration: int
    search: int
    holdout: int
    duplicates_removed: int = 0


@dataclass(frozen=True)
class RunRecord:
    """Everything that a finished (or interrupted) run knows; the report is a pure function of it.

    Attributes:
        outcome: ``winner``, ``constraint-unmet`` or ``interrupted``.
        sentence: the verdict in one sentence.
        why_float: why float won; empty when it did not.
        winner, best_float, fastest_proven: trial numbers of finalists.
        front: trial numbers of the Pareto front (speedup against drop) on the search split.
        saturation: None where 8-bit sums cannot saturate, where float won, or where ``notes`` say why.
        export_check: what the written model was compared on.
        onnx: None where it was not asked for.
        storage: None in the record of an older run.
        solved: the solved recipe as YAML.
        command: the command line that reproduces the run.
        ladder: None where the order was ``search``.
        frames: what was found out about operators, in the order of looking.
        quantizers: of the trial ``quantizers_of``: of the winner or, where that calibrates nothing, of the fastest that
            does; none where NNCF chose the ranges.
        importances: which choices mattered; None where too few int8 trials were measured.
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
    ladder: Ladder | None = None
    frames: tuple[FrameFindings, ...] = ()
    quantizers: tuple[QuantizerRecord, ...] = ()
    quantizers_of: int | None = None
    importances: Importances | None = None
    export_check: ExportCheck | None = None
    onnx: OnnxExport | None = None
    storage: Storage | None = None


@dataclass(frozen=True)
class Verification:
    """A run's deployed model, looked at again on some machine.

    Attributes:
        reasons: why it does not hold; empty when it does.
        differences: of this machine from the one of the run.
        verdict: of the run's holdout, here. ``speedup`` is against float f32, ``speedup_best_float`` against
            ``best_float``, the best float here.
        promised: the winner as the run judged it.
    """

    holds: bool
    reasons: tuple[str, ...]
    differences: tuple[str, ...]
    verdict: Verdict
    speedup: Interval
    speedup_best_float: Interval
    best_float: str
    latency_ms: float
    promised: Finalist
    fingerprint: Fingerprint
