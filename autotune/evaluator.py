"""One proposal in, one trial out: build, check for equals, measure; failures are data."""

from __future__ import annotations

import math
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
from autotune.findings import StartingPoint
from autotune.memory import is_large
from autotune.protocol import Build, Built, Measure, Measured, Prepared, Rival, Start
from autotune.protocol.patience import METRIC_VALUES, SLOWEST
from autotune.record import Failure, Latency, Origin, Seconds, Trial
from autotune.runner import Runner
from autotune.search.incumbent import to_beat
from autotune.stages import StageFailed, failure_of

MINIMUM_TIMEOUT = 60.0
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
        weighed: the winner's memory is limited, and only known in the end; then nothing fast makes others pointless.
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
        weighed: bool = False,
    ) -> None:
        self._runner = runner
        self._prepared = prepared
        self._scores = scores
        self._tolerance = tolerance
        self._early_stopping = early_stopping
        self._begun = begun
        self._max_size = max_size
        self._weighed = weighed
        self._timeout = MINIMUM_TIMEOUT + SLOWEST * baseline_seconds + METRIC_VALUES * prepared.metric_seconds

    def evaluate(
        self,
        number: int,
        configuration: Configuration,
        origin: Origin,
        earlier: Iterable[Trial],
        *,
        patience: float = math.inf,
    ) -> Evaluated:
        """Return the trial of one configuration; every error but the user's becomes a failed trial.

        Args:
            origin: what is ``plain``, was trained or differs in storage only is measured in full; but plain int8
                weights, by themselves, are not scored where they are slower than float f32.
            earlier: trials so far; an equal configuration or candidate is not measured again.
            patience: seconds that it may take at most, where that is less than what would show that it hangs.
        """
        found = self._evaluate(number, configuration, origin, earlier, time.monotonic() + patience)
        trial = replace(found.trial, finished_at=time.time(), ended_seconds=time.monotonic() - self._begun)
        return replace(found, trial=trial)

    def starting_point(self, configuration: Configuration) -> StartingPoint:
        """Return what training from a candidate starts with.

        Raises:
            StageFailed: it cannot be built.
            WorkerDied: the child died of it, or is too slow.
        """
        found: StartingPoint = self._runner.call(Start(configuration), self._timeout)
        return found

    def _evaluate(
        self, number: int, configuration: Configuration, origin: Origin, earlier: Iterable[Trial], until: float
    ) -> Evaluated:
        known = [t for t in earlier if t.state != "duplicate"]
        same = next((t for t in known if t.configuration == configuration), None)
        if same is not None:
            return Evaluated(_duplicate(number, configuration, origin, same))
        if configuration == Configuration():
            return Evaluated(self._baseline(number, origin))
        full = origin in ("plain", "training", "storage") or not self._early_stopping
        candidate: str | None = None
        seconds = Seconds()
        started = self._working_seconds()
        try:
            built: Built = self._runner.call(Build(configuration), self._timeout_before(until))
            candidate = built.digest
            seconds = Seconds(observe=built.observe_seconds, inference=built.inference_seconds)
            seconds = replace(seconds, build=self._working_seconds() - started - seconds.observe - seconds.inference)
            same = _same_candidate(known, built.digest, configuration, full)
            if same is not None:
                return Evaluated(_duplicate(number, configuration, origin, same, seconds))
            started = self._working_seconds()
            request = self._request(configuration, known, full)
            measured: Measured = self._runner.call(request, self._timeout_before(until))
        except (StageFailed, WorkerDied) as error:
            failure = failure_of(error)
            spent = _spent_failing(seconds, failure, candidate, self._working_seconds() - started)
            failed = _failed(number, configuration, origin, failure, candidate=candidate, seconds=spent)
            return Evaluated(failed)
        if measured.per_sample is not None:
            self._keep(number, measured.per_sample)
        trial = _measured(number, configuration, origin, measured, candidate=built.digest, seconds=seconds)
        rival = request.rival
        again = next((t for t in known if rival is not None and t.number == rival.number), None)
        return Evaluated(trial, _timed_again(again, measured.rival) if again and measured.rival else None)

    def _request(self, configuration: Configuration, known: list[Trial], full: bool) -> Measure:
        slowest: float | None = None
        if not full:
            slowest = self._slowest_worth_scoring(known)
        elif self._early_stopping and configuration.quantization is None and configuration.compression is not None:
            # What these cost tells nothing of static int8, so it does not matter where they gain nothing.
            slowest = min(1.0, self._slowest_worth_scoring(known))
        return Measure(
            configuration,
            tolerance=None if full else self._tolerance,
            slowest=slowest,
            rival=self._rival(known),
        )

    def _timeout_before(self, until: float) -> float:
        return max(0.0, min(self._timeout, until - time.monotonic()))

    def _working_seconds(self) -> float:
        """A clock that stands still while a child is started in the place of one that died: no candidate's fault."""
        return time.monotonic() - self._runner.starting_seconds

    def _baseline(self, number: int, origin: Origin) -> Trial:
        """Float f32, which was measured when the child was prepared."""
        self._keep(number, self._prepared.scores)
        return Trial(
            number=number,
            configuration=Configuration(),
            state="complete",
            origin=origin,
            measurement=self._prepared.baseline,
            candidate=self._prepared.candidate,
        )

    def _keep(self, number: int, per_sample: NDArray[np.float64]) -> None:
        with replacing(self._scores / f"{number}.npy") as path:
            np.save(path, per_sample)

    def _rival(self, earlier: Iterable[Trial]) -> Rival | None:
        """What to beat; to be timed beside it as long as that has taken little of the run.

        None of a large model: there is no memory for one more of them, compiled.
        """
        if is_large(self._prepared.model.size_bytes):
            return None
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
        able = [] if self._weighed else [p for p in decide.points(earlier) if p.fits(self._max_size)]
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


def _same_candidate(known: Iterable[Trial], candidate: str, configuration: Configuration, full: bool) -> Trial | None:
    """Return the trial of an equal model, compiled alike; with ``full`` none that was stopped before its end."""
    alike = [t for t in known if t.candidate == candidate and _compiled_alike(t.configuration, configuration)]
    return next((t for t in alike if not (full and t.state == "stopped")), None)


def _compiled_alike(one: Configuration, other: Configuration) -> bool:
    """Tell whether equal models would be the same candidate; stored otherwise it has another size."""
    asked = ((c.precision, c.dynamic_group, c.threads, c.float_weights) for c in (one, other))
    return len(set(asked)) == 1


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


def _measured(
    number: int, configuration: Configuration, origin: Origin, measured: Measured, *, candidate: str, seconds: Seconds
) -> Trial:
    return Trial(
        number=number,
        configuration=configuration,
        state="stopped" if measured.stopped else "complete",
        origin=origin,
        measurement=measured.measurement,
        candidate=candidate,
        reason=measured.stopped,
        seconds=replace(
            seconds,
            compile=measured.compile_seconds,
            score=measured.score_seconds,
            latency=measured.latency_seconds,
        ),
    )


def _failed(
    number: int,
    configuration: Configuration,
    origin: Origin,
    failure: Failure,
    *,
    candidate: str | None,
    seconds: Seconds,
) -> Trial:
    return Trial(
        number=number,
        configuration=configuration,
        state="failed",
        origin=origin,
        failure=failure,
        candidate=candidate,
        reason=f"{failure.stage}: {failure.message}",
        seconds=seconds,
    )


def _spent_failing(before: Seconds, failure: Failure, candidate: str | None, seconds: float) -> Seconds:
    """Add what the request that failed took to the stage that it failed in.

    A child that died does not say where; what was built is counted as compiled, where most die.
    """
    if candidate is None:
        return replace(before, build=seconds)
    if failure.stage == "latency":
        return replace(before, latency=seconds)
    return replace(before, score=seconds) if failure.stage == "score" else replace(before, compile=seconds)
