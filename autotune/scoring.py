"""Scores a compiled model on one split against the float baseline, in chunks, with a way out for hopeless ones."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotune import decide, stats
from autotune.data import Dataset
from autotune.errors import UserError
from autotune.measure.compiled import Compiled
from autotune.measure.score import outputs as run
from autotune.outcome import Verdict
from autotune.protocol import Judge
from autotune.record import Failure
from autotune.stages import StageFailed
from autotune.stats import Clusters, DropTest
from autotune.tasks.metrics import Metric

Array = NDArray[Any]
Scores = NDArray[np.float64]

# A candidate that would be within the tolerance on the whole split is given up at most once in 200, however often it
# is looked at.
ERROR = 0.005
CHUNKS = 20
# Outputs that are held at a time, where none has to be kept: those of a language model are large.
PIECE_BYTES = 1 << 27
# For scores without known limits: a normal bound at few looks, so that their errors add up to no more than that.
FEW_CHUNKS = 6
# A corpus metric is computed again and again for an error or a bound. These bound the time that may take.
LOOK_SECONDS = 1.0
VERDICT_SECONDS = 60.0
FEWEST_GROUPS = 20
FEWEST_RESAMPLES = 200


@dataclass(frozen=True)
class Score:
    """Of the first ``samples`` samples.

    Attributes:
        drop: positive when worse than float. ``drop_error``: its standard error, from the paired scores.
        groups: that the samples come in; None where each stands alone.
        stopped: why it ended early; empty when complete.
    """

    per_sample: Scores
    value: float
    drop: float
    drop_error: float
    samples: int
    groups: int | None = None
    stopped: str = ""


class _NotFinite(Exception):
    """An output is NaN or infinite."""


class Scorer:
    """Holds the float model's scores on a split.

    Attributes:
        metric_seconds: how long one value of the metric on the whole split takes; 0 for a mean, which needs none.
        clusters: the groups that the samples come in; None where each stands alone.
        looks: whether candidates are looked at early; not with a metric that takes longer than the inference it saves.

    Raises:
        UserError: the float model's outputs are not finite, or the metric does not fit them.
    """

    def __init__(self, metric: Metric, dataset: Dataset, baseline: Compiled) -> None:
        self._metric = metric
        self._dataset = dataset
        self._reference = run(baseline, dataset, 0, len(dataset)) if metric.needs_reference else None
        one = sum(values.nbytes for values in run(baseline, dataset, 0, 1).values())
        self._piece = len(dataset) if metric.needs_reference else max(1, PIECE_BYTES // max(1, one))
        try:
            self.per_sample = self._scores(baseline, 0, len(dataset), self._reference)
        except _NotFinite:
            raise UserError(
                "The float model's outputs are not finite on these data; check the model and its inputs."
            ) from None
        self.value = metric.value(self.per_sample, dataset.labels)
        if not np.isfinite(self.value):
            raise UserError(f"metric: {metric.name} is not finite for the float model on these data.")
        self.clusters = Clusters.of(dataset.groups)
        self._is_binary = metric.is_mean and bool(np.isin(self.per_sample, (0, 1)).all())
        self.metric_seconds = 0.0 if metric.is_mean else self._time_of_a_value()
        cost = 2 * self.metric_seconds
        self._groups = int(np.clip(LOOK_SECONDS / max(cost, 1e-9), FEWEST_GROUPS, stats.JACKKNIFE_GROUPS))
        self._resamples = int(np.clip(VERDICT_SECONDS / max(cost, 1e-9), FEWEST_RESAMPLES, stats.RESAMPLES_CORPUS))
        self.looks = self._groups * cost <= 2 * LOOK_SECONDS

    def __len__(self) -> int:
        return len(self._dataset)

    def score(self, compiled: Compiled, tolerance: float | None) -> Score:
        """Score the split; with a ``tolerance``, stop as soon as the drop is beyond it with near certainty.

        Where samples come in groups, that is the drop of all such groups, not only of those in the split: these are few
        and may lose more than others would.

        Raises:
            StageFailed: an output is not finite.
        """
        n = len(self)
        parts: list[Scores] = []
        test = None if tolerance is None or not self._is_binary else self._test(tolerance)
        for start, stop in itertools.pairwise(self._bounds(CHUNKS if test is not None else FEW_CHUNKS)):
            try:
                parts.append(self._scores(compiled, start, stop))
            except _NotFinite:
                raise StageFailed(Failure("score", "not-finite", "an output is NaN or infinite")) from None
            if tolerance is not None and stop < n and self.looks:
                so_far = np.concatenate(parts)
                value, drop = self._so_far(so_far)
                if test is not None:
                    change = self.per_sample[start:stop] - parts[-1]
                    change = change if self._metric.higher_is_better else -change
                    hopeless = test.update(self._by_group(change, start, tolerance))
                else:
                    hopeless = drop > tolerance and self._hopeless(so_far, tolerance)
                if hopeless:
                    why = f"drop beyond the tolerance after {stop} of {n} samples"
                    return self._score_of(so_far, value, drop, why)
        per_sample = np.concatenate(parts)
        value = self._value(per_sample, np.arange(n))
        if not np.isfinite(value):
            message = f"{self._metric.name} is undefined for this candidate's outputs"
            raise StageFailed(Failure("score", "not-finite", message))
        return self._score_of(per_sample, value, self._lost(self.value, value))

    def _scores(self, compiled: Compiled, start: int, stop: int, outputs: dict[str, Array] | None = None) -> Scores:
        """Return what of each sample the metric depends on; outputs are held for a piece of the samples at a time.

        Args:
            outputs: of all these samples, where they are known.

        Raises:
            _NotFinite: an output is not finite.
        """
        parts = []
        for begin in range(start, stop, self._piece):
            end = min(begin + self._piece, stop)
            found = outputs or run(compiled, self._dataset, begin, end)
            if not finite(found):
                raise _NotFinite
            reference = None if self._reference is None else {k: v[begin:end] for k, v in self._reference.items()}
            parts.append(self._metric.per_sample(found, self._labels(begin, end), reference))
        return np.concatenate(parts)

    def of_the_reference(self, request: Judge) -> Verdict:
        """Return float f32's own verdict: it loses nothing against itself."""
        return Verdict(
            status="proven",
            drop=0.0,
            drop_upper=0.0,
            tolerance=self._tolerance(request),
            confidence=request.confidence,
            n=len(self),
            method="the reference itself",
            score=self.value,
            float_score=self.value,
            groups=None if self.clusters is None else len(self.clusters),
        )

    def _tolerance(self, request: Judge) -> float:
        return request.max_drop * abs(self.value) if request.relative else request.max_drop

    def verdict(self, score: Score, request: Judge, seed: int) -> Verdict:
        """Say what this split, scored in full, tells of the candidate."""
        return decide.verdict(
            self.per_sample,
            score.per_sample,
            self._value_of,
            is_mean=self._metric.is_mean,
            higher_is_better=self._metric.higher_is_better,
            resamples=self._resamples,
            groups=self._groups,
            float_score=self.value,
            score=score.value,
            tolerance=self._tolerance(request),
            confidence=request.confidence,
            finalists=request.finalists,
            seed=seed,
            clusters=self.clusters,
        )

    def _bounds(self, chunks: int) -> list[int]:
        """Return where chunks begin and end: no group is in two."""
        n = len(self)
        bounds = np.linspace(0, n, min(chunks, n) + 1).astype(int)
        if self.clusters is not None:
            whole = self.clusters.cuts()
            bounds = np.unique([0, *whole[np.searchsorted(whole, bounds[1:])]])
        return [int(bound) for bound in bounds]

    def _test(self, tolerance: float) -> DropTest:
        """Return the test of 0/1 scores; :meth:`_by_group` gives its differences."""
        if self.clusters is None:
            return DropTest(tolerance, ERROR, population=len(self))
        return DropTest(0.0, ERROR, lowest=-1 - tolerance)

    def _by_group(self, change: Scores, start: int, tolerance: float) -> Scores:
        """Return what a chunk's groups lose beyond the tolerance, in samples of the largest group; or just the change.

        Of groups of unequal sizes the hypothesis is about the ratio of two means: that the mean of a group's loss less
        the tolerance times its size is at most 0.
        """
        if self.clusters is None:
            return change
        chunk = self.clusters.between(start, start + len(change))
        beyond: Scores = (chunk.sums(change) - tolerance * chunk.sizes) / self.clusters.sizes.max()
        return beyond

    def _clusters_of(self, samples: int) -> Clusters | None:
        return None if self.clusters is None else self.clusters.between(0, samples)

    def _score_of(self, per_sample: Scores, value: float, drop: float, stopped: str = "") -> Score:
        clusters = self._clusters_of(len(per_sample))
        groups = None if clusters is None else len(clusters)
        return Score(per_sample, value, drop, self._drop_error(per_sample), len(per_sample), groups, stopped)

    def _hopeless(self, per_sample: Scores, tolerance: float) -> bool:
        lower = stats.drop_lower(
            self.per_sample[: len(per_sample)],
            per_sample,
            self._value_of,
            is_mean=self._metric.is_mean,
            higher_is_better=self._metric.higher_is_better,
            confidence=1 - ERROR / (FEW_CHUNKS - 1),
            groups=self._groups,
            clusters=self._clusters_of(len(per_sample)),
        )
        return lower > tolerance

    def _drop_error(self, per_sample: Scores) -> float:
        return stats.drop_error(
            self.per_sample[: len(per_sample)],
            per_sample,
            self._value_of,
            is_mean=self._metric.is_mean,
            higher_is_better=self._metric.higher_is_better,
            groups=self._groups,
            clusters=self._clusters_of(len(per_sample)),
        )

    def _so_far(self, per_sample: Scores) -> tuple[float, float]:
        """Return the metric of the first samples, and the drop; NaN where it is undefined for these few."""
        chosen = np.arange(len(per_sample))
        value = self._value_of(per_sample, chosen)
        return value, self._lost(self._value_of(self.per_sample, chosen), value)

    def _lost(self, reference: float, value: float) -> float:
        return reference - value if self._metric.higher_is_better else value - reference

    def _value_of(self, scores: Scores, chosen: NDArray[np.intp]) -> float:
        """Return the metric of some samples; NaN where it is undefined for them (a resample without some class)."""
        try:
            return self._value(scores[chosen], chosen)
        except UserError:
            return float("nan")

    def _value(self, scores: Scores, chosen: NDArray[np.intp]) -> float:
        labels = None if self._dataset.labels is None else self._dataset.labels[chosen]
        return self._metric.value(scores, labels)

    def _time_of_a_value(self) -> float:
        chosen = np.arange(len(self))
        started = time.perf_counter()
        self._value(self.per_sample, chosen)
        return time.perf_counter() - started

    def _labels(self, start: int, stop: int) -> Array | None:
        return None if self._dataset.labels is None else self._dataset.labels[start:stop]


def finite(outputs: Mapping[str, Array]) -> bool:
    """True when no floating-point output is NaN or infinite."""
    return all(bool(np.isfinite(v).all()) for v in outputs.values() if v.dtype.kind == "f")
