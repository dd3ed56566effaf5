"""What the search asks: statistics, candidates built and measured, operators looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from autotune.configuration import Configuration
from autotune.record import Interval, Latency, Measurement, OperatorRun


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
        size_bytes: of its constants, as they would be written.
    """

    digest: str
    observe_seconds: float
    inference_seconds: float
    size_bytes: int


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
class LookAtKernels:
    """Find out which convolutions are faster in direct kernels. Answered by :class:`Kernels`.

    Attributes:
        configuration: none of whose convolutions asks for them. convolutions: that may.
    """

    configuration: Configuration
    convolutions: tuple[str, ...]


@dataclass(frozen=True)
class Kernels:
    """Sets of convolutions that may pay in direct kernels.

    Attributes:
        sets: the most promising first; empty where none is.
        inference_seconds: compiling and inference.
    """

    sets: tuple[tuple[str, ...], ...]
    inference_seconds: float


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
