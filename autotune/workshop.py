"""Building and measuring, inside the child process.

The compiled model that gives the accuracy is the one that gives the latency: both happen here, on one object.
"""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import singledispatchmethod
from typing import Any

import numpy as np

from autotune import data, deploy, hardware
from autotune.configuration import Configuration
from autotune.errors import UserError
from autotune.explorer import explore
from autotune.graph.inspect import candidate_digest, constants_size
from autotune.graph.normalise import normalise
from autotune.inventory import inventory
from autotune.measure.compiled import Compiled, compile_emulated, compile_model, deploy_properties
from autotune.measure.latency import measure_pairs, rounds
from autotune.protocol import (
    Build,
    Built,
    Emulate,
    Emulated,
    Explore,
    Explored,
    Export,
    Exported,
    Judge,
    Measure,
    Measured,
    Observe,
    Observed,
    Prepared,
    Race,
    Raced,
    Setup,
)
from autotune.quantize.variants import Variants
from autotune.record import Failure, Latency, Measurement, OperatorRun, Verdict
from autotune.scoring import Scorer
from autotune.sources.model import conform_splits, read
from autotune.stages import StageFailed, stage
from autotune.tasks import metrics
from autotune.tasks.metrics import check_labels

LATENCY_SAMPLES = 16
TARGET_WIDTH = 0.03
MIN_PAIRS = 15
MAX_PAIRS = 150
MAX_LATENCY_SECONDS = 1.0
CHECKED_SAMPLES = 8


class Workshop:
    """Holds the source model, the baseline and the observation, and answers requests.

    Raises:
        UserError: model, data and metric do not fit together.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        splits = data.load_saved(setup.splits)
        self._metric = metrics.get(setup.metric, setup.base, setup.trust_code)
        source, notes = read(setup.model, setup.inputs, splits.search)
        splits = conform_splits(splits, source)
        self._float, note = normalise(source)
        self._threads = setup.threads or hardware.usable_cores()
        self._baseline = self._compile(self._float, "f32")
        check_labels(self._metric, splits.search.labels, "data (search split)")
        check_labels(self._metric, splits.holdout.labels, "data (holdout split)")
        self._search = Scorer(self._metric, splits.search, self._baseline)
        self._holdout_split = splits.holdout
        self._holdout: Scorer | None = None
        self._calibration = splits.calibration
        self._variants = Variants(self._float, splits.calibration, setup.cache, self._threads, setup.candidates)
        # Spread over the split: neighbours may be of one group, and alike.
        spread = np.linspace(0, len(splits.search) - 1, min(LATENCY_SAMPLES, len(splits.search))).astype(int)
        self._samples = [splits.search.row(int(i)) for i in spread]
        self._kept: tuple[Configuration, Any] | None = None
        self.prepared = Prepared(
            model=inventory(
                setup.name,
                setup.model,
                source,
                model=self._float,
                variants=self._variants,
                baseline=self._baseline,
                notes=[*notes, *([note] if note else []), *self._about_the_metric()],
            ),
            baseline=self._measure_baseline(),
            scores=self._search.per_sample,
            metric_seconds=self._search.metric_seconds,
            higher_is_better=self._metric.higher_is_better,
            threads=self._baseline.threads,
        )
        # What was loaded stays: collections that walked it all made some builds take three times as long.
        gc.collect()
        gc.freeze()

    @singledispatchmethod
    def handle(self, request: object) -> Any:
        """Answer one request of ``protocol``.

        Raises:
            StageFailed: the candidate cannot be built, compiled or run.
        """
        raise TypeError(f"unknown request {type(request).__name__}")

    @handle.register
    def _(self, _request: Observe) -> Observed:
        clock, before = _Clock(), self._variants.watch.seconds
        self._variants.observe()
        inference = self._variants.watch.seconds - before
        return Observed(clock.lap() - inference, inference)

    @handle.register
    def _(self, request: Build) -> Built:
        before, running = self._variants.observing, self._variants.watch.seconds
        model = self._build(request.configuration)
        self._kept = (request.configuration, model)
        inference = self._variants.watch.seconds - running
        return Built(candidate_digest(model), self._variants.observing - before - inference, inference)

    @handle.register
    def _(self, request: Measure) -> Measured:
        clock = _Clock()
        model = self._build(request.configuration)
        with stage("compile"):
            compiled = self._compile(model, request.configuration.precision)
            operators = compiled.profile()
            _check_bf16(request.configuration, operators)
        compile_seconds = clock.lap()
        with stage("latency"):
            latency = self._pairs(compiled, request.slowest or 0.0)
            too_slow = request.slowest is not None and latency.speedup.high < request.slowest
        latency_seconds = clock.lap()
        if too_slow:
            stopped = (
                f"too slow: {latency.speedup.estimate:.2f}x, and {request.slowest:.2f}x is had within the tolerance"
            )
            value, drop, error, samples, groups, per_sample = None, None, None, 0, None, None
        else:
            with stage("score"), _metric_passed_on_float():
                score = self._search.score(compiled, request.tolerance)
            stopped, per_sample = score.stopped, score.per_sample
            value, drop, error = score.value, score.drop, score.drop_error
            samples, groups = score.samples, score.groups
        measurement = Measurement(
            latency=latency,
            score=value,
            drop=drop,
            samples=samples,
            size_bytes=constants_size(model),
            threads=compiled.threads,
            operators=operators,
            drop_error=error,
            groups=groups,
            precision=compiled.precision,
            notes=compiled.notes,
        )
        return Measured(measurement, per_sample, stopped, compile_seconds, clock.lap(), latency_seconds)

    @handle.register
    def _(self, request: Explore) -> Explored:
        frame = request.frame
        with stage("explore"):
            models = [self._build(c) for c in (replace(frame, quantization=None), frame)]
            with self._variants.watch.running():
                pair = tuple(self._compile(model, frame.precision) for model in models)
            return explore(
                self._variants,
                frame,
                (pair[0], pair[1]),
                self._calibration,
                inferences=request.inferences,
                accuracy=request.accuracy,
            )

    @handle.register
    def _(self, request: Race) -> Raced:
        clock = _Clock()
        runners: dict[int, Callable[[], None]] = {}
        failures: list[Failure | None] = [None] * len(request.configurations)
        for i, configuration in enumerate(request.configurations):
            try:
                with stage("compile"):
                    compiled = self._compile(self._build(configuration), configuration.precision)
                with stage("latency"):
                    caller = self._caller(compiled)
                    caller()
                runners[i] = caller
            except StageFailed as error:
                failures[i] = error.failure
        seconds = request.max_seconds - clock.lap()
        table = rounds(list(runners.values()), request.rounds, seconds, self._setup.confidence)
        columns = {i: tuple(column) for i, column in zip(runners, table.T.tolist(), strict=True)}
        return Raced(tuple(columns.get(i, ()) for i in range(len(failures))), tuple(failures))

    @handle.register
    def _(self, request: Judge) -> Verdict:
        if self._holdout is None:
            self._holdout = Scorer(self._metric, self._holdout_split, self._baseline)
        if request.configuration == Configuration():
            return self._holdout.of_the_reference(request)
        with stage("compile"):
            compiled = self._compile(self._build(request.configuration), request.configuration.precision)
        with stage("score"), _metric_passed_on_float():
            score = self._holdout.score(compiled, tolerance=None)
            return self._holdout.verdict(score, request, self._setup.seed)

    @handle.register
    def _(self, request: Emulate) -> Emulated:
        with stage("compile"):
            model = self._build(request.configuration)
            compiled = compile_emulated(model, request.configuration.precision, self._threads)
        with stage("score"), _metric_passed_on_float():
            score = self._search.score(compiled, tolerance=None)
        return Emulated(score.value, score.samples)

    @handle.register
    def _(self, request: Export) -> Exported:
        configuration = request.configuration
        with stage("export"):
            model = self._build(configuration)
            compiled = self._compile(model, configuration.precision)
        deploy.export(
            model,
            deploy_properties(configuration.precision, compiled.threads),
            request.directory,
            name=self._setup.name,
            label=configuration.label,
            remark=request.remark,
        )
        self._check_export(compiled, request)
        return Exported(candidate_digest(model), compiled.profile(self._samples[0]))

    def _check_export(self, compiled: Compiled, request: Export) -> None:
        """What was written gives exactly the outputs of what was judged."""
        written = deploy.load(request.directory)
        for sample in self._samples[:CHECKED_SAMPLES]:
            expected = compiled.infer(sample)
            got = written(sample)
            for port, (name, values) in zip(written.outputs, expected.items(), strict=True):
                if not np.array_equal(got[port], values):
                    message = f"output '{name}' of the written model differs from the judged one"
                    raise StageFailed(Failure("export", "error", message))

    def _compile(self, model: Any, precision: str) -> Compiled:
        return compile_model(model, precision, self._threads)

    def _build(self, configuration: Configuration) -> Any:
        """Build a candidate, or return the one that was built last."""
        if self._kept is not None and self._kept[0] == configuration:
            return self._kept[1]
        with stage("build"):
            return self._variants.build(configuration)

    def _caller(self, compiled: Compiled) -> Callable[[], None]:
        """One inference per call, on real samples in turn."""
        samples = itertools.cycle(self._samples)
        return lambda: compiled.run(next(samples))

    def _pairs(self, compiled: Compiled, slowest: float = 0.0, max_pairs: int = MAX_PAIRS) -> Latency:
        return measure_pairs(
            self._caller(self._baseline),
            self._caller(compiled),
            confidence=self._setup.confidence,
            target_width=TARGET_WIDTH,
            min_pairs=MIN_PAIRS,
            max_pairs=max_pairs,
            max_seconds=MAX_LATENCY_SECONDS,
            slowest=slowest,
        )

    def _measure_baseline(self) -> Measurement:
        return Measurement(
            latency=self._pairs(self._baseline, max_pairs=MIN_PAIRS),  # its speed is 1: it shows the noise only
            score=self._search.value,
            drop=0.0,
            samples=len(self._search),
            size_bytes=constants_size(self._float),
            threads=self._baseline.threads,
            operators=self._baseline.profile(self._samples[0]),
            drop_error=0.0,
            groups=None if self._search.clusters is None else len(self._search.clusters),
            precision=self._baseline.precision,
            notes=self._baseline.notes,
        )

    def _about_the_metric(self) -> list[str]:
        if self._search.looks:
            return []
        return [
            f"One value of {self._metric.name} takes {self._search.metric_seconds:.2g} s: candidates are scored in "
            "full, and bounds are computed from fewer resamples."
        ]


@contextmanager
def _metric_passed_on_float() -> Iterator[None]:
    """Make a metric's complaint the candidate's failure: of the float model's outputs it had none."""
    try:
        yield
    except UserError as error:
        raise StageFailed(Failure("score", "metric", str(error))) from error


def _check_bf16(configuration: Configuration, operators: Sequence[OperatorRun]) -> None:
    """Operators that were to compute in bf16 did; those that are part of another node are not seen."""
    others = {run.name: run.precision for run in operators if run.precision != "bf16"}
    missed = [f"{name} ({others[name]})" for name in configuration.bf16_operators if name in others]
    if missed:
        raise StageFailed(Failure("compile", "not-bf16", f"OpenVINO does not compute in bf16: {', '.join(missed[:5])}"))


class _Clock:
    """Seconds since it was made, or since the last lap."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def lap(self) -> float:
        before, self._since = self._since, time.monotonic()
        return self._since - before
