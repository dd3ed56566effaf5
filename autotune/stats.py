"""Intervals and bounds, as pure functions of numpy arrays.

A *drop* is how much worse a candidate scores than the float model on the same samples; positive is worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autotune.record import Interval

Scores = NDArray[np.float64]
Indices = NDArray[np.intp]

RESAMPLES_MEAN = 5000
RESAMPLES_CORPUS = 1000  # each costs one evaluation of the metric on the whole split
JACKKNIFE_GROUPS = 50
FEW_DIFFERENCES = 30
MOST_SAMPLES = 10_000_000


# --- medians --------------------------------------------------------------------------------------------------------


def values_needed(confidence: float) -> int:
    """Return the smallest number of values whose extremes enclose the median with ``confidence``."""
    return math.ceil(round(1 - math.log2(1 - confidence), 9))


def median_interval(values: NDArray[np.float64] | tuple[float, ...], confidence: float) -> Interval:
    """Return the median with the exact order-statistic interval that inverts the sign test.

    No assumption but independent values of one continuous distribution: the number of values below the true median
    is Binomial(n, 1/2). The interval is the narrowest symmetric pair of order statistics whose coverage is at least
    ``confidence``. Source: W. J. Conover, Practical Nonparametric Statistics, 3rd edition, 1999, section 3.2.

    Args:
        values: shape (n,), finite.
        confidence: two-sided, in (0, 1).

    Raises:
        ValueError: there are fewer than ``values_needed(confidence)`` values, or one is not finite.
    """
    from scipy.special import bdtr

    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = len(ordered)
    if n < values_needed(confidence):
        raise ValueError(f"{n} values; a median interval at {confidence:g} needs {values_needed(confidence)}")
    if not np.isfinite(ordered).all():
        raise ValueError("a value is not finite")
    # Coverage of [x(k+1), x(n-k)], counted from one, is 1 - 2 P(Binomial(n, 1/2) <= k).
    tails = 2 * bdtr(np.arange((n + 1) // 2, dtype=np.float64), n, 0.5)
    k = int(np.searchsorted(tails, (1 - confidence) * (1 + 1e-12), side="right")) - 1
    return Interval(float(np.median(ordered)), float(ordered[k]), float(ordered[n - 1 - k]))


# --- paired 0/1 scores ----------------------------------------------------------------------------------------------


def paired_upper(losses: int, gains: int, n: int, confidence: float) -> float:
    """Return an exact one-sided upper bound of the true drop from paired right/wrong answers.

    The true drop is P(float right, candidate wrong) - P(float wrong, candidate right). A drop ``d`` is refuted when a
    sample at least as favourable as the observed one has a probability of at most 1 - confidence under every true
    drop of ``d`` or more. That probability depends on the unknown total rate of disagreement; following Berger and
    Boos it is maximised over the rate's Clopper-Pearson interval of confidence 1 - gamma and gamma is added
    (R. L. Berger and D. D. Boos, P values maximized over a confidence set for the nuisance parameter, JASA 89, 1994).
    Samples are ordered by the approximate bound d + z sqrt(losses + gains + 1), which keeps the exact bound short
    (R. J. Buehler, Confidence intervals for the product of two binomial parameters, JASA 52, 1957). Given the number
    of disagreements the losses are binomial, so the trinomial probability is a sum over that number, without
    simulation. The bound holds for every n; there is no normal approximation in its validity.

    Args:
        losses: samples that float has right and the candidate wrong.
        gains: the other way round.
        n: samples in all, at least 1.
        confidence: one-sided, in [0.5, 1).
    """
    from scipy.optimize import brentq

    alpha = 1 - confidence
    probability = _PairedTail(losses, gains, n, alpha)
    drop = (losses - gains) / n
    if probability(1.0) > alpha:
        return 1.0
    if probability(drop) <= alpha:
        return drop
    width = 1e-4 / math.sqrt(n)
    root = brentq(lambda d: probability(d) - alpha, drop, 1.0, xtol=width, rtol=1e-9)
    return min(1.0, float(root) + width)


class _PairedTail:
    """The p-value of a true drop against the observed (losses, gains), see :func:`paired_upper`."""

    def __init__(self, losses: int, gains: int, n: int, alpha: float) -> None:
        from scipy.special import betaincinv, ndtri

        self._n = n
        self._gamma = alpha / 50
        disagreements = losses + gains
        tail = self._gamma / 2
        self._low = float(betaincinv(disagreements, n - disagreements + 1, tail)) if disagreements else 0.0
        self._high = float(betaincinv(disagreements + 1, n - disagreements, 1 - tail)) if disagreements < n else 1.0
        z = float(-ndtri(alpha))
        counts = np.arange(n + 1, dtype=np.float64)
        observed = losses - gains + z * math.sqrt(disagreements + 1)
        # With m disagreements, the sample is at least as favourable when its losses are at most this many.
        self._most_losses = np.floor((counts + observed - z * np.sqrt(counts + 1)) / 2 + 1e-9)

    def __call__(self, drop: float) -> float:
        low, high = max(self._low, abs(drop)), self._high
        if low > high:
            return self._gamma
        rates = np.linspace(math.sqrt(low), math.sqrt(high), 33) ** 2
        return float(self._probabilities(rates, drop).max()) + self._gamma

    def _probabilities(self, rates: NDArray[np.float64], drop: float) -> NDArray[np.float64]:
        """P(at least as favourable) for each total rate of disagreement, rounded up by at most 1e-9."""
        from scipy.special import bdtr, gammaln, xlog1py, xlogy

        n = self._n
        reach = 6.5 * np.sqrt(rates * (1 - rates) * n) + 25.0
        first = max(0, math.floor((rates * n - reach).min()))
        last = min(n, math.ceil((rates * n + reach).max()))
        m = np.arange(first, last + 1, dtype=np.float64)
        rate = rates[:, None]
        log_pmf = gammaln(n + 1.0) - gammaln(m + 1) - gammaln(n - m + 1) + xlogy(m, rate) + xlog1py(n - m, -rate)
        share = np.clip((1 + drop / np.maximum(rate, 1e-300)) / 2, 0.0, 1.0)
        k = np.broadcast_to(self._most_losses[first : last + 1], log_pmf.shape)
        inside = bdtr(np.clip(k, 0, m), m, share) * (k >= 0)
        return np.asarray((np.exp(log_pmf) * inside).sum(axis=1) + 1e-9)
