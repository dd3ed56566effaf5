"""What the holdout says of one finalist."""

from __future__ import annotations

import math

from autotune import stats
from autotune.outcome import Status, Verdict


def verdict(
    float_scores: stats.Scores,
    candidate_scores: stats.Scores,
    value: stats.Value,
    *,
    is_mean: bool,
    higher_is_better: bool,
    float_score: float,
    score: float,
    tolerance: float,
    confidence: float,
    finalists: int,
    seed: int,
    resamples: int = stats.RESAMPLES_CORPUS,
    groups: int = stats.JACKKNIFE_GROUPS,
    clusters: stats.Clusters | None = None,
) -> Verdict:
    """Judge a finalist by its scores on the holdout.

    It is ``proven`` when the upper bound of its drop is within the tolerance, ``expected`` when only the estimate is,
    else ``beyond``. With several finalists one of them may look good by luck; by Bonferroni's rule each bound is
    computed at ``1 - (1 - confidence) / finalists``, so that all of them hold together with ``confidence``.

    Args:
        float_scores, candidate_scores, value, is_mean, higher_is_better, seed, resamples, groups, clusters:
            as for ``stats.drop_upper``.
        float_score, score: the metric of all samples.
        tolerance: of the drop, in the metric's own units.
        confidence: of all bounds together, one-sided.
        finalists: how many are judged, without float f32.
    """
    each = 1 - (1 - confidence) / max(1, finalists)
    n = len(float_scores)
    bound = stats.drop_upper(
        float_scores,
        candidate_scores,
        value,
        is_mean=is_mean,
        higher_is_better=higher_is_better,
        confidence=each,
        seed=seed,
        resamples=resamples,
        groups=groups,
        clusters=clusters,
    )
    status: Status = "proven" if bound.upper <= tolerance else "expected" if bound.drop <= tolerance else "beyond"
    needed = more = None
    if status == "expected":
        needed = stats.samples_needed(bound.drop, bound.sd, tolerance, each, bound.excess)
    if needed is not None:
        more = max(1, needed - bound.units)
    return Verdict(
        status=status,
        drop=bound.drop,
        drop_upper=bound.upper,
        tolerance=tolerance,
        confidence=confidence,
        n=n,
        method=bound.method if finalists <= 1 else f"{bound.method}, corrected for {finalists} finalists",
        score=score,
        float_score=float_score,
        more_samples=None if more is None else math.ceil(more * n / bound.units),
        groups=None if clusters is None else bound.units,
        more_groups=None if clusters is None else more,
    )
