"""What follows for detection from the shapes of outputs and from boxes that are known, and what does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autotune.drafting.guess import guess
from autotune.drafting.heads import head_of
from autotune.errors import UserError
from autotune.recipe.postprocess import Postprocess
from autotune.sources.looking import DataFacts, ModelFacts, Port
from autotune.sources.looking_boxes import Boxes, boxes_in_annotations, boxes_in_table
from autotune.sources.looking_files import Files, files_in

IMAGE = Port("images", (1, 3, 640, 640), "f32")
BOXES = DataFacts(50, boxes=Boxes(50, 120, ("cat", "dog", "cow")))


def ports(**shapes: tuple[int | None, ...]) -> tuple[Port, ...]:
    return tuple(Port(name, shape, "i64" if name == "ids" else "f32") for name, shape in shapes.items())


DISTANCES = {f"{kind}{s}": (1, (640 // s) ** 2, n) for s in (8, 16, 32) for kind, n in (("cls", 3), ("reg", 32))}


@pytest.mark.parametrize(
    ("outputs", "head", "classes"),
    [
        (ports(y=(1, 300, 6)), {"head": "rows"}, None),
        (ports(y=(1, None, 6)), {"head": "rows"}, None),
        (ports(y=(1, 7, 8400)), {"head": "yolo"}, 3),
        (ports(y=(1, 25200, 8)), {"head": "yolo"}, 3),
        (ports(y=(None, 84, 8400)), {"head": "yolo"}, 80),
        (ports(y=(1, 25200, 85)), {"head": "yolo"}, 80),
        (
            ports(boxes=(1, 100, 4), scores=(1, 100), ids=(1, 100)),
            {"head": "lists", "boxes": "boxes", "scores": "scores", "classes": "ids"},
            None,
        ),
        (
            ports(
                detection_boxes=(1, 100, 4), detection_scores=(1, 100), detection_classes=(1, 100), num_detections=(1,)
            ),
            {
                "head": "lists", "boxes": "detection_boxes", "scores": "detection_scores",
                "classes": "detection_classes", "format": "yxyx", "units": "share", "background": "first",
            },
            None,
        ),
        (ports(s=(1, 8732, 4), b=(1, 8732, 4)), None, None),
        (ports(s=(1, 8732, 4), boxes=(1, 8732, 4)), {"head": "scores", "boxes": "boxes", "scores": "s"}, 3),
        (
            ports(logits=(1, 100, 92), pred_boxes=(1, 100, 4)),
            {
                "head": "scores", "boxes": "pred_boxes", "scores": "logits", "format": "cxcywh", "units": "share",
                "logits": True, "nms": 1.0,
            },
            92,
        ),
        (
            ports(**DISTANCES),
            {
                "head": "distances", "strides": [8, 16, 32],
                "scores": ["cls8", "cls16", "cls32"], "boxes": ["reg8", "reg16", "reg32"],
            },
            3,
        ),
        (ports(y=(1, 3)), None, None),
        (ports(y=(1, 4, 10, 10), z=(1, 4, 5, 5)), None, None),
    ],
)  # fmt: skip
def test_heads(outputs: tuple[Port, ...], head: dict[str, Any] | None, classes: int | None) -> None:
    found = head_of(outputs, (640, 640), 3)
    assert (found.postprocess, found.classes) == (head, classes)
    assert len(found.open) == (head is not None)
    if head is not None:
        Postprocess(**head)


def test_a_model_file_and_boxes() -> None:
    made = guess(ModelFacts((IMAGE,), ports(y=(1, 8, 8400))), BOXES, None)
    assert made.task == {
        "name": "detection",
        "preprocess": {"input": "images", "size": [640, 640], "resize": "contain", "around": 114},
        "labels": ["cat", "dog", "cow"],
        "postprocess": {"head": "yolo"},
    }
    assert made.metric is None and made.why["task"] == "the data are boxes in images"
    assert any("as YOLOX exports them, add 'strides: [8, 16, 32]'" in sentence for sentence in made.open)
    of_coco = guess(ModelFacts((IMAGE,), ports(y=(1, 84, 8400))), BOXES, None)
    assert any("the data have 3 classes and the model scores 80; name all" in sentence for sentence in of_coco.open)
    unknown = guess(ModelFacts((IMAGE,), ports(y=(1, 3))), BOXES, None)
    assert "postprocess" not in unknown.task and any("is missing; say what" in said for said in unknown.open)


def test_a_folder_and_boxes() -> None:
    yolos = ModelFacts(
        architecture="YolosForObjectDetection", is_folder=True, has_processor=True, labels=("cat", "dog")
    )
    assert guess(yolos, None, None).task == "detection"
    made = guess(yolos, BOXES, None)
    assert made.task == "detection" and [said[:40] for said in made.open] == [
        "task.labels: the model has no class 'cow'"[:40]
    ]
    other = guess(ModelFacts(architecture="BertModel", is_folder=True), BOXES, None)
    assert other.open[0].startswith("model: boxes are found by a folder of a model ...ForObjectDetection; this is Bert")


def test_no_boxes() -> None:
    made = guess(ModelFacts((IMAGE,), ports(y=(1, 300, 6))), DataFacts(50), "detection")
    assert any(said.startswith("data: detection needs boxes: a .json of COCO, or a table") for said in made.open)


def test_annotations_and_their_images(tmp_path: Path) -> None:
    held = {
        "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}],
        "categories": [{"id": 5, "name": "dog"}, {"id": 2, "name": "cat"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 5, "bbox": [0, 0, 1, 1]}],
    }
    (tmp_path / "notes").mkdir()
    file = tmp_path / "notes/boxes.json"
    file.write_text(json.dumps(held))
    assert boxes_in_annotations(file) == Boxes(2, 1, ("cat", "dog"), None, "a.png")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.png").touch()
    assert boxes_in_annotations(file) == Boxes(2, 1, ("cat", "dog"), tmp_path / "photos", "")
    (tmp_path / "notes/a.png").touch()
    assert boxes_in_annotations(file) == Boxes(2, 1, ("cat", "dog"), None, "")
    file.write_text(json.dumps({**held, "categories": []}))
    with pytest.raises(UserError, match="which are not both among its images and categories"):
        boxes_in_annotations(file)
    file.write_text("[]")
    assert boxes_in_annotations(file) is None


def test_a_table_with_a_row_per_box(tmp_path: Path) -> None:
    rows = {"img": ["a.png", "a.png", "b.png"], "x": [1, 2, None], "y": [1, 2, None], "w": [1, 2, None]}
    table = pd.DataFrame({**rows, "h": [3, 4, None], "class": ["dog", "cat", None]})
    assert boxes_in_table(table, files_in(table, tmp_path)) == Boxes(2, 2, ("cat", "dog"), label="class")
    other = table.rename(columns={"class": "kind"})
    assert boxes_in_table(other, files_in(other, tmp_path)) == Boxes(2, 2, ())  # each occurs once: perhaps remarks
    twice = pd.concat([other, other])
    found = boxes_in_table(twice, files_in(twice, tmp_path))
    assert found == Boxes(2, 4, ("cat", "dog"), label="kind")
    made = guess(
        ModelFacts((IMAGE,), ports(y=(1, 300, 6))), DataFacts(4, files=Files("image", "img"), boxes=found), None
    )
    assert made.columns == {"label": "kind"}
    without = table.drop(columns="h")
    assert boxes_in_table(without, files_in(without, tmp_path)) is None
