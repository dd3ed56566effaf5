"""Boxes from COCO's .json and from tables, placed in the model's input with their images; no PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from autotune import recipe as recipes
from autotune.data import Splits
from autotune.errors import UserError
from autotune.recipe import Recipe
from autotune.sources.datasets import load_data
from autotune.sources.media import reading

TASK = "{name: detection, preprocess: %s, labels: [cat, dog], postprocess: {head: rows}}"
SIZE = "{input: x, size: [40, 60]}"


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """40 images of 30 x 20 pixels."""
    monkeypatch.setenv("AUTOTUNE_CACHE", str(tmp_path / "cache"))
    random = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for i in range(40):
        Image.fromarray(random.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(tmp_path / f"photos/{i}.png")
    return tmp_path / "photos"


def recipe(folder: Path, data: str, task: str = TASK % SIZE) -> Recipe:
    (folder / "r.yaml").write_text(f"version: 1\nmodel: {{path: m.onnx}}\ntask: {task}\ndata: {{{data}}}\n")
    return recipes.load(folder / "r.yaml")


def loaded(asked: Recipe) -> tuple[Splits, list[str]]:
    said: list[str] = []
    return load_data(asked, False, said.append), said


def table() -> pd.DataFrame:
    """A box of each image, two of the first, none of the last."""
    rows = [{"image": f"photos/{i}.png", "x": i % 9, "y": 2.5, "w": 10, "h": 5, "class": "dog"} for i in range(39)]
    rows.insert(1, {"image": "photos/0.png", "x": 0, "y": 0, "w": 30, "h": 20, "class": "cat"})
    return pd.DataFrame([*rows, {"image": "photos/39.png"}])


def boxes(splits: Splits) -> set[tuple[float, ...]]:
    """All boxes that there are, rounded."""
    every = np.concatenate([part.labels.reshape(-1, 6) for _, part in splits.items()])
    return {tuple(box.round(6).tolist()) for box in every if box[0] >= 0}


def test_a_table_with_a_row_per_box(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "boxes.csv", index=False)
    asked = recipe(tmp_path, "path: boxes.csv")
    splits, said = loaded(asked)
    assert said[:2] == [
        "data: 41 rows are the boxes of 40 images.",
        "data: 40 images with 40 boxes; in 1 there is none, so whatever is found there is wrong.",
    ]
    assert asked.metric.name == "map"
    # The input is twice as large as the image.
    assert boxes(splits) == {(0, 0, 0, 60, 40, 0), *((1, 2 * x, 5, 20, 10, 0) for x in range(9))}
    found = reading(asked, splits.search, False)
    assert found is not None
    assert (found.classes, found.size) == (2, (40, 60))
    # What the recipe says of the outputs makes no other samples.
    again = recipe(tmp_path, "path: boxes.csv", (TASK % SIZE).replace("rows", "yolo"))
    assert loaded(again)[1][:2] == said[:2]
    assert len(list((tmp_path / "cache/samples").iterdir())) == 1


@pytest.mark.parametrize(
    ("steps", "box"),
    [
        ("{input: x, size: [60, 60], resize: contain}", (0, 0, 10, 60, 40, 0)),  # 10 pixels above and below
        ("{input: x, size: [60, 60], resize: contain, place: corner, around: 114}", (0, 0, 0, 60, 40, 0)),
        ("{input: x, size: [60, 60]}", (0, 0, 0, 60, 60, 0)),
    ],
)
def test_boxes_go_the_way_of_their_images(tmp_path: Path, steps: str, box: tuple[float, ...]) -> None:
    table().to_json(tmp_path / "boxes.jsonl", orient="records", lines=True)
    splits, _ = loaded(recipe(tmp_path, "path: boxes.jsonl", TASK % steps))
    assert box in boxes(splits)
    inside = splits.search.inputs["x"][:, :, int(box[2]) : int(box[2] + box[4])]
    assert (inside.mean(axis=(1, 3)) > 0.2).all()
    if "around" in steps:
        np.testing.assert_allclose(splits.search.inputs["x"][:, :, 40:], 114 / 255, rtol=1e-6)


def coco() -> dict[str, list[dict[str, object]]]:
    return {
        "images": [{"id": 7 * i, "file_name": f"{i}.png"} for i in range(40)],
        "categories": [{"id": 3, "name": "dog"}, {"id": 1, "name": "cat"}],
        "annotations": [
            {"id": i, "image_id": 7 * i, "category_id": 3 if i % 2 else 1, "bbox": [1, 2, 10, 5], "iscrowd": i % 2}
            for i in range(40)
        ],
    }


def test_the_json_of_coco(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/boxes.json").write_text(json.dumps(coco()))
    asked = recipe(tmp_path, "path: notes/boxes.json, images: photos")
    splits, _ = loaded(asked)
    assert boxes(splits) == {(0, 2, 4, 20, 10, 0), (1, 2, 4, 20, 10, 1)}
    (tmp_path / "elsewhere").mkdir()
    assert asked.rebased(tmp_path / "elsewhere").data.images == "../photos"
    whole = coco()
    whole["annotations"][3]["image_id"] = 5
    (tmp_path / "notes/boxes.json").write_text(json.dumps(whole))
    with pytest.raises(UserError, match=r"annotation 3 is of image 5 and category 3, which are not both among its"):
        loaded(asked)
    for broken, said in (("{", "Expecting property"), ('{"categories": []}', "it has no 'images'")):
        (tmp_path / "notes/boxes.json").write_text(broken)
        with pytest.raises(UserError, match=rf"is no \.json of COCO \({said}.*\); it needs images, annotations with"):
            loaded(asked)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"x": 25},
            r"0\.png: the box x, y, w, h = 25, 2\.5, 10, 5 is not inside the image of 30 x 20 pixels, or has no",
        ),
        ({"w": 0}, r"the box x, y, w, h = 0, 2\.5, 0, 5 is not inside"),
        ({"class": "cow"}, r"data: the labels 'cow' are not among the model's \('cat', 'dog'\); .* or in task\.labels"),
        ({"h": None}, r"data: column 'h' is empty in 1 row, first in row 0"),
        ({"y": "top"}, r"data: column 'y' must hold a number; row 0 \(0 first\) is 'top'"),
    ],
)
def test_boxes_that_are_wrong(tmp_path: Path, change: dict[str, object], message: str) -> None:
    rows = table().astype(object)
    for column, value in change.items():
        rows.loc[0, column] = value
    rows.to_csv(tmp_path / "boxes.csv", index=False)
    with pytest.raises(UserError, match=message):
        loaded(recipe(tmp_path, "path: boxes.csv"))


def test_images_without_labels(tmp_path: Path) -> None:
    none = {**coco(), "annotations": []}
    (tmp_path / "photos/boxes.json").write_text(json.dumps(none))
    with pytest.raises(UserError, match=r"data: no image has a box; detection is judged by boxes that are known"):
        loaded(recipe(tmp_path, "path: photos/boxes.json"))
    table().drop(columns=["h"]).to_csv(tmp_path / "boxes.csv", index=False)
    with pytest.raises(UserError, match=r"data: no column is the 'h' that the task needs"):
        loaded(recipe(tmp_path, "path: boxes.csv"))
    rows = pd.DataFrame({"file": ["photos/1.png"], "label": [["dog", 1, 2]]})
    rows.to_json(tmp_path / "boxes.jsonl", orient="records", lines=True)
    with pytest.raises(UserError, match=r"'label' must hold boxes \[class, x, y, w, h\]; row 0"):
        loaded(recipe(tmp_path, "path: boxes.jsonl"))


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("detection", r"task\.preprocess: is missing"),
        ("{name: detection, preprocess: {input: x, size: 8}}", r"task\.labels: is missing; name the classes of boxes"),
        ("{name: detection, preprocess: {input: x, size: 8}, labels: [a]}", r"postprocess: is missing; say how boxes"),
        ("{name: detection, preprocess: {size: 8, resize: cover}}", r"resize: would cut boxes off"),
        ("{name: detection, preprocess: {size: 8, crop: 0.9}}", r"crop: would cut boxes off"),
        ("{name: detection, preprocess: {size: 8, around: 9}}", r"around: is for 'resize: contain'"),
        ("{name: image-classification, postprocess: {head: rows}}", r"postprocess: is for detection; image-class"),
        ("{name: detection, postprocess: {head: distances, boxes: a, scores: b}}", r"strides: is missing"),
        ("{name: detection, postprocess: {head: scores, boxes: a}}", r"scores: names 0 outputs; scores needs 1"),
        ("{name: detection, postprocess: {head: lists, boxes: a, scores: b}}", r"classes: is missing"),
        ("{name: detection, postprocess: {head: rows, strides: 8}}", r"strides: is for distances and yolo"),
    ],
)
def test_mistakes_in_a_recipe(tmp_path: Path, task: str, message: str) -> None:
    table().to_csv(tmp_path / "boxes.csv", index=False)
    with pytest.raises(UserError, match=message):
        loaded(recipe(tmp_path, "path: boxes.csv", task))
