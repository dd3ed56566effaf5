"""Messages between the tuner and the child process that builds and measures.

Every message is a frozen, picklable value. A request names its answer's type in its docstring. The child answers
with :class:`Answer` or :class:`Refusal`; if it does not answer at all, the runner raises ``WorkerDied``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotune.configuration import Configuration, WeightForm
from autotune.outcome import ExportCheck, OnnxExport, Verdict
from autotune.recipe import CandidateWay, MetricSpec, Reading, Recipe
from autotune.record import Failure, Interval, Latency, Measurement, ModelInfo, OperatorRun


@dataclass(frozen=True)
class Companions:
    """What travels with a model that came from a transformers folder.

    Attributes:
        folder: whose tokenizer and config are copied.
        auto: the class of transformers that loads the model, such as ``AutoModelForMaskedLM``.
    """

    folder: Path
    auto: str


@dataclass(frozen=True)
class Setup:
    """First request to every child: load, check, normalise, measure the baseline. Answered by :class:`Prepared`.

    Attributes:
        model: the source model's file.
        inputs: shapes that the recipe fixes.
        splits: file written by ``data.save``.
        base: folder that a metric's FILE.py is relative to.
        cache: folder for recorded statistics.
        threads: None for all usable cores.
        candidates: how int8 models are made, see ``recipe.Strategy``.
        trained: folder of models that training made, ``<digest>.xml``.
        reading: how a detector's boxes are read; None for other tasks.
        weight_forms: of linear layers, that the recipe asks for.
    """

    name: str
    model: Path
    inputs: dict[str, tuple[int, ...]]
    splits: Path
    metric: MetricSpec
    base: Path
    trust_code: bool
    cache: Path
    threads: int | None
    seed: int
    confidence: float
    candidates: CandidateWay
    companions: Companions | None = None
    trained: Path | None = None
    reading: Reading | None = None
    weight_forms: tuple[WeightForm, ...] = ()

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        *,
        model: Path,
        splits: Path,
        trust_code: bool,
        cache: Path,
        companions: Companions | None = None,
        trained: Path | None = None,
        reading: Reading | None = None,
    ) -> Setup:
        """Return the set-up that a recipe asks for."""
        return cls(
            name=recipe.name,
            model=model,
            inputs={name: tuple(shape) for name, shape in recipe.inputs.items()},
            splits=splits.absolute(),
            metric=recipe.metric,
            base=recipe.base,
            trust_code=trust_code,
            cache=cache.absolute(),
            threads=recipe.threads,
            seed=recipe.seed,
            confidence=recipe.tolerance.confidence,
            candidates=recipe.strategy.candidates,
            companions=companions,
            trained=None if trained is None else trained.absolute(),
            reading=reading,
            weight_forms=recipe.space.compression.forms,
        )


@dataclass(frozen=True)
class Prepared:
    """The source model as it will be tuned, and float f32 measured.

    Attributes:
        baseline: score on the search split, latency against itself (how noisy the machine is), operators with times.
        scores: the baseline's per sample of the search split, shape (n, ...).
        metric_seconds: for one value of the metric on the search split; 0 for a mean of scores.
        members: how many times the model runs for a sample.
    """

    model: ModelInfo
    baseline: Measurement
    scores: NDArray[np.float64]
    metric_seconds: float
    higher_is_better: bool
    members: int = 1


@dataclass(frozen=True)
class Observe:
    """Record the statistics of the calibration split, or load them. Answered by :class:`Observed`."""


@dataclass(frozen=True)
class Observed:
    """How long it took; compiling and inference are ``inference_seconds``, and not in ``seconds``."""

    seconds: float
    inference_seconds: float


@dataclass(frozen=True)
class Build:
    """Build a candidate and keep it for :class:`Measure`. Answered by :class:`Built`."""

    configuration: Configuration


@dataclass(frozen=True)
class Built:
    """A candidate.

    Attributes:
        observe_seconds: what making, placing and observing its graph form took, mostly 0.
        inference_seconds: what compiling and inference took of that; not in ``observe_seconds``.
    """

    digest: str
    observe_seconds: float
    inference_seconds: float


@dataclass(frozen=True)
class Rival:
    """The trial to beat.

    Attributes:
        speedup: against float f32, which took ``baseline_ms`` per inference at that time.
        tolerance: of the drop that it keeps.
        duels: whether candidates that are close to it are timed beside it.
    """

    number: int
    configuration: Configuration
    speedup: Interval
    baseline_ms: float
    tolerance: float
    duels: bool = True


@dataclass(frozen=True)
class Measure:
    """Compile, time and score the candidate. Answered by :class:`Measured`.

    Attributes:
        tolerance: of the drop, in the metric's own units; None scores every sample.
        slowest: speed against f32 below which scoring is pointless; None scores whatever the speed.
        rival: to be timed beside it where the two are close; None where there is none yet.
    """

    configuration: Configuration
    tolerance: float | None
    slowest: float | None
    rival: Rival | None = None


@dataclass(frozen=True)
class Measured:
    """What was measured of a candidate.

    Attributes:
        per_sample: what of each scored sample the metric depends on, shape (samples, ...); None if none was scored.
        stopped: why the evaluation ended early, empty when it is complete.
        rival: its latency, where it had to be timed again: the machine is in another state than when it was.
    """

    measurement: Measurement
    per_sample: NDArray[np.float64] | None
    stopped: str
    compile_seconds: float
    score_seconds: float
    latency_seconds: float
    rival: Latency | None = None


@dataclass(frozen=True)
class Explore:
    """Find out what each operator of a frame costs and gains. Answered by :class:`Explored`.

    Attributes:
        frame: an int8 configuration with no operator kept float that need not be.
        accuracy: also measure costs, for as long as so many ``inferences`` of float f32 take.
    """

    frame: Configuration
    accuracy: bool
    inferences: int


@dataclass(frozen=True)
class Explored:
    """What the time model and the knapsack are made from (``prior``).

    Attributes:
        operators: those that some placement quantises, in the graph form of the frame.
        float_runs, int8_runs: profiles of the frame's float model and of the frame.
        near: node -> operators next to it. edges: (giver, taker) -> elements. sizes: node -> elements.
        groups: label -> operators that are looked at together.
        costs: label -> squared error when they alone are quantised; empty if that was not asked.
        inference_seconds: compiling and inference.
        taken_back: label -> by how much the squared error of the whole frame shrinks when they alone are float; empty
            where the time did not allow it.
    """

    operators: tuple[str, ...]
    float_runs: tuple[OperatorRun, ...]
    int8_runs: tuple[OperatorRun, ...]
    near: dict[str, tuple[str, ...]]
    edges: dict[tuple[str, str], int]
    sizes: dict[str, int]
    groups: dict[str, tuple[str, ...]]
    costs: dict[str, float]
    inference_seconds: float
    taken_back: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Race:
    """Time several candidates in common interleaved rounds. Answered by :class:`Raced`.

    Attributes:
        max_seconds: with building and compiling.
    """

    configurations: tuple[Configuration, ...]
    rounds: int
    max_seconds: float


@dataclass(frozen=True)
class Raced:
    """What the common rounds gave.

    Attributes:
        milliseconds: by candidate, one value per round; empty for one that failed.
        places: the same of how many others ran before it in that round.
        failures: by candidate, None where it ran.
        disturbance: a sentence where other processes left too little of the CPUs meanwhile, else empty.
    """

    milliseconds: tuple[tuple[float, ...], ...]
    places: tuple[tuple[int, ...], ...]
    failures: tuple[Failure | None, ...]
    disturbance: str = ""


@dataclass(frozen=True)
class Judge:
    """Score a finalist on the holdout, once. Answered by ``outcome.Verdict``.

    Attributes:
        max_drop: a number in the metric's own units, or relative to the float score when ``relative``.
        finalists: how many are judged together (the correction of the confidence).
    """

    configuration: Configuration
    max_drop: float
    relative: bool
    confidence: float
    finalists: int


@dataclass(frozen=True)
class Recheck:
    """Time a deployed model and the floats in common rounds, and score each on the holdout. Answered by
    :class:`Rechecked`.

    Attributes:
        directory: the deployed folder.
        floats: float f32 first.
        max_drop, relative, confidence: as in :class:`Judge`.
    """

    directory: Path
    floats: tuple[Configuration, ...]
    rounds: int
    max_seconds: float
    max_drop: float
    relative: bool
    confidence: float


@dataclass(frozen=True)
class Rechecked:
    """The deployed model first, then the floats.

    Attributes:
        milliseconds: one value per round.
        notes: what OpenVINO did otherwise than it was asked.
    """

    milliseconds: tuple[tuple[float, ...], ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Recall:
    """Tell what the quantisers of a candidate saw. Answered by a tuple of ``findings.QuantizerRecord``."""

    configuration: Configuration


@dataclass(frozen=True)
class Emulate:
    """Score a candidate on the whole search split, its int8 computed as floats. Answered by :class:`Emulated`."""

    configuration: Configuration


@dataclass(frozen=True)
class Emulated:
    """``score``: the metric. ``samples``: of the search split, all of them."""

    score: float
    samples: int


@dataclass(frozen=True)
class Export:
    """Write model, properties and snippets into a new folder. Answered by :class:`Exported`.

    Attributes:
        remark: goes into the folder's README: what is known of this model.
        final: it stays: the time of each operator is wanted, and outputs are compared in a fresh process. What is only
            the best so far is compared in this one.
        onnx: write it as ONNX QDQ, too, if that can say it.
    """

    configuration: Configuration
    directory: Path
    remark: str
    final: bool = True
    onnx: bool = False


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        digest: of the candidate.
        operators: what each does; microseconds are 0 unless it is final.
        inference_seconds: compiling and inference.
        note: what is to be told of the files; empty for nothing.
        check: how outputs were compared in a fresh process; None if they were not.
        onnx: None where it was not asked for.
    """

    digest: str
    operators: tuple[OperatorRun, ...]
    inference_seconds: float
    note: str = ""
    check: ExportCheck | None = None
    onnx: OnnxExport | None = None


@dataclass(frozen=True)
class Answer:
    value: Any


@dataclass(frozen=True)
class Refusal:
    """``user`` is a UserError's sentence; otherwise ``failure`` says what went wrong with this candidate."""

    user: str | None = None
    failure: Failure | None = None
