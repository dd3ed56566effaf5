"""The clipping that costs least in squared error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autotune.quantize.statistics import Doubles, TensorStatistics

_OCTAVES = 10.0
_REFINEMENTS = 2


@dataclass(frozen=True)
class _Side:
    """Magnitudes of the values on one side of zero, ascending, with sums that make any clipping a look-up.

    Summed from either end, not as differences, so that a mask of -3.4e38 does not swallow the values near zero.

    Attributes:
        inner: (2, m + 1): counts and sums of squares of the first k magnitudes.
        outer: (3, m + 1): counts, sums and sums of squares of the magnitudes from k on.
    """

    magnitudes: Doubles
    inner: Doubles
    outer: Doubles

    @classmethod
    def of(cls, magnitudes: Doubles, counts: Doubles) -> _Side:
        moments = np.stack([counts, counts * magnitudes, counts * magnitudes**2])
        zero = np.zeros((3, 1))
        inner = np.concatenate([zero, np.cumsum(moments, axis=1)], axis=1)[::2]
        outer = np.concatenate([np.cumsum(moments[:, ::-1], axis=1)[:, ::-1], zero], axis=1)
        return cls(magnitudes, inner, outer)

    @property
    def largest(self) -> float:
        return float(self.magnitudes[-1]) if len(self.magnitudes) else 0.0

    def error(self, border: Doubles, step: Doubles) -> Doubles:
        """Sum of squared errors with levels ``step`` apart from zero to ``border`` (arrays that broadcast).

        Beyond the border: exact. Below half a step, where values become zero: exact. Between: step² / 12 each, the
        error of values that are spread evenly over a step.
        """
        end = np.searchsorted(self.magnitudes, border, side="right")
        small = np.minimum(np.searchsorted(self.magnitudes, step / 2), end)
        counts, sums, squares = self.outer[:, end]
        clipped = squares - 2 * border * sums + border**2 * counts
        rounded = step**2 / 12 * (self.inner[0, end] - self.inner[0, small])
        error: Doubles = np.maximum(clipped, 0) + rounded + self.inner[1, small]
        return error


def mse(statistics: TensorStatistics, symmetric: bool, parameter: float | None) -> tuple[float, float]:
    """Return the range with the least sum of squared quantisation errors, of 8 bits, over all samples.

    Grid search over clipped ranges (Banner et al. 2019, ACIQ, for the split into rounding and clipping error; the
    search over borders as in Choukroun et al. 2019, OMSE): geometric from the extremes down 10 octaves, refined twice
    around the best; for affine ranges over both borders together. Uses the elements and the extremes.
    """
    del parameter
    values, counts = statistics.population
    first, last = np.searchsorted(values, 0, side="left"), np.searchsorted(values, 0, side="right")
    negative = _Side.of(-values[:first][::-1], counts[:first][::-1])
    positive = _Side.of(values[last:], counts[last:])
    if symmetric:
        return statistics.lowest, _symmetric(negative, positive)
    return _affine(negative, positive)


def _symmetric(negative: _Side, positive: _Side) -> float:
    top = max(negative.largest, positive.largest)
    exponents = np.arange(0, _OCTAVES, 1 / 8)
    spread = 1 / 8
    best = 0.0
    for _ in range(1 + _REFINEMENTS):
        high = top * 2.0**-exponents
        if negative.largest > 0:
            step = high / 127
            errors = positive.error(high, step) + negative.error(128 * step, step)
        else:
            errors = positive.error(high, high / 255)
        best = float(exponents[np.argmin(errors)])
        exponents = _around(best, spread)
        spread /= 4
    return float(top * 2.0**-best)


def _affine(negative: _Side, positive: _Side) -> tuple[float, float]:
    spread = 1 / 3
    grid = np.arange(0, _OCTAVES, spread)
    lows = grid if negative.largest > 0 else np.zeros(1)
    highs = grid if positive.largest > 0 else np.zeros(1)
    best = (0.0, 0.0)
    for _ in range(1 + _REFINEMENTS):
        low, high = negative.largest * 2.0 ** -lows[:, None], positive.largest * 2.0 ** -highs[None, :]
        step = (low + high) / 255
        errors = negative.error(low, step) + positive.error(high, step)
        row, column = np.unravel_index(np.argmin(errors), errors.shape)
        best = (float(lows[row]), float(highs[column]))
        lows, highs = _around(best[0], spread), _around(best[1], spread)
        spread /= 4
    return -negative.largest * 2.0 ** -best[0], positive.largest * 2.0 ** -best[1]


def _around(center: float, spread: float) -> Doubles:
    return np.unique(np.maximum(0, center + np.linspace(-spread, spread, 9)))
