"""Compiling candidates and timing them against float f32, all on the same real samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autotune.configuration import Configuration
from autotune.data import Dataset
from autotune.measure.compiled import Compiled, Inputs, Ready, deploy_properties, ready
from autotune.measure.latency import measure_pairs, round_order, rounds
from autotune.others import Others, disturbance
from autotune.protocol import Race, Raced
from autotune.record import Failure, Latency, ModelInfo
from autotune.stages import StageFailed, stage

SAMPLES = 16
LENGTHS = 8
TARGET_WIDTH = 0.03
MIN_PAIRS = 15
MAX_PAIRS = 150
MAX_LATENCY_SECONDS = 1.0
MIN_DUEL_PAIRS = 9
MAX_DUEL_PAIRS = 60
MAX_DUEL_SECONDS = 0.3
DUEL_WARM_UP_SECONDS = 0.01


class Timing:
    """Times what it compiles.

    Attributes:
        baseline: float f32, compiled.
        samples: real ones, that every timed model goes through in turn; see :meth:`take`.
        buckets: lengths that samples have, each a compilation of its own; empty where there is one.
        model: to be set before a model with int8 weights is compiled.
    """

    def __init__(self, model: Any, threads: int, confidence: float, buckets: Sequence[int] = ()) -> None:
        """Compile the float model.

        Args:
            confidence: of intervals, two-sided.
            buckets: see ``Compiled``.
        """
        self._float = model
        self.buckets = tuple(buckets)
        self._together = False
        self._threads = threads
        self._confidence = confidence
        self.samples: Sequence[Inputs] = ()
        self._ready: Sequence[Ready] = ()
        self._kept: dict[Configuration, Compiled] = {}
        self.model: ModelInfo | None = None
        self.baseline = self._compile(model, Configuration())

    def take(self, runs: Dataset) -> None:
        """Choose samples to time on; to be called before anything is timed.

        Where they differ in length, their lengths stand for those of all, and what is timed is always one inference of
        each: two models are compared on the same lengths, and each pays for changing from one to another.

        Args:
            runs: spread over it, for neighbours may be of one group, and alike.
        """
        if runs.lengths is None:
            chosen = np.linspace(0, len(runs) - 1, min(SAMPLES, len(runs))).astype(int).tolist()
        else:
            chosen = runs.lengths.spread(LENGTHS)
        self.samples = [runs.row(i) for i in chosen]
        self._ready = ready(self.samples)
        self._together = runs.lengths is not None

    def compile(self, model: Any, configuration: Configuration) -> Compiled:
        """Compile the model of a configuration, with the properties that it would be deployed with.

        Float f32 is compiled already, and not a second time.

        Raises:
            RuntimeError: OpenVINO cannot compile the model this way.
        """
        if model is self._float and configuration == Configuration():
            return self.baseline
        return self._compile(model, configuration)

    def _compile(self, model: Any, configuration: Configuration) -> Compiled:
        group, compression = configuration.dynamic_group, configuration.compression
        dynamic = self.model.dynamic_layers(compression) if self.model is not None and compression is not None else ()
        return Compiled(
            model,
            deploy_properties(configuration.precision, configuration.threads or self._threads, group),
            dynamic,
            self.buckets,
        )

    def pairs(self, compiled: Compiled, slowest: float = 0.0, max_pairs: int = MAX_PAIRS) -> Latency:
        """Time a model in interleaved pairs with float f32.

        Args:
            slowest: timing ends early when it is clear that the model is slower than this many times float f32.
            max_pairs: or after so many.
        """
        return measure_pairs(
            self._caller(self.baseline),
            self._caller(compiled),
            confidence=self._confidence,
            target_width=TARGET_WIDTH,
            min_pairs=MIN_PAIRS,
            max_pairs=max_pairs,
            max_seconds=MAX_LATENCY_SECONDS,
            slowest=slowest,
            inferences=self._inferences,
        )

    def duel(self, compiled: Compiled, rival: Configuration, build: Callable[[Configuration], Any]) -> Latency:
        """Time a model in interleaved pairs with its rival, which takes the place of float f32.

        It ends early when it is clear that the model is slower. The rival is compiled at most once while it is kept.
        """
        return measure_pairs(
            self._caller(self._rival(rival, build)),
            self._caller(compiled),
            confidence=self._confidence,
            target_width=TARGET_WIDTH,
            min_pairs=MIN_DUEL_PAIRS,
            max_pairs=MAX_DUEL_PAIRS,
            max_seconds=MAX_DUEL_SECONDS,
            slowest=1.0,
            warm_up=DUEL_WARM_UP_SECONDS,
            inferences=self._inferences,
        )

    def again(self, rival: Configuration, build: Callable[[Configuration], Any]) -> Latency:
        """Time the rival in interleaved pairs with float f32, as it was before."""
        return self.pairs(self._rival(rival, build))

    def _rival(self, rival: Configuration, build: Callable[[Configuration], Any]) -> Compiled:
        if rival not in self._kept:
            self._kept[rival] = self.compile(build(rival), rival)
        return self._kept[rival]

    def remember(self, configuration: Configuration, compiled: Compiled) -> None:
        """Keep a compiled candidate: it may be the rival of the next."""
        self._kept[configuration] = compiled

    def kept(self, configuration: Configuration) -> Compiled | None:
        """Return a candidate that is still compiled."""
        return self._kept.get(configuration)

    def keep(self, rival: Configuration | None) -> None:
        """Let go of all compiled candidates but this one."""
        self._kept = {rival: self._kept[rival]} if rival is not None and rival in self._kept else {}

    def race(self, request: Race, build: Callable[[Configuration], Any]) -> Raced:
        """Time several candidates in common rounds; one that cannot be built, compiled or run is left out."""
        started = time.monotonic()
        self.keep(None)
        runners: dict[int, Callable[[], None]] = {}
        failures: list[Failure | None] = [None] * len(request.configurations)
        for i, configuration in enumerate(request.configurations):
            try:
                with stage("compile"):
                    compiled = self.compile(build(configuration), configuration)
                if compiled is not self.baseline:
                    compiled.forget()  # of all that are compiled at once, only what runs
                with stage("latency"):
                    caller = self._caller(compiled)
                    caller()
                runners[i] = caller
            except StageFailed as error:
                failures[i] = error.failure
        seconds = request.max_seconds - (time.monotonic() - started)
        with Others() as others:
            table = rounds(list(runners.values()), request.rounds, seconds, self._confidence, self._inferences)
        columns = {i: tuple(column) for i, column in zip(runners, table.T.tolist(), strict=True)}
        orders = [round_order(number, len(runners)) for number in range(len(table))]
        places = {i: tuple(order.index(column) for order in orders) for column, i in enumerate(runners)}
        asked = range(len(failures))
        return Raced(
            tuple(columns.get(i, ()) for i in asked),
            tuple(places.get(i, ()) for i in asked),
            tuple(failures),
            disturbance(others.cpus, others.allowed, self._threads),
        )

    def common(self, models: Sequence[Compiled], most: int, max_seconds: float) -> tuple[tuple[float, ...], ...]:
        """Return milliseconds per inference of each model, one value per common round, ``most`` rounds at most."""
        callers = [self._caller(model) for model in models]
        table = rounds(callers, most, max_seconds, self._confidence, self._inferences)
        return tuple(tuple(column) for column in table.T.tolist())

    def _caller(self, compiled: Compiled) -> Callable[[], None]:
        """One inference per call, on real samples in turn; or on all of them."""
        return compiled.caller(self._ready, self._together)

    @property
    def _inferences(self) -> int:
        return len(self.samples) if self._together else 1
