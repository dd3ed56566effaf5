"""Bounds of the drop of any metric, and how many samples would settle it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotune.errors import UserError
from autotune.stats.paired import paired_upper

Floats = NDArray[np.float64]
Scores = NDArray[Any]
Value = Callable[[Scores, NDArray[np.intp]], float]

EXACT = "exact paired bound"
RESAMPLES_MEAN = 5000
RESAMPLES_CORPUS = 1000  # each costs two evaluations of the metric on the whole split
JACKKNIFE_GROUPS = 100
FEW_DIFFERENCES = 30
MOST_SAMPLES = 10_000_000


@dataclass(frozen=True)
class DropBound:
    """A drop with its one-sided upper bound, in the metric's own units.

    Attributes:
        method: how the bound was computed, for people.
        sd: standard deviation of one sample's part in the drop.
        excess: what the bound adds to the drop beyond ``z sd / sqrt(n)``, times n (few differing samples, skewness).
    """

    drop: float
    upper: float
    method: str
    n: int
    sd: float
    excess: float


def drop_upper(
    float_scores: Scores,
    candidate_scores: Scores,
    value: Value,
    *,
    is_mean: bool,
    higher_is_better: bool,
    confidence: float,
    seed: int,
    resamples: int = RESAMPLES_CORPUS,
    groups: int = JACKKNIFE_GROUPS,
) -> DropBound:
    """Return the drop of the candidate and its one-sided upper bound.

    * means of 0/1 scores: :func:`paired_upper`, exact;
    * other means: BCa bootstrap of the mean paired difference;
    * other metrics: BCa bootstrap of the difference of the metric over resampled pairs.

    A bootstrap knows nothing of losses that this sample happens not to show. So where fewer than 30 samples differ, or
    no resample changes the metric, the bound is at least ``(1 - (1 - confidence) ** (1 / n)) * scale`` (the rule of
    three: the largest share of samples that may be lost without showing up once in n). ``scale`` is the range of the
    observed scores for a mean (their size if all are equal) and the size of the float value for other metrics.

    Args:
        float_scores, candidate_scores: shape (n, ...), the same samples in the same order; (n,) for a mean.
        value: metric of some samples: ``value(scores, indices)``; not called for a mean. NaN where it is undefined.
        confidence: one-sided.
        resamples, groups: of a metric that is no mean: bootstrap resamples, and groups of the jackknife; each costs
            two values of the metric.

    Raises:
        UserError: the metric is not finite on most resamples.
    """
    n = len(float_scores)
    sign = 1.0 if higher_is_better else -1.0
    if is_mean and _is_binary(float_scores) and _is_binary(candidate_scores):
        change = sign * (np.asarray(float_scores, np.float64) - candidate_scores)
        losses, gains = int((change > 0).sum()), int((change < 0).sum())
        upper = paired_upper(losses, gains, n, confidence)
        return _bound((losses - gains) / n, upper, method=EXACT, n=n, sd=float(change.std()), confidence=confidence)
    statistic = _paired_statistic(float_scores, candidate_scores, value, is_mean, sign)
    if is_mean:
        resamples, groups = RESAMPLES_MEAN, JACKKNIFE_GROUPS
    drop, upper, error = _bca_upper(
        statistic, n, confidence, np.random.default_rng(seed), resamples=resamples, groups=groups
    )
    what = "differences" if is_mean else "samples"
    fewer = "" if is_mean or resamples >= RESAMPLES_CORPUS else f", {resamples} resamples"
    method = f"bootstrap of paired {what} (BCa{fewer})"
    scale = _scale(float_scores, candidate_scores, value, is_mean)
    if error == 0 or _differing(float_scores, candidate_scores) < FEW_DIFFERENCES:
        floor = scale * (1 - (1 - confidence) ** (1 / n))
        if floor > upper:
            upper, method = floor, "rule of three, few samples differ"
    return _bound(drop, upper, method=method, n=n, sd=error * math.sqrt(n), confidence=confidence)


def drop_lower(
    float_scores: Scores,
    candidate_scores: Scores,
    value: Value,
    *,
    is_mean: bool,
    higher_is_better: bool,
    confidence: float,
    groups: int = JACKKNIFE_GROUPS,
) -> float:
    """Return a one-sided lower bound of the drop, fast enough to ask during scoring whether to go on.

    Exact for means of 0/1 scores. For others a normal approximation with the grouped jackknife's standard error:
    good enough to give up a candidate early, not to decide between finalists.

    Args:
        float_scores, candidate_scores, value, confidence, groups: as for :func:`drop_upper`.
    """
    from scipy.special import stdtrit

    n = len(float_scores)
    sign = 1.0 if higher_is_better else -1.0
    if is_mean and _is_binary(float_scores) and _is_binary(candidate_scores):
        change = sign * (np.asarray(float_scores, np.float64) - candidate_scores)
        return -paired_upper(int((change < 0).sum()), int((change > 0).sum()), n, confidence)
    statistic = _paired_statistic(float_scores, candidate_scores, value, is_mean, sign)
    if n < 2:
        return -math.inf
    error = _jackknife_error(statistic, n, groups)
    drop = statistic(np.arange(n))
    if not math.isfinite(error):
        return -math.inf
    return drop - float(stdtrit(min(n, groups) - 1, confidence)) * error


def drop_error(
    float_scores: Scores,
    candidate_scores: Scores,
    value: Value,
    *,
    is_mean: bool,
    higher_is_better: bool,
    groups: int = JACKKNIFE_GROUPS,
) -> float:
    """Return the standard error of the drop: of the mean paired difference, or the grouped jackknife's.

    It is never below one sample's worth of a 0/1 score: that nothing differs among n samples does not mean that
    nothing ever will.

    Args:
        float_scores, candidate_scores, value, groups: as for :func:`drop_upper`.

    Returns:
        Infinity where it cannot be computed.
    """
    n = len(float_scores)
    sign = 1.0 if higher_is_better else -1.0
    if n < 2:
        return math.inf
    if is_mean:
        change = np.asarray(float_scores, np.float64) - np.asarray(candidate_scores, np.float64)
        error = float(change.std(ddof=1)) / math.sqrt(n)
        return max(error, 1 / n) if _is_binary(float_scores) and _is_binary(candidate_scores) else error
    error = _jackknife_error(_paired_statistic(float_scores, candidate_scores, value, False, sign), n, groups)
    return error if math.isfinite(error) else math.inf


def samples_needed(drop: float, sd: float, tolerance: float, confidence: float, excess: float = 0.0) -> int | None:
    """Return how many samples in all would bring the upper bound within the tolerance, if the rates stay the same.

    Solves ``drop + z sd / sqrt(n) + excess / n <= tolerance`` for n.

    Args:
        sd, excess: as in :class:`DropBound`.
        confidence: one-sided.

    Returns:
        None if no number would, or only one beyond ten million.
    """
    from scipy.special import ndtri

    gap = tolerance - drop
    if gap <= 0:
        return None
    width = float(ndtri(confidence)) * sd
    n = ((width + math.sqrt(width * width + 4 * max(excess, 0.0) * gap)) / (2 * gap)) ** 2
    return max(1, math.ceil(n - 1e-9)) if n <= MOST_SAMPLES else None


def _bound(drop: float, upper: float, *, method: str, n: int, sd: float, confidence: float) -> DropBound:
    from scipy.special import ndtri

    excess = n * (upper - drop - float(ndtri(confidence)) * sd / math.sqrt(n))
    return DropBound(drop, upper, method, n, sd, max(0.0, excess))


def _is_binary(scores: Scores) -> bool:
    return scores.ndim == 1 and bool(np.isin(scores, (0, 1)).all())


def _paired_statistic(
    float_scores: Scores, candidate_scores: Scores, value: Value, is_mean: bool, sign: float
) -> Callable[[NDArray[np.intp]], float]:
    if not is_mean:
        return lambda chosen: sign * (value(float_scores, chosen) - value(candidate_scores, chosen))
    change = sign * (np.asarray(float_scores, np.float64) - np.asarray(candidate_scores, np.float64))
    return lambda chosen: float(change[chosen].mean())


def _differing(float_scores: Scores, candidate_scores: Scores) -> int:
    """Count the samples whose scores differ by more than rounding."""
    n = len(float_scores)
    if float_scores.dtype.kind != "f":
        different = float_scores != candidate_scores
    else:
        rounding = 1e-6 * max(float(np.ptp(float_scores)), float(np.abs(float_scores).max()) * 1e-3)
        different = np.abs(float_scores - candidate_scores) > rounding
    return int(different.reshape(n, -1).any(axis=1).sum())


def _scale(float_scores: Scores, candidate_scores: Scores, value: Value, is_mean: bool) -> float:
    if not is_mean:
        return abs(value(float_scores, np.arange(len(float_scores)))) or 1.0
    both = np.concatenate([float_scores, candidate_scores]).astype(np.float64)
    return float(np.ptp(both)) or float(np.abs(both).max()) or 1.0


def _bca_upper(
    statistic: Callable[[NDArray[np.intp]], float],
    n: int,
    confidence: float,
    random: np.random.Generator,
    *,
    resamples: int,
    groups: int,
) -> tuple[float, float, float]:
    """Return estimate, bias-corrected and accelerated upper bound, and bootstrap standard error.

    Source: B. Efron, Better bootstrap confidence intervals, JASA 82, 1987; the acceleration from a grouped jackknife.
    """
    from scipy.special import ndtr, ndtri

    estimate = statistic(np.arange(n))
    values = np.array([statistic(random.integers(0, n, n)) for _ in range(resamples)])
    values = np.sort(values[np.isfinite(values)])
    if len(values) < 0.9 * resamples:
        raise UserError(
            f"The metric has no finite value on {resamples - len(values)} of {resamples} resamples of the {n} labelled "
            "samples; give more samples, of every class."
        )
    below = (values < estimate).mean() + 0.5 * (values == estimate).mean()
    z0 = float(ndtri(np.clip(below, 1 / len(values), 1 - 1 / len(values))))
    parts = _jackknife(statistic, n, random, groups)
    parts = parts[np.isfinite(parts)]
    spread = parts.mean() - parts
    power = float((spread**2).sum()) ** 1.5
    acceleration = float((spread**3).sum()) / (6 * power) if power > 0 and math.isfinite(power) else 0.0
    z = z0 + float(ndtri(confidence))
    stretch = 1 - acceleration * z
    level = float(ndtr(z0 + z / stretch)) if stretch > 0 else 1.0
    return estimate, float(np.quantile(values, level)), float(values.std())


def _jackknife_error(statistic: Callable[[NDArray[np.intp]], float], n: int, groups: int) -> float:
    """Return the grouped jackknife's standard error; NaN where the statistic is undefined without some group."""
    parts = _jackknife(statistic, n, np.random.default_rng(0), groups)
    count = len(parts)
    return math.sqrt((count - 1) / count * float(((parts - parts.mean()) ** 2).sum()))


def _jackknife(
    statistic: Callable[[NDArray[np.intp]], float], n: int, random: np.random.Generator, groups: int
) -> Floats:
    """Return the statistic with each of up to ``groups`` random groups of samples left out."""
    order = random.permutation(n)
    left_out = np.array_split(order, min(n, groups))
    return np.array([statistic(np.setdiff1d(order, group)) for group in left_out])
