"""Whether float's score is one of a model that was trained: else the data are hardly prepared as it expects."""

from __future__ import annotations

import math

import numpy as np

from autotune.data import Array


def doubt(metric: str, score: float, labels: Array | None) -> str:
    """Return a sentence where float f32 scores no better than an answer that ignores the samples; else ``""``.

    Args:
        metric: its name; nothing is known of others than ``accuracy`` and ``auc``.
        score: of float f32 on the samples of ``labels``, within two standard errors of which luck is.
        labels: shape (n,) or (n, ...).
    """
    if labels is None or not labels.size:
        return ""
    if metric == "accuracy":
        share = float(np.unique(labels, return_counts=True)[1].max() / labels.size)
        spread, ignorant = math.sqrt(share * (1 - share) / labels.size), "always answering the commonest label"
    elif metric == "auc":
        positive = int(np.count_nonzero(labels))
        rest = labels.size - positive
        if not positive or not rest:
            return ""
        share, ignorant = 0.5, "guessing"
        spread = math.sqrt((positive + rest + 1) / (12 * positive * rest))  # of Mann and Whitney's U, over its range
    else:
        return ""
    if score > share + 2 * spread:
        return ""
    return (
        f"Float f32 is hardly better than {ignorant} ({metric} {score:.3g} against {share:.3g}): see that samples are "
        "prepared as in training (scale, order of axes) and labels are in the order of the model's outputs."
    )
