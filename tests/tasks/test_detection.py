"""Boxes read from a detector's outputs, thinned out, and scored as COCO scores them."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from autotune.errors import UserError
from autotune.recipe import Postprocess, Reading
from autotune.tasks.detection import MeanAveragePrecision
from autotune.tasks.heads import read_boxes
from autotune.tasks.metrics import METRICS, of_boxes
from autotune.tasks.thinning import kept


def reading(number: int = 2, size: tuple[int, int] = (32, 64), **how: object) -> Reading:
    return Reading(Postprocess.model_validate(how), number, size)


def left(outputs: dict[str, np.ndarray], asked: Reading) -> list[list[float]]:
    """The boxes that are left of the only sample: left, top, right, bottom, score, class."""
    (one,) = kept(*read_boxes(outputs, asked), asked)
    return one.round(6).tolist()


BOX = [8.0, 4.0, 24.0, 12.0]


@pytest.mark.parametrize(
    ("given", "how"),
    [
        (BOX, {}),
        ([4.0, 8.0, 12.0, 24.0], {"format": "yxyx"}),
        ([8.0, 4.0, 16.0, 8.0], {"format": "xywh"}),
        ([0.25, 0.25, 0.25, 0.25], {"format": "cxcywh", "units": "share"}),
    ],
)
def test_formats_of_boxes(given: list[float], how: dict[str, object]) -> None:
    rows = np.array([[[*given, 0.9, 1.0], [*given, 0.001, 7.0]]])  # the second is below every score that counts
    assert left({"y": rows}, reading(head="rows", **how)) == [[*BOX, 0.9, 1.0]]
    lists = {"b": rows[:, :, :4], "s": rows[:, :, 4], "c": rows[:, :, 5] + 1}
    named = {"boxes": "b", "scores": "s", "classes": "c"}
    assert left(lists, reading(head="lists", background="first", **named, **how)) == [[*BOX, 0.9, 1.0]]


def test_scores_of_classes_and_of_the_background() -> None:
    boxes = np.array([[BOX, BOX, [40.0, 0, 50, 10]]])
    plain = np.array([[[0.1, 0.8], [0.0, 0.7], [0.6, 0.0]]])
    names = {"head": "scores", "boxes": "b", "scores": "s"}
    wanted = [[*BOX, 0.8, 1], [40, 0, 50, 10, 0.6, 0], [*BOX, 0.1, 0]]
    assert left({"b": boxes, "s": plain}, reading(**names)) == wanted  # of two equal boxes one stays
    assert len(left({"b": boxes, "s": plain}, reading(**names, nms=1))) == 4
    last = np.concatenate([plain, 1 - plain.sum(axis=2, keepdims=True)], axis=2)
    assert left({"b": boxes, "s": last}, reading(**names)) == wanted
    first = np.roll(last, 1, axis=2)
    assert left({"b": boxes, "s": first}, reading(**names, background="first")) == wanted
    logits = np.log(last.clip(1e-9))
    assert np.allclose(left({"b": boxes, "s": logits}, reading(**names, logits=True)), wanted, atol=1e-5)
    with pytest.raises(
        UserError, match=r"output 's' is \[1, 3, 4\]; it must be \[1, boxes, 2\], a score per class, per"
    ):
        left({"b": boxes, "s": np.zeros((1, 3, 4))}, reading(**names))
    with pytest.raises(UserError, match=r"the model has no output 'b'\. Known: x"):
        left({"x": boxes}, reading(**names))


def test_yolo_with_and_without_objectness_and_cells() -> None:
    found = [16.0, 8.0, 16.0, 8.0]
    rows = np.zeros((1, 40, 7))
    rows[0, 3] = [*found, 0.5, 0.2, 0.8]
    assert left({"y": rows}, reading(head="yolo")) == [[*BOX, 0.4, 1], [*BOX, 0.1, 0]]
    assert left({"y": np.delete(rows, 4, 2).transpose(0, 2, 1)}, reading(head="yolo"))[0] == [*BOX, 0.8, 1]
    raw = np.zeros((1, 4 * 8 + 2 * 4, 7))  # strides 8 and 16 of 32 x 64
    raw[0, 32 + 1] = [0, 0.5, 0.0, np.log(0.5), 1.0, 0.0, 1.0]  # second cell of stride 16, whose corner is (16, 0)
    assert left({"y": raw}, reading(head="yolo", strides=[8, 16])) == [[*BOX, 1, 1]]
    with pytest.raises(UserError, match=r"'y' is \[1, 40, 7\]; it must be \[1, cells, 9\] or .* with 5 classes"):
        left({"y": rows}, reading(head="yolo", number=5))
    with pytest.raises(UserError, match=r"it must be 32 cells for strides \[8\]"):
        left({"y": raw}, reading(head="yolo", strides=8))


def test_distances_as_numbers_and_as_distributions() -> None:
    scores = np.zeros((1, 8, 2))  # stride 16 of 32 x 64
    scores[0, 1, 1] = 0.9  # the cell whose middle is (24, 8)
    sides = np.zeros((1, 8, 4))
    sides[0, 1] = [1.0, 0.25, 0.0, 0.25]
    how = {"head": "distances", "strides": 16, "boxes": "b", "scores": "s"}
    assert left({"b": sides, "s": scores}, reading(**how)) == [[*BOX, 0.9, 1]]
    bins = np.full((1, 8, 4, 2), -50.0)  # of 0 and 1
    bins[..., 0] = np.log(np.maximum(1 - sides, 1e-20))
    bins[..., 1] = np.log(np.maximum(sides, 1e-20))
    assert np.allclose(left({"b": bins.reshape(1, 8, 8), "s": scores}, reading(**how)), [[*BOX, 0.9, 1]])
    with pytest.raises(
        UserError, match=r"output 'b' is \[1, 7, 4\]; it must be \[1, 8, 4 times a number\] at stride 16"
    ):
        left({"b": sides[:, :7], "s": scores}, reading(**how))


def test_outputs_of_another_form() -> None:
    with pytest.raises(UserError, match=r"'y' is \[1, 9\]; it must be \[1, boxes, 6\].* Is it another 'head'\?"):
        left({"y": np.zeros((1, 9))}, reading(head="rows"))
    with pytest.raises(
        UserError, match=r"postprocess\.boxes: is missing; the model has 2 outputs \(y \[1, 9\], z \[1\]\)"
    ):
        left({"y": np.zeros((1, 9)), "z": np.zeros(1)}, reading(head="rows"))
    with pytest.raises(UserError, match=r"'y' gives a box the class 2; there are 2 classes, from 0 on\."):
        left({"y": np.array([[[0, 0, 1, 1, 0.5, 2]]])}, reading(head="rows"))


def test_the_mean_average_precision_is_that_of_coco() -> None:
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    random = np.random.default_rng(0)
    labels = np.zeros((12, 9, 6))
    labels[:, :, 0] = -1
    rows = np.zeros((12, 20, 6))
    for image in range(12):
        for box in range(int(random.integers(1 if image else 0, 9))):
            x, y, w, h = random.uniform(0, 40), random.uniform(0, 20), *random.uniform(4, 20, 2)
            labels[image, box] = [random.integers(3), x, y, w, h, random.random() < 0.1]
            moved = np.array([x, y, x + w, y + h]) + random.normal(0, 1, 4)
            rows[image, box] = [*moved, random.random(), labels[image, box, 0]]
        for box in range(9, 9 + int(random.integers(0, 6))):
            x, y = random.uniform(0, 40, 2)
            rows[image, box] = [x, y, x + 9, y + 9, random.random(), random.integers(3)]
    asked = reading(number=4, head="rows")
    metrics = {name: of_boxes(METRICS[name](None), asked) for name in ("map", "map-50")}
    metrics["map"].check(labels)
    with contextlib.redirect_stdout(io.StringIO()):
        truth, found = COCO(), COCO()
        boxes = [(i, *box) for i, image in enumerate(labels) for box in image if box[0] >= 0]
        truth.dataset = {
            "images": [{"id": i} for i in range(12)],
            "categories": [{"id": c} for c in range(4)],
            "annotations": [
                {"id": n, "image_id": i, "category_id": c, "bbox": [x, y, w, h], "area": w * h, "iscrowd": int(crowd)}
                for n, (i, c, x, y, w, h, crowd) in enumerate(boxes, 1)
            ],
        }
        truth.createIndex()
        found = truth.loadRes(
            [
                {"image_id": i, "category_id": c, "bbox": [x, y, r - x, b - y], "score": s}
                for i, image in enumerate(rows)
                for x, y, r, b, s, c in image
                if s > 0.01
            ]
        )
        coco = COCOeval(truth, found, "bbox")
        coco.evaluate()
        coco.accumulate()
        coco.summarize()
    parts = [metrics["map"].per_sample({"y": rows[i : i + 5]}, labels[i : i + 5], None) for i in (0, 5, 10)]
    whole = np.concatenate(parts)
    assert whole.shape == (12, 100, 4)
    assert metrics["map"].value(whole, labels) == pytest.approx(coco.stats[0], abs=1e-12)
    assert metrics["map-50"].value(whole, labels) == pytest.approx(coco.stats[1], abs=1e-12)
    assert 0.1 < coco.stats[0] < coco.stats[1] < 1
    some = [3, 3, 7, 9]  # of resamples
    assert metrics["map"].value(whole[some], labels[some]) == pytest.approx(
        metrics["map"].value(metrics["map"].per_sample({"y": rows[some]}, labels[some], None), labels[some])
    )
    assert np.isnan(metrics["map"].value(whole[:1], labels[:1] * 0 - 1))


def test_what_the_metric_needs() -> None:
    metric = MeanAveragePrecision("map", 10)
    with pytest.raises(UserError, match=r"map needs 'task: detection', which says how boxes are read"):
        of_boxes(metric, None)
    with pytest.raises(UserError, match=r"map needs boxes as labels; these are of shape \[4\]"):
        metric.check(np.zeros(4))
    with pytest.raises(UserError, match=r"none of these 2 images has one"):
        metric.check(np.full((2, 3, 6), -1.0))


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(
        UserError, match=r"map needs pycocotools, which is not installed; pip install 'autotune\[detect"
    ):
        METRICS["map"](None)
