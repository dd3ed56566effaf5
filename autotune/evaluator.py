"""One proposal in, one trial out: build, check for equals, measure; failures are data."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autotune import decide
from autotune.configuration import Configuration
from autotune.errors import WorkerDied
from autotune.files import replacing
from autotune.protocol import Build, Built, Measure, Measured, Prepared, Rival
from autotune.record import Failure, Latency, Origin, Seconds, Trial
from autotune.runner import Runner
from autotune.search.incumbent import to_beat
from autotune.stages import StageFailed, failure_of

MINIMUM_TIMEOUT = 60.0
# A candidate may be this many times slower than float f32 (emulated bf16 kernels are 20 times slower).
SLOWEST = 40
# Values of a corpus metric that one evaluation may compute, with a margin for a busy machine.
METRIC_VALUES = 1000
# Standard errors below the tolerance that make a slower candidate pointless.
_ERRORS = 2.0


@dataclass(frozen=True)
class Evaluated:
    """The trial of a configuration, and the one it competes with (``again``) where that had to be timed again."""

    trial: Trial
    again: Trial | None = None


class Evaluator:
    """Turns configurations into trials with the help of the child process.

    Args:
        runner: the child.
        prepared: float f32 as it was measured; it is the trial of that configuration, and timeouts are derived from it.
        tolerance: of the drop on the search split, in the metric's own units.
        baseline_seconds: how long scoring the search split takes in float f32.
        scores: folder that keeps each trial's per-sample scores, ``<number>.npy``.
        early_stopping: whether a candidate may be given up before it is scored in full.
        max_size: bytes of the winner's constants; what is larger makes no smaller one pointless.
        begun: ``time.monotonic()`` that trials' ends are counted from.
    """

    def __init__(
        self,
        runner: Runner,
        prepared: Prepared,
        tolerance: float,
        baseline_seconds: float,
        scores: Path,
        *,
        early_stopping: bool,
        begun: float,
        max_size: int | None = None,
    ) -> None:
        self._runner = runner
        self._prepared = prepared
        self._scores = scores
        self._tolerance = tolerance
        self._early_stopping = early_stopping
        self._begun = begun
        self._max_size = max_size
        self._timeout = MINIMUM_TIMEOUT + SLOWEST * baseline_seconds + METRIC_VALUES * prepared.metric_seconds

    def evaluate(
        self, number: int, configuration: Configuration, origin: Origin, earlier: Iterable[Trial]
    ) -> Evaluated:
        """Return the trial of one configuration; every error but the user's becomes a failed trial.

        Args:
            origin: ``plain`` and trained configurations are always measured in full.
            earlier: trials so far; an equal configuration or candidate is not measured again.
        """
        found = self._evaluate(number, configuration, origin, earlier)
        trial = replace(found.trial, finished_at=time.time(), ended_seconds=time.monotonic() - self._begun)
        return replace(found, trial=trial)

    def _evaluate(
        self, number: int, configuration: Configuration, origin: Origin, earlier: Iterable[Trial]
    ) -> Evaluated:
        known = [t for t in earlier if t.state != "duplicate"]
        same = next((t for t in known if t.configuration == configuration), None)
        if same is not None:
            return Evaluated(_duplicate(number, configuration, origin, same))
        if configuration == Configuration():
            return Evaluated(self._baseline(number, origin))
        try:
            started = time.monotonic()
            built: Built = self._runner.call(Build(configuration), self._timeout)
            observing, inference = built.observe_seconds, built.inference_seconds
            build_seconds = time.monotonic() - started - observing - inference
            same = next((t for t in known if t.candidate == built.digest and _compiled_alike(t, configuration)), None)
            if same is not None:
                spent = Seconds(observe=observing, inference=inference, build=build_seconds)
                return Evaluated(_duplicate(number, configuration, origin, same, spent))
            full = origin in ("plain", "training") or not self._early_stopping
            rival = self._rival(known)
            request = Measure(
                configuration,
                tolerance=None if full else self._tolerance,
                slowest=None if full else self._slowest_worth_scoring(known),
                rival=rival,
            )
            measured: Measured = self._runner.call(request, self._timeout)
        except (StageFailed, WorkerDied) as error:
            return Evaluated(_failed(number, configuration, origin, failure_of(error)))
        if measured.per_sample is not None:
            self._keep(number, measured.per_sample)
        trial = Trial(
            number=number,
            configuration=configuration,
            state="stopped" if measured.stopped else "complete",
            origin=origin,
            measurement=measured.measurement,
            candidate=built.digest,
            reason=measured.stopped,
            seconds=Seconds(
                observe=observing,
                inference=inference,
                build=build_seconds,
                compile=measured.compile_seconds,
                score=measured.score_seconds,
                latency=measured.latency_seconds,
            ),
        )
        again = next((t for t in known if rival is not None and t.number == rival.number), None)
        return Evaluated(trial, _timed_again(again, measured.rival) if again and measured.rival else None)

    def _baseline(self, number: int, origin: Origin) -> Trial:
        """Float f32, which was measured when the child was prepared."""
        self._keep(number, self._prepared.scores)
        return Trial(
            number=number,
            configuration=Configuration(),
            state="complete",
            origin=origin,
            measurement=self._prepared.baseline,
            candidate=self._prepared.model.digest,
        )

    def _keep(self, number: int, per_sample: NDArray[np.float64]) -> None:
        with replacing(self._scores / f"{number}.npy") as path:
            np.save(path, per_sample)

    def _rival(self, earlier: Iterable[Trial]) -> Rival | None:
        """What to beat; to be timed beside it as long as that has taken little of the run."""
        known = list(earlier)
        found = to_beat([t for t in known if decide.fits(t, self._max_size)], self._tolerance)
        if found is None or found.measurement is None or found.measurement.latency is None:
            return None
        latency = found.measurement.latency
        spent = sum(t.measurement.duel.seconds for t in known if t.measurement and t.measurement.duel)
        return Rival(
            found.number,
            found.configuration,
            latency.speedup,
            latency.baseline_median_ms,
            tolerance=self._tolerance,
            duels=decide.is_affordable(spent, time.monotonic() - self._begun),
        )

    def _slowest_worth_scoring(self, earlier: Iterable[Trial]) -> float:
        """The speed of the fastest that is clearly within the tolerance: what is slower cannot win."""
        able = [p for p in decide.points(earlier) if p.fits(self._max_size)]
        return max((p.speedup.low for p in able if p.clearly_within(self._tolerance, _ERRORS)), default=0.0)


def _timed_again(trial: Trial, latency: Latency) -> Trial:
    """Return a trial with the latency of another time, which says so."""
    measured = trial.measurement
    assert measured is not None
    assert measured.latency is not None
    note = (
        f"Timed again when float f32 took {latency.baseline_median_ms:.3g} ms instead of "
        f"{measured.latency.baseline_median_ms:.3g}: {latency.speedup.estimate:.2f}x, not "
        f"{measured.latency.speedup.estimate:.2f}x."
    )
    return replace(trial, measurement=replace(measured, latency=latency, duel=None, notes=(*measured.notes, note)))


def _compiled_alike(trial: Trial, configuration: Configuration) -> bool:
    before = trial.configuration
    compiled = (configuration.precision, configuration.dynamic_group, configuration.threads)
    return (before.precision, before.dynamic_group, before.threads) == compiled


def _duplicate(
    number: int, configuration: Configuration, origin: Origin, same: Trial, seconds: Seconds | None = None
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
    )


def _failed(number: int, configuration: Configuration, origin: Origin, failure: Failure) -> Trial:
    return Trial(
        number=number,
        configuration=configuration,
        state="failed",
        origin=origin,
        failure=failure,
        reason=f"{failure.stage}: {failure.message}",
    )
