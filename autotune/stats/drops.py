"""Bounds of the drop of any metric, and how many samples would settle it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autotune.stats.bootstrap import bca_upper, jackknife_error
from autotune.stats.clustered import clustered_error, clustered_upper
from autotune.stats.clusters import Clusters
from autotune.stats.paired import paired_upper
from autotune.stats.pairs import Pairs, Scores, Value

EXACT = "exact paired bound"
RESAMPLES_MEAN = 5000
RESAMPLES_CORPUS = 1000  # each costs two evaluations of the metric on the whole split
JACKKNIFE_GROUPS = 100
FEW_DIFFERENCES = 30
FEWEST_CLUSTERS = 10  # groups; on fewer no candidate is given up early
MOST_SAMPLES = 10_000_000


@dataclass(frozen=True)
class DropBound:
    """A drop with its one-sided upper bound, in the metric's own units.

    Attributes:
        method: how the bound was computed, for people.
        units: independent parts of the sample: its ``n`` samples, or their groups.
        sd: standard deviation of one unit's part in the drop.
        excess: what the bound adds to the drop beyond ``z sd / sqrt(units)``, times units (few that differ, skewness).
    """

    drop: float
    upper: float
    method: str
    n: int
    units: int
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
    clusters: Clusters | None = None,
) -> DropBound:
    """Return the drop of the candidate and its one-sided upper bound.

    * means of 0/1 scores: :func:`paired_upper`, exact;
    * other means: BCa bootstrap of the mean paired difference;
    * other metrics: BCa bootstrap of the difference of the metric over resampled pairs.

    A bootstrap knows nothing of losses that this sample happens not to show. So where fewer than 30 samples differ, or
    no resample changes the metric, the bound is at least ``(1 - (1 - confidence) ** (1 / n)) * scale`` (the rule of
    three: the largest share of samples that may be lost without showing up once in n). ``scale`` is the range of the
    observed scores for a mean (their size if all are equal) and the size of the float value for other metrics.

    Where samples come in groups, none of these holds; :func:`clustered_upper` bounds the drop by whole groups.

    Args:
        float_scores, candidate_scores: shape (n, ...), the same samples in the same order; (n,) for a mean.
        value: metric of some samples: ``value(scores, indices)``; not called for a mean. NaN where it is undefined.
        confidence: one-sided.
        resamples, groups: of a metric that is no mean: bootstrap resamples, and groups of the jackknife; each costs
            two values of the metric.
        clusters: the groups of the samples, None where every sample is independent.

    Raises:
        UserError: the metric is not finite on most resamples.
    """
    n = len(float_scores)
    pairs = _pairs(float_scores, candidate_scores, value, is_mean, higher_is_better)
    random = np.random.default_rng(seed)
    if is_mean:
        resamples, groups = RESAMPLES_MEAN, JACKKNIFE_GROUPS
    fewer = "" if is_mean or resamples >= RESAMPLES_CORPUS else f", {resamples} resamples"
    if clusters is not None:
        upper, method, error = clustered_upper(pairs, clusters, confidence, random, resamples=resamples, groups=groups)
        drop, units = pairs.drop(np.arange(n)), len(clusters)
        sd = error * math.sqrt(units)
        return _bound(drop, upper, method=method + fewer, n=n, units=units, sd=sd, confidence=confidence)
    if pairs.are_binary:
        losses, gains = int((pairs.changes > 0).sum()), int((pairs.changes < 0).sum())
        upper, drop, sd = paired_upper(losses, gains, n, confidence), (losses - gains) / n, float(pairs.changes.std())
        return _bound(drop, upper, method=EXACT, n=n, units=n, sd=sd, confidence=confidence)
    drop, upper, error = bca_upper(pairs.drop, n, confidence, random, resamples=resamples, groups=groups)
    what = "differences" if is_mean else "samples"
    method = f"bootstrap of paired {what} (BCa{fewer})"
    if error == 0 or int(pairs.differing().sum()) < FEW_DIFFERENCES:
        floor = pairs.scale() * (1 - (1 - confidence) ** (1 / n))
        if floor > upper:
            upper, method = floor, "rule of three, few samples differ"
    return _bound(drop, upper, method=method, n=n, units=n, sd=error * math.sqrt(n), confidence=confidence)


def drop_lower(
    float_scores: Scores,
    candidate_scores: Scores,
    value: Value,
    *,
    is_mean: bool,
    higher_is_better: bool,
    confidence: float,
    groups: int = JACKKNIFE_GROUPS,
    clusters: Clusters | None = None,
) -> float:
    """Return a one-sided lower bound of the drop, fast enough to ask during scoring whether to go on.

    Exact for means of 0/1 scores. For others a normal approximation with the grouped jackknife's standard error:
    good enough to give up a candidate early, not to decide between finalists. Where samples come in groups, with
    the cluster-robust error, and minus infinity with fewer than 10 groups.

    Args:
        float_scores, candidate_scores, value, confidence, groups, clusters: as for :func:`drop_upper`.
    """
    from scipy.special import stdtrit

    n = len(float_scores)
    pairs = _pairs(float_scores, candidate_scores, value, is_mean, higher_is_better)
    if clusters is None and pairs.are_binary:
        changes = pairs.changes
        return -paired_upper(int((changes < 0).sum()), int((changes > 0).sum()), n, confidence)
    if clusters is not None:
        units, error = len(clusters), clustered_error(pairs, clusters, groups)
        enough = units >= FEWEST_CLUSTERS
    else:
        units, enough = n, n >= 2
        error = jackknife_error(pairs.drop, n, groups) if enough else math.inf
    if not enough or not math.isfinite(error):
        return -math.inf
    return pairs.drop(np.arange(n)) - float(stdtrit(min(units, groups) - 1, confidence)) * error


def drop_error(
    float_scores: Scores,
    candidate_scores: Scores,
    value: Value,
    *,
    is_mean: bool,
    higher_is_better: bool,
    groups: int = JACKKNIFE_GROUPS,
    clusters: Clusters | None = None,
) -> float:
    """Return the standard error of the drop: of the mean paired difference, or the grouped jackknife's.

    Where samples come in groups it is cluster-robust.

    It is never below one sample's worth of a 0/1 score: that nothing differs among n samples does not mean that
    nothing ever will.

    Args:
        float_scores, candidate_scores, value, groups, clusters: as for :func:`drop_upper`.

    Returns:
        Infinity where it cannot be computed.
    """
    n = len(float_scores)
    pairs = _pairs(float_scores, candidate_scores, value, is_mean, higher_is_better)
    if n < 2:
        return math.inf
    if clusters is not None:
        error = clustered_error(pairs, clusters, groups)
    elif is_mean:
        error = float(pairs.changes.std(ddof=1)) / math.sqrt(n)
    else:
        error = jackknife_error(pairs.drop, n, groups)
    if not math.isfinite(error):
        return math.inf
    return max(error, 1 / n) if pairs.are_binary else error


def samples_needed(drop: float, sd: float, tolerance: float, confidence: float, excess: float = 0.0) -> int | None:
    """Return how many samples (or groups, the units of :class:`DropBound`) in all would bring the bound within
    the tolerance, if the rates stay the same.

    Solves ``drop + z sd / sqrt(n) + excess / n <= tolerance`` for n.

    Args:
        sd, excess: as in :class:`DropBound`.
        confidence: one-sided.

    Returns:
        None if no number would, or only one beyond ten million.
    """
    from scipy.special import ndtri

    gap = tolerance - drop
    if gap <= 0 or not math.isfinite(sd + excess):
        return None
    width = float(ndtri(confidence)) * sd
    n = ((width + math.sqrt(width * width + 4 * max(excess, 0.0) * gap)) / (2 * gap)) ** 2
    return max(1, math.ceil(n - 1e-9)) if n <= MOST_SAMPLES else None


def _bound(drop: float, upper: float, *, method: str, n: int, units: int, sd: float, confidence: float) -> DropBound:
    from scipy.special import ndtri

    if not math.isfinite(upper):
        return DropBound(drop, upper, method, n, units, sd, math.inf)
    excess = units * (upper - drop - float(ndtri(confidence)) * sd / math.sqrt(units))
    return DropBound(drop, upper, method, n, units, sd, max(0.0, excess))


def _pairs(
    float_scores: Scores, candidate_scores: Scores, value: Value, is_mean: bool, higher_is_better: bool
) -> Pairs:
    return Pairs(float_scores, candidate_scores, value, is_mean, 1.0 if higher_is_better else -1.0)
