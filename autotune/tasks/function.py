"""A metric of the user's own: ``FILE.py:function(outputs, labels)``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autotune.errors import UserError
from autotune.tasks.outputs import Array, Scores, pick
from autotune.usercode import failed


class FunctionMetric:
    """Wraps the user's function.

    The function gets the outputs (dict of arrays by output name, only one if the recipe names it) and the labels
    (None if the data have none) and returns either one score per sample, shape (n,), whose mean is the metric, or one
    number for all of them. Which of the two it does shows at the first call and may not change.
    """

    needs_labels = False
    needs_reference = False

    def __init__(self, spec: str, function: Callable[..., Any], output: str | None, higher_is_better: bool) -> None:
        self.name = spec
        self.higher_is_better = higher_is_better
        self.is_mean = True
        self._function = function
        self._output = output
        self._layout: list[tuple[str, np.dtype[Any], tuple[int, ...]]] = []

    def check(self, labels: Array) -> None:
        """Only the function knows what labels it needs."""

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return the scores, shape (n,); for a function of one number, the outputs themselves, shape (n, values)."""
        if self._output is not None:
            outputs = {self._output: pick(outputs, self._output, self.name)}
        n = len(next(iter(outputs.values())))
        if not self._layout:
            self._layout = [(name, values.dtype, values.shape[1:]) for name, values in outputs.items()]
            self.is_mean = self._call(outputs, labels).ndim > 0
        if not self.is_mean:
            return np.concatenate(
                [outputs[name].reshape(n, -1) for name, _, _ in self._layout], axis=1, dtype=np.float64
            )
        scores = self._call(outputs, labels)
        if scores.shape != (n,):
            raise UserError(
                f"metric: {self.name} returned shape {list(scores.shape)} for {n} samples; return one score per sample "
                "or one number."
            )
        return scores

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the mean of the scores, or the number that the function gives for these outputs (may be NaN)."""
        if self.is_mean:
            return float(per_sample.mean())
        outputs, start = {}, 0
        for name, dtype, shape in self._layout:
            width = math.prod(shape)
            outputs[name] = per_sample[:, start : start + width].reshape(-1, *shape).astype(dtype)
            start += width
        score = self._call(outputs, labels, finite=False)
        if score.ndim > 0:
            raise UserError(f"metric: {self.name} returned one number before and now shape {list(score.shape)}.")
        return float(score)

    def _call(self, outputs: Mapping[str, Array], labels: Array | None, finite: bool = True) -> Scores:
        try:
            returned = self._function(dict(outputs), labels)
        except (Exception, SystemExit) as error:
            raise failed(self.name, "metric", error) from error
        try:
            scores = np.asarray(returned, dtype=np.float64)
        except (TypeError, ValueError):
            kind = type(returned).__name__
            raise UserError(
                f"metric: {self.name} returned {kind}; return one score per sample or one number."
            ) from None
        if finite and not bool(np.isfinite(scores).all()):
            raise UserError(f"metric: {self.name} returned NaN or an infinite score.")
        return scores
