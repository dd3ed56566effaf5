"""One candidate, measured: compiled, timed, compared with its rival, scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from autotune import decide
from autotune.configuration import DIRECT, Configuration
from autotune.counts import counted
from autotune.errors import UserError
from autotune.graph.half import HalfStorage
from autotune.measure.compiled import Compiled
from autotune.measure.direct import not_direct
from autotune.measure.typed import not_in_bf16
from autotune.protocol import Measure, Measured, Rival
from autotune.record import Duel, Failure, Latency, Measurement, OperatorRun
from autotune.scoring import Scorer
from autotune.stages import StageFailed, stage
from autotune.stopwatch import Stopwatch
from autotune.timing import Timing

Builder = Callable[[Configuration], Any]


def measure(
    request: Measure, model: Any, build: Builder, *, timing: Timing, scorer: Scorer, storage: HalfStorage
) -> Measured:
    """Compile, time and score a candidate; what is clearly slower than asked for is not scored.

    Speeds against float f32 that are close to the rival's may be in the wrong order, as they were measured at other
    times: before such a candidate is given up as too slow, and when its drop is within the tolerance, it is timed in
    pairs with the rival, and its speed is that of the rival times their ratio. Where float f32 itself takes much longer
    or shorter than when the rival was timed, what else runs here has changed, and the rival is timed again.

    Giving back what OpenVINO holds takes a fiftieth of a second; it counts as compiling.

    Args:
        model: the candidate. build: makes the rival, if it is not compiled already.
        scorer: of the search split.

    Raises:
        StageFailed: it cannot be compiled or run, or the metric refuses its outputs.
    """
    rival, slowest = request.rival, request.slowest
    compiling, running, scoring = Stopwatch(), Stopwatch(), Stopwatch()
    with stage("compile"), compiling.running():
        timing.keep(None if rival is None else rival.configuration)
        compiled = timing.compile(model, request.configuration)
        operators = compiled.profile()
        _check_bf16(request.configuration, operators)
    with stage("latency"), running.running():
        timed = _Timed(timing.pairs(compiled, slowest or 0.0))
    again = None
    if rival is not None and decide.has_changed(rival.baseline_ms, timed.latency.baseline_median_ms):
        with running.running():
            again = _again(rival, timing, build)
        if again is not None:
            slowest = None if slowest is None else slowest * again.speedup.low / rival.speedup.low
            rival = replace(rival, speedup=again.speedup)
    is_close = rival is not None and rival.duels and decide.is_close(timed.latency.speedup, rival.speedup)
    close = rival if is_close else None
    if close is not None and timed.is_slower_than(slowest):
        with running.running():
            timed = _compared(timed, close, compiled, timing, build)
    score = None
    if not timed.is_slower_than(slowest):
        with stage("score"), metric_passed_on_float(), scoring.running():
            score = scorer.score(compiled, request.tolerance)
    if score is not None and not score.stopped and rival is not None and score.drop <= rival.tolerance:
        if close is not None and timed.duel is None:
            with running.running():
                timed = _compared(timed, close, compiled, timing, build)
        timing.remember(request.configuration, compiled)
    measurement = Measurement(
        latency=timed.latency,
        score=None if score is None else score.value,
        drop=None if score is None else score.drop,
        samples=0 if score is None else score.samples,
        size_bytes=storage.size(model, request.configuration.float_weights),
        threads=compiled.threads,
        operators=operators,
        drop_error=None if score is None else score.drop_error,
        groups=None if score is None else score.groups,
        precision=compiled.precision,
        notes=(*compiled.notes, *_about_kernels(request.configuration, operators), *timed.notes),
        duel=timed.duel,
    )
    with compiling.running():
        del compiled
    stopped = timed.too_slow(slowest) if score is None else score.stopped
    per_sample = None if score is None else score.per_sample
    return Measured(measurement, per_sample, stopped, compiling.seconds, scoring.seconds, running.seconds, again)


@dataclass(frozen=True)
class _Timed:
    latency: Latency
    duel: Duel | None = None
    notes: tuple[str, ...] = ()

    def is_slower_than(self, slowest: float | None) -> bool:
        return slowest is not None and self.latency.speedup.high < slowest

    def too_slow(self, slowest: float | None) -> str:
        return f"too slow: {self.latency.speedup.estimate:.2f}x, and {slowest:.2f}x is had within the tolerance"


def _again(rival: Rival, timing: Timing, build: Builder) -> Latency | None:
    """Time the rival as it was before; None if it cannot be made any more."""
    try:
        with stage("latency"):
            return timing.again(rival.configuration, build)
    except StageFailed:
        return None


def _compared(timed: _Timed, rival: Rival, compiled: Compiled, timing: Timing, build: Builder) -> _Timed:
    """Time a candidate in pairs with its rival; without its rival, which was measured before, nothing changes."""
    watch = Stopwatch()
    try:
        with stage("latency"), watch.running():
            pairs = timing.duel(compiled, rival.configuration, build)
    except StageFailed as error:
        return replace(timed, notes=(f"It could not be timed beside trial {rival.number}: {error}.",))
    latency = replace(timed.latency, speedup=decide.placed(timed.latency.speedup, rival.speedup, pairs.speedup))
    duel = Duel(rival.number, pairs.speedup, watch.seconds, pairs.baseline_ms, pairs.candidate_ms)
    return _Timed(latency, duel)


@contextmanager
def metric_passed_on_float() -> Iterator[None]:
    """Make a metric's complaint the candidate's failure: of the float model's outputs it had none."""
    try:
        yield
    except UserError as error:
        raise StageFailed(Failure("score", "metric", str(error))) from error


def _check_bf16(configuration: Configuration, operators: Sequence[OperatorRun]) -> None:
    """Operators that were to compute in bf16 did."""
    missed = not_in_bf16(configuration.bf16_operators, operators)
    if missed:
        raise StageFailed(Failure("compile", "not-bf16", f"OpenVINO does not compute in bf16: {', '.join(missed[:5])}"))


def _about_kernels(configuration: Configuration, operators: Sequence[OperatorRun]) -> list[str]:
    """Say so where convolutions that were to run in direct kernels did not: the candidate is what ran."""
    asked = [name for form in configuration.forms if form.name == DIRECT for name in form.groups]
    missed = not_direct(asked, operators)
    others = counted(len(missed), "convolution runs", "convolutions run")
    return [f"{others} as matrix products all the same: {', '.join(missed[:5])}."] if missed else []
