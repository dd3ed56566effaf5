"""What is asked of those that may win, or have won: timed together, judged, written, looked at again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autotune.configuration import Configuration
from autotune.outcome import ExportCheck, OnnxExport, Verdict
from autotune.record import Failure, OperatorRun


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
class Start:
    """Tell what training from a static int8 candidate starts with. Answered by ``findings.StartingPoint``."""

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
class Footprint:
    """Measure the peak memory of a candidate's written folder. Answered by its bytes, an int.

    ``footprint.peak_memory`` says what they count.

    Attributes:
        directory: the deployed folder; or, unless it is ``written``, where it is put for this and removed again.
    """

    configuration: Configuration
    directory: Path
    written: bool = False


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
