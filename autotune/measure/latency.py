"""Latency as ratios of interleaved blocks: on a shared machine separate timings of the same model vary twofold."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from autotune import stats
from autotune.record import Latency

Inference = Callable[[], object]

BLOCK_SECONDS = 0.002
WARM_UP_SECONDS = 0.05
# A model that was not run for a moment finds its weights gone from the caches. Where that matters, the first inference
# of a block is not timed.
SETTLE_BELOW_SECONDS = 0.01
MIN_ROUNDS = 12
CHECK_EVERY = 4


def measure_pairs(
    baseline: Inference,
    candidate: Inference,
    *,
    confidence: float,
    target_width: float,
    min_pairs: int,
    max_pairs: int,
    max_seconds: float,
    slowest: float = 0.0,
    warm_up: float = WARM_UP_SECONDS,
    inferences: int = 1,
) -> Latency:
    """Time two models in interleaved pairs of short blocks: A B, B A, A B, ...

    A block repeats the inference for about two milliseconds. Whatever slows the machine for longer than a pair slows
    both sides and leaves the pair's ratio alone; the alternating order cancels what the first side does to the second.
    The speed is the median of the pairs' ratios with its exact interval.

    Args:
        baseline, candidate: one inference each; they should go through real samples. Where these differ in length, a
            call goes through all of them, or a pair would compare different work.
        confidence: of the interval, two-sided.
        target_width: measuring ends when the interval is at most this wide, relative to the estimate.
        min_pairs: fewer are never taken; nor fewer than the interval needs at this confidence.
        max_pairs, max_seconds: measuring ends at the first of these, whatever the width.
        slowest: measuring ends when the whole interval is below this speed.
        warm_up: seconds that each runs before; less for models that ran a moment ago.
        inferences: in a call.
    """
    started = time.perf_counter()
    min_pairs = max(min_pairs, stats.values_needed(confidence))
    sides = (_Block(baseline, warm_up, inferences), _Block(candidate, warm_up, inferences))
    times: list[tuple[float, float]] = []
    with _undisturbed():
        while True:
            first = len(times) % 2
            pair = [0.0, 0.0]
            for side in (first, 1 - first):
                pair[side] = sides[side]()
            times.append((pair[0], pair[1]))
            n = len(times)
            if n < min_pairs:
                continue
            last = n >= max_pairs or time.perf_counter() - started >= max_seconds
            if last or (n - min_pairs) % CHECK_EVERY == 0:
                speedup = stats.median_interval([a / b for a, b in times], confidence)
                if last or speedup.high < slowest or speedup.high - speedup.low <= target_width * speedup.estimate:
                    break
    return Latency(tuple(a for a, _ in times), tuple(b for _, b in times), speedup)


def rounds(
    models: Sequence[Inference], rounds: int, max_seconds: float, confidence: float = 0.95, inferences: int = 1
) -> NDArray[np.float64]:
    """Time several models in common rounds, so that any two of them can be compared round by round.

    Every round runs one block of each, starting one further each time and in both directions in turn, so that each
    model follows each of its neighbours equally often.

    Args:
        models: as for :func:`measure_pairs`; ``inferences`` too.
        rounds: at most so many.
        max_seconds: no further round begins after this long, but 12 rounds are always run, and as many as a median
            interval at ``confidence`` needs.

    Returns:
        Milliseconds per inference, shape (rounds run, number of models).
    """
    started = time.perf_counter()
    blocks = [_Block(model, inferences=inferences) for model in models]
    k = len(blocks)
    least = max(MIN_ROUNDS, stats.values_needed(confidence))
    table: list[list[float]] = []
    with _undisturbed():
        while len(table) < rounds and (len(table) < least or time.perf_counter() - started < max_seconds):
            row = [0.0] * k
            for i in round_order(len(table), k):
                row[i] = blocks[i]()
            table.append(row)
    return np.array(table, dtype=np.float64).reshape(len(table), k)


def round_order(number: int, models: int) -> list[int]:
    """Return the models of a common round as they run, by their places among the ``models`` that :func:`rounds` got.

    Args:
        number: of the round, from 0.
    """
    order = [(number // 2 + i) % models for i in range(models)]
    return order if number % 2 == 0 else order[::-1]


class _Block:
    """Runs one model for about two milliseconds; warmed up when made. A call returns milliseconds per inference."""

    def __init__(self, inference: Inference, warm_up: float = WARM_UP_SECONDS, inferences: int = 1) -> None:
        self._inference = inference
        self._inferences = inferences
        inference()
        count, begin = 0, time.perf_counter()
        fastest = math.inf
        while count < 2 or time.perf_counter() - begin < warm_up:
            start = time.perf_counter()
            inference()
            fastest = min(fastest, time.perf_counter() - start)
            count += 1
        # One of many inferences is not worth another call.
        self._settles = fastest < SETTLE_BELOW_SECONDS and inferences == 1
        self._repeats = max(1, math.ceil(BLOCK_SECONDS / max(fastest, 1e-7)))

    def __call__(self) -> float:
        inference = self._inference
        if self._settles:
            inference()
        start = time.perf_counter()
        for _ in range(self._repeats):
            inference()
        return (time.perf_counter() - start) * 1000 / (self._repeats * self._inferences)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep Python's garbage collector from running inside a block."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
