"""Metrics of classes per pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autotune.errors import UserError
from autotune.tasks.outputs import Array, Scores, pick


@dataclass(frozen=True)
class MeanIou:
    """Mean over the classes of intersection over union, both summed over all images; classes that never occur are out.

    Scores of classes are resized bilinearly to the masks' size first, as transformers'
    ``post_process_semantic_segmentation`` does; a single map is the probability of class 1. The measure is that of
    Everingham et al. (2010).
    """

    output: str | None = None
    name = "mean-iou"
    higher_is_better = True
    needs_labels = True
    needs_reference = False
    is_mean = False

    def check(self, labels: Array) -> None:
        """Labels are masks, (n, height, width), negative where nothing is asked."""
        if labels.ndim != 3 or labels.dtype.kind not in "iu":
            raise UserError(
                f"metric: mean-iou needs a class number per pixel, (samples, height, width), as labels; these are "
                f"{labels.dtype} of shape {list(labels.shape)}."
            )

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return pixels of each class in both and in either, shape (n, classes, 2)."""
        assert labels is not None
        scores = pick(outputs, self.output, self.name)
        if scores.ndim != 4 or len(scores) != len(labels):
            raise UserError(
                f"metric: mean-iou needs scores of classes per pixel, (samples, classes, height, width); the output's "
                f"shape is {list(scores.shape)}."
            )
        if scores.shape[1] == 1:  # the probability of class 1
            scores = np.concatenate([1 - scores, scores], axis=1)
        classes = scores.shape[1]
        if int(labels.max(initial=0)) >= classes:
            raise UserError(f"metric: a label is {int(labels.max())}, but the output has {classes} classes (0 first).")
        counts = np.zeros((len(labels), classes, 2))
        for row, (one, mask) in enumerate(zip(scores, labels, strict=True)):
            found = resized(one, mask.shape[0], mask.shape[1]).argmax(axis=0)
            asked = mask >= 0
            right = np.bincount(mask[asked & (found == mask)], minlength=classes)
            either = np.bincount(mask[asked], minlength=classes) + np.bincount(found[asked], minlength=classes)
            counts[row] = np.stack([right, either - right], axis=1)
        return counts

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the mean; NaN where no pixel was asked."""
        both, either = per_sample.sum(axis=0).T
        occurs = either > 0
        return float((both[occurs] / either[occurs]).mean()) if occurs.any() else float("nan")


def resized(scores: Array, height: int, width: int) -> Array:
    """Return (classes, height, width), bilinear between the centres of pixels (PyTorch's ``align_corners=False``)."""
    if scores.shape[1:] == (height, width):
        return scores
    rows, columns = _weights(scores.shape[1], height), _weights(scores.shape[2], width)
    result: Array = rows @ scores.astype(np.float32) @ columns.T
    return result


def _weights(size: int, wanted: int) -> Array:
    """Return how much each of ``size`` pixels counts for each wanted one, (wanted, size)."""
    at = ((np.arange(wanted) + 0.5) * size / wanted - 0.5).clip(0, size - 1)
    low = np.floor(at).astype(np.intp)
    share = (at - low).astype(np.float32)
    weights = np.zeros((wanted, size), dtype=np.float32)
    weights[np.arange(wanted), low] += 1 - share
    weights[np.arange(wanted), np.minimum(low + 1, size - 1)] += share
    return weights
