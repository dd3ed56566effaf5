"""Compiling candidates and timing them against float f32, all on the same real samples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from autotune.configuration import Configuration
from autotune.measure.compiled import Compiled, Inputs, compile_model
from autotune.measure.latency import measure_pairs, rounds
from autotune.protocol import Race, Raced
from autotune.record import Failure, Latency
from autotune.stages import StageFailed, stage

TARGET_WIDTH = 0.03
MIN_PAIRS = 15
MAX_PAIRS = 150
MAX_LATENCY_SECONDS = 1.0


class Timing:
    """Times what it compiles.

    Attributes:
        baseline: float f32, compiled.
        samples: real ones, that every timed model goes through in turn; to be set before anything is timed.
    """

    def __init__(self, model: Any, threads: int, confidence: float) -> None:
        """Compile the float model.

        Args:
            confidence: of intervals, two-sided.
        """
        self._threads = threads
        self._confidence = confidence
        self.samples: Sequence[Inputs] = ()
        self.baseline = self.compile(model, "f32")

    def compile(self, model: Any, precision: str) -> Compiled:
        """Compile a model as :func:`compile_model` does."""
        return compile_model(model, precision, self._threads)

    def pairs(self, compiled: Compiled, slowest: float = 0.0) -> Latency:
        """Time a model in interleaved pairs with float f32.

        Args:
            slowest: timing ends early when it is clear that the model is slower than this many times float f32.
        """
        return measure_pairs(
            self._caller(self.baseline),
            self._caller(compiled),
            confidence=self._confidence,
            target_width=TARGET_WIDTH,
            min_pairs=MIN_PAIRS,
            max_pairs=MAX_PAIRS,
            max_seconds=MAX_LATENCY_SECONDS,
            slowest=slowest,
        )

    def race(self, request: Race, build: Callable[[Configuration], Any]) -> Raced:
        """Time several candidates in common rounds; one that cannot be built, compiled or run is left out."""
        runners: dict[int, Callable[[], None]] = {}
        failures: list[Failure | None] = [None] * len(request.configurations)
        for i, configuration in enumerate(request.configurations):
            try:
                with stage("compile"):
                    compiled = self.compile(build(configuration), configuration.precision)
                with stage("latency"):
                    caller = self._caller(compiled)
                    caller()
                runners[i] = caller
            except StageFailed as error:
                failures[i] = error.failure
        table = rounds(list(runners.values()), request.rounds, request.max_seconds, self._confidence)
        columns = {i: tuple(column) for i, column in zip(runners, table.T.tolist(), strict=True)}
        return Raced(tuple(columns.get(i, ()) for i in range(len(failures))), tuple(failures))

    def _caller(self, compiled: Compiled) -> Callable[[], None]:
        """One inference per call, on real samples in turn."""
        samples = itertools.cycle(self.samples)
        return lambda: compiled.run(next(samples))
