"""Scores a compiled model on one split against the float baseline, in chunks, with a way out for hopeless ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autotune import stats
from autotune.data import Dataset
from autotune.errors import UserError
from autotune.measure.compiled import Compiled
from autotune.record import Failure
from autotune.stages import StageFailed
from autotune.tasks.metrics import Metric

Outputs = dict[str, NDArray[np.generic]]

CHUNKS = 6
# Each of the looks at which a candidate may be dropped errs this seldom.
HOPELESS_CONFIDENCE = 0.999


@dataclass(frozen=True)
class Score:
    """Of the first ``samples`` samples; ``drop`` is positive when worse than float. ``stopped``: why it ended early."""

    per_sample: NDArray[np.float64]
    value: float
    drop: float
    samples: int
    stopped: str = ""


class Scorer:
    """Holds the float model's scores on a split.

    Raises:
        UserError: the float model's outputs are not finite, or the metric does not fit them.
    """

    def __init__(self, metric: Metric, dataset: Dataset, baseline: Compiled) -> None:
        self._metric = metric
        self._dataset = dataset
        outputs = run(baseline, dataset, 0, len(dataset))
        if not _finite(outputs):
            raise UserError("The float model's outputs are not finite on these data; check the model and its inputs.")
        self._reference = outputs if metric.needs_reference else None
        self.per_sample = metric.per_sample(outputs, dataset.labels, self._reference)
        self.value = metric.value(self.per_sample, dataset.labels)

    def score(self, compiled: Compiled, tolerance: float | None) -> Score:
        """Score the split; with a ``tolerance``, stop as soon as the drop is beyond it with near certainty.

        Raises:
            StageFailed: an output is not finite.
        """
        n = len(self._dataset)
        parts: list[NDArray[np.float64]] = []
        bounds = np.linspace(0, n, CHUNKS + 1).astype(int)
        for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
            outputs = run(compiled, self._dataset, start, stop)
            if not _finite(outputs):
                raise StageFailed(Failure("score", "not-finite", "an output is NaN or infinite"))
            reference = None if self._reference is None else {k: v[start:stop] for k, v in self._reference.items()}
            parts.append(self._metric.per_sample(outputs, self._labels(start, stop), reference))
            if tolerance is not None and stop < n:
                so_far = self._result(np.concatenate(parts), stop)
                if self._hopeless(so_far, tolerance):
                    return so_far
        return self._result(np.concatenate(parts), n)

    def _result(self, per_sample: NDArray[np.float64], samples: int) -> Score:
        labels = self._labels(0, samples)
        value = self._metric.value(per_sample, labels)
        reference = self._metric.value(self.per_sample[:samples], labels)
        drop = reference - value if self._metric.higher_is_better else value - reference
        return Score(per_sample, value, drop, samples)
