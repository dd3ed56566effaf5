"""Mean average precision of boxes, as COCO defines it."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autotune.errors import UserError
from autotune.tasks.heads import read_boxes
from autotune.tasks.outputs import Array, Scores
from autotune.tasks.thinning import kept

if TYPE_CHECKING:
    from autotune.recipe import Reading

# Intersection over union from which a box is found, and the recalls at which precision is read.
OVERLAPS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
# Of a label (see media.boxes): class number, x, y, w, h, crowd. Of a found box: class, score, overlaps at which it is
# right, and at which it does not count; both as bits.
_LABEL, _FOUND = 6, 4
NO_CLASS = -1


@dataclass(frozen=True)
class MeanAveragePrecision:
    """Mean over the classes that occur, and over overlaps, of the area under the curve of precision over recall.

    Which boxes are right is said by pycocotools, image by image; the curves are of all images, so that any subset of
    them can be scored again. The measure is that of Lin et al., Microsoft COCO (2014): at most 100 boxes per image,
    objects of any size; crowds do not count.

    Attributes:
        overlaps: how many of ``OVERLAPS`` count: all for ``map``, the first (0.5) for ``map-50``.
        reading: how boxes are read from the outputs.
    """

    name: str
    overlaps: int
    reading: Reading | None = None
    higher_is_better = True
    needs_labels = True
    needs_reference = False
    is_mean = False

    @classmethod
    def of(cls, name: str, output: str | None) -> MeanAveragePrecision:
        """Return ``map`` or ``map-50``.

        Raises:
            UserError: pycocotools is not installed, or an output is named.
        """
        if output is not None:
            raise UserError(f"metric.output: is not for {name}; name the outputs under task.postprocess.")
        if importlib.util.find_spec("pycocotools") is None:
            raise UserError(
                f"metric: {name} needs pycocotools, which is not installed; pip install 'autotune[detection]'."
            )
        return cls(name, len(OVERLAPS) if name == "map" else 1)

    def with_reading(self, reading: Reading | None) -> MeanAveragePrecision:
        """Return the metric with what it needs to read boxes.

        Raises:
            UserError: there is none.
        """
        if reading is None:
            raise UserError(f"metric: {self.name} needs 'task: detection', which says how boxes are read and labelled.")
        return replace(self, reading=reading)

    def check(self, labels: Array) -> None:
        """Labels are boxes, (n, most boxes, 6), see ``media.boxes``."""
        if labels.ndim != 3 or labels.shape[2] != _LABEL:
            raise UserError(f"metric: {self.name} needs boxes as labels; these are of shape {list(labels.shape)}.")
        if not bool((labels[:, :, 0] >= 0).any()):
            raise UserError(f"metric: {self.name} needs boxes as labels; none of these {len(labels)} images has one.")

    def per_sample(
        self, outputs: Mapping[str, Array], labels: Array | None, reference: Mapping[str, Array] | None
    ) -> Scores:
        """Return the found boxes of each image, best first, shape (n, most boxes, 4): class -1 where there is none."""
        assert labels is not None
        assert self.reading is not None
        found = kept(*read_boxes(outputs, self.reading), self.reading)
        result = np.zeros((len(labels), self.reading.how.most, _FOUND))
        result[:, :, 0] = NO_CLASS
        for row, boxes in enumerate(_matched(found, labels)):
            result[row, : len(boxes)] = boxes
        return result

    def value(self, per_sample: Scores, labels: Array | None) -> float:
        """Return the mean; NaN where there is no box to be found."""
        assert labels is not None
        asked = labels[(labels[:, :, 0] >= 0) & (labels[:, :, 5] == 0)][:, 0].astype(np.intp)
        found = per_sample.reshape(-1, _FOUND)
        found = found[found[:, 0] >= 0]
        found = found[np.argsort(-found[:, 1], kind="stable")]
        bits = 1 << np.arange(self.overlaps)
        right, aside = ((found[:, column, np.newaxis].astype(np.int64) & bits) > 0 for column in (2, 3))
        areas = [
            _area(right[own], aside[own], int(count))
            for number, count in enumerate(np.bincount(asked))
            if count
            for own in [found[:, 0] == number]
        ]
        return float(np.mean(areas)) if areas else float("nan")


def _area(right: NDArray[np.bool_], aside: NDArray[np.bool_], objects: int) -> float:
    """Return the mean over overlaps of the precision at 101 recalls: at each, the best at this recall or a higher one.

    Args:
        right, aside: of each box, best first: whether it found an object, or does not count; shape (boxes, overlaps).
        objects: to be found.
    """
    if not len(right):
        return 0.0
    hits, misses = np.cumsum(right & ~aside, axis=0), np.cumsum(~right & ~aside, axis=0)
    precision = hits / np.maximum(hits + misses, np.spacing(1))
    best = np.concatenate([np.maximum.accumulate(precision[::-1], axis=0)[::-1], np.zeros((1, right.shape[1]))])
    recall = hits / objects
    return float(np.mean([best[np.searchsorted(recall[:, t], RECALLS), t] for t in range(right.shape[1])]))


def _matched(found: Sequence[NDArray[np.float64]], labels: Array) -> list[NDArray[np.float64]]:
    """Return class, score and bits of each image's boxes, as COCO's own code matches them."""
    from pycocotools.cocoeval import COCOeval

    objects = [
        {"image_id": row, "category_id": int(c), "bbox": [x, y, w, h], "area": w * h, "iscrowd": int(crowd)}
        for row, boxes in enumerate(labels)
        for c, x, y, w, h, crowd in boxes
        if c >= 0
    ]
    boxes = [
        {"image_id": row, "category_id": int(c), "bbox": [x, y, r - x, b - y], "area": (r - x) * (b - y), "score": s}
        for row, one in enumerate(found)
        for x, y, r, b, s, c in one
    ]
    classes = sorted({int(box["category_id"]) for box in [*objects, *boxes]})
    matched: list[list[NDArray[np.float64]]] = [[np.zeros((0, _FOUND))] for _ in labels]
    if not boxes:
        return [image[0] for image in matched]
    with contextlib.redirect_stdout(io.StringIO()):  # it prints how far it is
        evaluation = COCOeval(*(_coco(given, len(labels), classes) for given in (objects, boxes)), "bbox")
        parameters = evaluation.params
        parameters.iouThrs, parameters.maxDets = OVERLAPS, [len(boxes)]
        # In pixels of the input, which are any; COCO's own limits are of photographs' pixels.
        parameters.areaRng, parameters.areaRngLbl = [[0, float("inf")]], ["all"]
        evaluation.evaluate()
    bits = 1 << np.arange(len(OVERLAPS))
    for one in evaluation.evalImgs:
        if one is None:
            continue
        right, aside = (bits @ (np.asarray(one[key]) != 0) for key in ("dtMatches", "dtIgnore"))
        scores = np.asarray(one["dtScores"], dtype=np.float64)
        matched[one["image_id"]].append(
            np.column_stack([np.full(len(scores), one["category_id"]), scores, right, aside])
        )
    return [np.concatenate(image) for image in matched]


def _coco(boxes: list[dict[str, Any]], images: int, classes: Sequence[int]) -> Any:
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = {
        "images": [{"id": row} for row in range(images)],
        "categories": [{"id": number} for number in classes],
        "annotations": [{**box, "id": number} for number, box in enumerate(boxes, 1)],
    }
    coco.createIndex()
    return coco
