"""One proposal in, one trial out: build, check for equals, measure; failures are data."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from autotune.configuration import Configuration
from autotune.errors import WorkerDied
from autotune.files import replacing
from autotune.protocol import Build, Built, Measure, Measured
from autotune.record import Failure, Seconds, Trial
from autotune.runner import Runner, TrialFailed

MINIMUM_TIMEOUT = 60.0


class Evaluator:
    """Turns configurations into trials with the help of the child process.

    Args:
        runner: the child.
        tolerance: of the drop on the search split, in the metric's own units.
        baseline_seconds: how long scoring the search split takes in float f32; timeouts are derived from it.
        scores: folder that keeps each trial's per-sample scores, ``<number>.npy``.
    """

    def __init__(self, runner: Runner, tolerance: float, baseline_seconds: float, scores: Path) -> None:
        self._runner = runner
        self._scores = scores
        self._tolerance = tolerance
        self._timeout = MINIMUM_TIMEOUT + 40 * baseline_seconds

    def evaluate(self, number: int, configuration: Configuration, origin: str, earlier: Iterable[Trial]) -> Trial:
        """Return the trial of one configuration; every error but the user's becomes a failed trial.

        Args:
            origin: ``plain`` configurations are always measured in full.
            earlier: trials so far; an equal configuration or candidate is not measured again.
        """
        known = [t for t in earlier if t.state != "duplicate"]
        same = next((t for t in known if t.configuration == configuration), None)
        if same is not None:
            return _duplicate(number, configuration, origin, same)
        try:
            started = time.monotonic()
            built: Built = self._runner.call(Build(configuration), self._timeout)
            build_seconds = time.monotonic() - started
            same = next((t for t in known if t.candidate == built.digest and _same_precision(t, configuration)), None)
            if same is not None:
                return _duplicate(number, configuration, origin, same, Seconds(build=build_seconds))
            full = origin == "plain"
            request = Measure(
                configuration,
                tolerance=None if full else self._tolerance,
                slowest=None if full else self._slowest_worth_scoring(known),
            )
            measured: Measured = self._runner.call(request, self._timeout)
        except TrialFailed as error:
            return _failed(number, configuration, origin, error.failure)
        except WorkerDied as error:
            return _failed(number, configuration, origin, Failure("worker", error.kind, str(error)))
        if measured.per_sample is not None:
            with replacing(self._scores / f"{number}.npy") as path:
                np.save(path, measured.per_sample)
        return Trial(
            number=number,
            configuration=configuration,
            state="stopped" if measured.stopped else "complete",
            origin=origin,
            measurement=measured.measurement,
            candidate=built.digest,
            reason=measured.stopped,
            seconds=Seconds(
                build=build_seconds,
                compile=measured.compile_seconds,
                score=measured.score_seconds,
                latency=measured.latency_seconds,
            ),
            finished_at=time.time(),
        )

    def _slowest_worth_scoring(self, earlier: Iterable[Trial]) -> float:
        """The speed of the fastest float within tolerance: what is slower cannot win."""
        floats = [
            t.measurement.latency.speedup.low
            for t in earlier
            if t.state == "complete"
            and t.configuration.quantization is None
            and t.measurement is not None
            and t.measurement.latency is not None
            and t.measurement.drop is not None
            and t.measurement.drop <= self._tolerance
        ]
        return max(floats, default=0.0)


def _same_precision(trial: Trial, configuration: Configuration) -> bool:
    return trial.configuration.precision == configuration.precision


def _duplicate(
    number: int, configuration: Configuration, origin: str, same: Trial, seconds: Seconds | None = None
) -> Trial:
    return Trial(
        number=number,
        configuration=configuration,
        state="duplicate",
        origin=origin,
        measurement=same.measurement,
        failure=same.failure,
        candidate=same.candidate,
        duplicate_of=same.number,
        reason=f"builds the same model as trial {same.number}",
        seconds=seconds or Seconds(),
        finished_at=time.time(),
    )


def _failed(number: int, configuration: Configuration, origin: str, failure: Failure) -> Trial:
    return Trial(
        number=number,
        configuration=configuration,
        state="failed",
        origin=origin,
        failure=failure,
        reason=f"{failure.stage}: {failure.message}",
        finished_at=time.time(),
    )
