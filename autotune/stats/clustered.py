"""Bounds and errors of the drop where samples come in groups: the groups are what is independent."""

from __future__ import annotations

import math

import numpy as np

from autotune.stats.bootstrap import Batched, Statistic, bca_upper, jackknife_error
from autotune.stats.clusters import Clusters
from autotune.stats.pairs import Pairs

FEW_DIFFER = 30


def clustered_upper(
    pairs: Pairs,
    clusters: Clusters,
    confidence: float,
    random: np.random.Generator,
    *,
    resamples: int,
    groups: int,
) -> tuple[float, str, float]:
    """Return an upper bound of the drop, how it was computed, and the drop's standard error.

    The bound is the largest of

    * the drop plus Student's quantile (groups - 1 degrees of freedom) times the cluster-robust standard error, as A. C.
      Cameron, J. B. Gelbach and D. L. Miller, Bootstrap-based improvements for inference with clustered errors, Review
      of Economics and Statistics 90, 2008, advise for few groups;
    * the BCa bootstrap of whole groups (C. A. Field and A. H. Welsh, Bootstrapping clustered data, JRSS-B 69, 2007), at
      the confidence that makes up for its being too narrow with few (T. C. Hesterberg, What teachers should know about
      the bootstrap, The American Statistician 69, 2015, section 3.4.1: the expanded percentile interval);
    * where fewer than 30 groups and fewer than half of them differ, the rule of three of the groups: then losses may be
      rare among groups and heavy, and neither of the others knows of those that no group happens to show.

    With fewer than two groups, or where the metric is undefined without some group, it is infinity.

    Args:
        resamples, groups: of the bootstrap, and left out in turn by the jackknife.

    Raises:
        UserError: the metric is not finite on most resamples.
    """
    from scipy.special import ndtr, stdtrit

    count = len(clusters)
    error = clustered_error(pairs, clusters, groups)
    if not math.isfinite(error):
        return math.inf, "no bound from these groups", math.inf
    quantile = float(stdtrit(count - 1, confidence))
    estimate, upper, _ = bca_upper(
        _of_groups(pairs, clusters),
        count,
        float(ndtr(quantile * math.sqrt(count / (count - 1)))),
        random,
        resamples=resamples,
        groups=groups,
        noun="groups",
        batched=_mean_of_groups(pairs, clusters) if pairs.is_mean else None,
    )
    method = "bootstrap of whole groups (BCa)"
    student = estimate + quantile * error
    if student >= upper:
        upper, method = student, "cluster-robust t of groups"
    differing = int((clusters.sums(pairs.differing()) > 0).sum())
    if differing < min(FEW_DIFFER, count / 2):
        floor = pairs.scale() * (1 - (1 - confidence) ** (1 / count))
        if floor > upper:
            upper, method = floor, "rule of three, few groups differ"
    return upper, method, error


def clustered_error(pairs: Pairs, clusters: Clusters, groups: int) -> float:
    """Return the cluster-robust standard error of the drop: CR2 for a mean, else the jackknife over the groups.

    That of a mean is never below the error of independent samples: samples of one group are not less alike than others,
    and an estimate from few groups that says so is luck.

    Args:
        groups: at most so many sets of groups are left out in turn.

    Returns:
        Infinity with fewer than two groups, or where the metric is undefined without some.
    """
    if len(clusters) < 2:
        return math.inf
    if pairs.is_mean:
        alone = float(np.std(pairs.changes, ddof=1)) / math.sqrt(len(pairs.changes))
        return max(clusters.mean_error(pairs.changes), alone)
    error = jackknife_error(_of_groups(pairs, clusters), len(clusters), groups)
    return error if math.isfinite(error) else math.inf


def _of_groups(pairs: Pairs, clusters: Clusters) -> Statistic:
    """The drop of some groups."""
    if not pairs.is_mean:
        return lambda chosen: pairs.drop(clusters.samples(chosen))
    mean = _mean_of_groups(pairs, clusters)
    return lambda chosen: float(mean(chosen))


def _mean_of_groups(pairs: Pairs, clusters: Clusters) -> Batched:
    """The drop of the groups in each row, of a mean."""
    sums, sizes = clusters.sums(pairs.changes), clusters.sizes
    return lambda chosen: sums[chosen].sum(axis=-1) / sizes[chosen].sum(axis=-1)
