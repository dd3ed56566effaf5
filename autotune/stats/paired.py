"""An exact bound of the drop from paired right/wrong answers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
    low = (losses - gains) / n
    step = 2 * math.sqrt(losses + gains + 4) / n
    while probability(min(1.0, low + step)) > alpha:
        low += step
        if low >= 1:
            return 1.0
    if probability(low) <= alpha:
        return low
    width = 3e-4 / math.sqrt(n)
    root = brentq(lambda d: probability(d) - alpha, low, min(1.0, low + step), xtol=width, rtol=1e-9)
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
        # The probability is smooth in the rate, and the more so the more disagreements there are. Against 400 points
        # these miss the maximum by under 0.3 % of alpha.
        points = 97 if high * self._n < 100 else 13
        rates = np.linspace(math.sqrt(low), math.sqrt(high), points) ** 2
        return float(self._probabilities(rates, drop).max()) + self._gamma

    def _probabilities(self, rates: Floats, drop: float) -> Floats:
        """P(at least as favourable) for each total rate of disagreement, rounded up by at most 1e-9."""
        from scipy.special import bdtr, gammaln, xlog1py, xlogy

        n = self._n
        reach = 6.5 * np.sqrt(rates * (1 - rates) * n) + 10.0
        first = max(0, math.floor((rates * n - reach).min()))
        last = min(n, math.ceil((rates * n + reach).max()))
        m = np.arange(first, last + 1, dtype=np.float64)
        rate = rates[:, None]
        log_pmf = gammaln(n + 1.0) - gammaln(m + 1) - gammaln(n - m + 1) + xlogy(m, rate) + xlog1py(n - m, -rate)
        share = np.clip((1 + drop / np.maximum(rate, 1e-300)) / 2, 0.0, 1.0)
        pmf = np.exp(log_pmf)
        k = np.broadcast_to(self._most_losses[first : last + 1], pmf.shape)
        inside = (k >= 0) & (pmf > 1e-14)
        m, share = np.broadcast_to(m, pmf.shape)[inside], np.broadcast_to(share, pmf.shape)[inside]
        pmf[inside] *= bdtr(np.minimum(k[inside], m), m, share)
        return np.asarray(np.where(inside, pmf, 0.0).sum(axis=1) + 1e-9)
