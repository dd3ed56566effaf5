"""Building and measuring, inside the child process.

The compiled model that gives the accuracy is the one that gives the latency: both happen here, on one object.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatchmethod
from typing import Any

from autotune import data, hardware
from autotune.configuration import DIRECT, Configuration, FormChoice
from autotune.explorer import explore, faster_direct, profile
from autotune.findings import QuantizerRecord, StartingPoint
from autotune.footprint import peak_memory
from autotune.graph.activations import activation_ranges, graph_operators
from autotune.graph.half import HalfStorage, rounded
from autotune.graph.inspect import candidate_digest, constants_size
from autotune.graph.normalise import normalise
from autotune.inventory import inventory
from autotune.measure.compiled import Compiled, compile_emulated
from autotune.measuring import measure, metric_passed_on_float
from autotune.memory import LARGE, is_large
from autotune.outcome import Verdict
from autotune.protocol import (
    Build,
    Built,
    Emulate,
    Emulated,
    Explore,
    Explored,
    Export,
    Exported,
    Footprint,
    Judge,
    Kernels,
    LookAtKernels,
    Measure,
    Measured,
    Observe,
    Observed,
    Prepared,
    Race,
    Raced,
    Recall,
    Recheck,
    Rechecked,
    Setup,
    Start,
)
from autotune.quantize.variants import Variants
from autotune.rechecking import read_deployed, recheck
from autotune.record import Failure, Measurement
from autotune.scoring import Scorer
from autotune.sources.model import conform_splits, read
from autotune.stages import StageFailed, stage
from autotune.stopwatch import Stopwatch
from autotune.tasks import metrics
from autotune.tasks.members import of_members
from autotune.tasks.metrics import check_splits, of_boxes
from autotune.timing import MIN_PAIRS, Timing
from autotune.training.mapping import comparable, makes_new
from autotune.training.reading import read_trained
from autotune.writing import footprint, write

_TOO_LARGE = f"it takes copies of the weights, and these have over {LARGE / 2**30:.0f} GiB"


class Workshop:
    """Holds the source model, the baseline and the observation, and answers requests.

    Raises:
        UserError: model, data and metric do not fit together.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        splits = data.load_saved(setup.splits)
        metric = of_boxes(metrics.get(setup.metric, setup.base, setup.trust_code), setup.reading)
        self._metric = of_members(metric, splits.search.members)
        source, notes = read(setup.model, setup.inputs, splits.search.runs())
        splits = conform_splits(splits, source)
        self._float, note = normalise(source)
        self._storage = HalfStorage(source, self._float)
        self._threads = setup.threads or hardware.usable_cores()
        self._lengths = splits.search.lengths
        buckets = () if self._lengths is None else self._lengths.buckets
        self._timing = Timing(self._float, self._threads, setup.confidence, buckets)
        self._baseline = self._timing.baseline
        check_splits(self._metric, splits)
        self._search = Scorer(self._metric, splits.search, self._baseline)
        self._holdout_split = splits.holdout
        self._holdout: Scorer | None = None
        self._calibration = splits.calibration.runs()
        self._variants = Variants(self._float, self._calibration, setup.cache, self._threads, setup.candidates)
        self._timing.take(splits.search.runs())
        self._kept: tuple[Configuration, Any] | None = None
        self.prepared = Prepared(
            model=inventory(
                setup.name,
                setup.model,
                source,
                model=self._float,
                variants=self._variants,
                baseline=self._baseline,
                size_bytes=self._storage.size(self._float),
                notes=[*notes, *([note] if note else []), *self._about_the_metric()],
                weight_forms=setup.weight_forms,
                lengths=self._lengths,
                timed=len(self._timing.samples),
            ),
            baseline=self._measure_baseline(),
            scores=self._search.per_sample,
            metric_seconds=self._search.metric_seconds,
            higher_is_better=self._metric.higher_is_better,
            members=splits.search.members,
            candidate=candidate_digest(self._float),
        )
        self._timing.model = self.prepared.model
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
        whole, before = Stopwatch(), self._variants.watch.seconds
        with whole.running():
            self._variants.observe()
        inference = self._variants.watch.seconds - before
        return Observed(whole.seconds - inference, inference)

    @handle.register
    def _(self, request: Build) -> Built:
        before, running = self._variants.observing, self._variants.watch.seconds
        if self._kept is not None and self._kept[0] != request.configuration:
            self._kept = None  # its weights, before there are others
        model = self._build(request.configuration)
        self._kept = (request.configuration, model)
        inference = self._variants.watch.seconds - running
        observing = self._variants.observing - before - inference
        size = self._storage.size(model, request.configuration.float_weights)
        return Built(candidate_digest(model), observing, inference, size)

    @handle.register
    def _(self, request: Measure) -> Measured:
        return measure(
            request,
            self._build(request.configuration),
            self._build,
            timing=self._timing,
            scorer=self._search,
            storage=self._storage,
        )

    @handle.register
    def _(self, request: Explore) -> Explored:
        frame = request.frame
        if request.accuracy and is_large(constants_size(self._float)):
            raise StageFailed(Failure("explore", "memory", _TOO_LARGE))
        watch, before = self._variants.watch, self._variants.watch.seconds
        with stage("explore"):
            models = [self._build(c) for c in (replace(frame, quantization=None), frame)]
            with watch.running():
                profiles = [profile(self._timing.compile(model, frame), self._calibration) for model in models]
            return explore(
                self._variants,
                frame,
                (profiles[0], profiles[1]),
                self._calibration,
                inferences=request.inferences,
                accuracy=request.accuracy,
                before=before,
            )

    @handle.register
    def _(self, request: LookAtKernels) -> Kernels:
        watch, base, before = Stopwatch(), request.configuration, self._variants.watch.seconds

        def compiled(convolutions: Sequence[str]) -> Compiled:
            direct = [FormChoice(DIRECT, tuple(convolutions))] if convolutions else []
            configuration = replace(base, forms=(*base.forms, *direct))
            model = self._build(configuration)
            with watch.running():
                return self._timing.compile(model, configuration)

        with stage("explore"):
            found = faster_direct(compiled, request.convolutions, self._timing.samples[0], watch)
        return Kernels(found, watch.seconds + self._variants.watch.seconds - before)

    @handle.register
    def _(self, request: Race) -> Raced:
        return self._timing.race(request, self._build)

    @handle.register
    def _(self, request: Judge) -> Verdict:
        holdout = self._of_the_holdout()
        if request.configuration == Configuration():
            return holdout.of_the_reference(request)
        with stage("compile"):
            compiled = self._timing.compile(self._build(request.configuration), request.configuration)
        with stage("score"), metric_passed_on_float():
            score = holdout.score(compiled, tolerance=None)
            return holdout.verdict(score, request, self._setup.seed)

    @handle.register
    def _(self, request: Recheck) -> Rechecked:
        with stage("compile"):
            floats = [self._timing.compile(self._build(c), c) for c in request.floats]
            deployed = read_deployed(request.directory)
        return recheck([deployed, *floats], request, self._timing, self._of_the_holdout(), self._setup.seed)

    @handle.register
    def _(self, request: Recall) -> tuple[QuantizerRecord, ...]:
        with stage("build"):
            return self._variants.quantizers(request.configuration)

    @handle.register
    def _(self, request: Start) -> StartingPoint:
        operators = graph_operators(self._float)
        compared = [o for o in operators if comparable(o)]
        names, ends = ({o.name for o in part} for part in (compared, [o for o in compared if makes_new(o.kind)]))
        with stage("build"):
            smoothed = self._variants.smoothed(request.configuration.forms)
        return StartingPoint(operators, activation_ranges(self._build(request.configuration), names, ends), smoothed)

    @handle.register
    def _(self, request: Emulate) -> Emulated:
        with stage("compile"):
            model = self._build(request.configuration)
            compiled = compile_emulated(
                model,
                request.configuration.precision,
                request.configuration.threads or self._threads,
                self._timing.buckets,
            )
        with stage("score"), metric_passed_on_float():
            score = self._search.score(compiled, tolerance=None)
        return Emulated(score.value, score.samples)

    @handle.register
    def _(self, request: Export) -> Exported:
        configuration = request.configuration
        watch = Stopwatch()
        with stage("export"):
            model = self._build(configuration)
            compiled = self._timing.kept(configuration)
            if compiled is None:
                with watch.running():
                    compiled = self._timing.compile(model, configuration)
        return write(
            model,
            compiled,
            request,
            name=self._setup.name,
            samples=self._timing.samples,
            storage=self._storage,
            watch=watch,
            companions=self._setup.companions,
            lengths=self._lengths,
        )

    @handle.register
    def _(self, request: Footprint) -> int:
        if request.written:
            return peak_memory(request.directory, self._timing.samples)
        return footprint(
            self._build(request.configuration),
            request,
            threads=self._threads,
            samples=self._timing.samples,
            storage=self._storage,
            lengths=self._lengths,
        )

    def _of_the_holdout(self) -> Scorer:
        """Float's scores on the holdout, the first time it is looked at."""
        if self._holdout is None:
            self._holdout = Scorer(self._metric, self._holdout_split, self._baseline)
        return self._holdout

    def _build(self, configuration: Configuration) -> Any:
        """Build a candidate, or return the one that was built last."""
        if self._kept is not None and self._kept[0] == configuration:
            return self._kept[1]
        with stage("build"):
            if configuration.training is None:
                model = self._variants.build(configuration)
            else:
                assert self._setup.trained is not None
                trained = read_trained(self._setup.trained, configuration, self._float, self._calibration)
                model = self._variants.finished(trained, configuration)
            return rounded(model).model if configuration.float_weights == "f16" else model

    def _measure_baseline(self) -> Measurement:
        return Measurement(
            latency=self._timing.pairs(self._baseline, max_pairs=MIN_PAIRS),  # its speed is 1: it shows the noise only
            score=self._search.value,
            drop=0.0,
            samples=len(self._search),
            size_bytes=self._storage.size(self._float),
            threads=self._baseline.threads,
            operators=self._baseline.profile(self._timing.samples[0]),
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
