"""What follows for images and recordings from a model's inputs and from the files, and what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autotune.drafting.guess import guess
from autotune.drafting.media import image_layout, wave_shape
from autotune.sources.looking import Column, DataFacts, ModelFacts, Port
from autotune.sources.looking_files import Files, files_in

NAMED = Files("image", label="label", classes=("cat", "dog"))
SCORES = (Port("y", (None, 2), "f32"),)


def photos(files: Files = NAMED) -> DataFacts:
    return DataFacts(50, columns=(Column("file", False, 50, 9.0), Column("label", False, 2, 3.0)), files=files)


@pytest.mark.parametrize(
    ("shape", "image", "wave"),
    [
        ((None, 3, 32, 48), "NCHW", None),
        ((1, 28, 28, 1), "NHWC", None),
        ((None, 16000), None, "NT"),
        ((1, 1, None), None, "NCT"),
        ((1, 16000, 1), None, "NTC"),
        ((1, 80, 300), None, None),
        ((1, 64, 32, 32), None, None),
        ((None, 8), None, None),
        (None, None, None),
    ],
)
def test_what_an_input_takes(shape: tuple[int | None, ...] | None, image: str | None, wave: str | None) -> None:
    port = Port("x", shape, "f32")
    assert (image_layout(port), wave_shape(port)) == (image, wave)


@pytest.mark.parametrize(
    ("port", "steps"),
    [
        (Port("x", (None, 3, 32, 48), "f32"), {"input": "x", "size": [32, 48]}),
        (Port("x", (1, 28, 28, 1), "f32"), {"input": "x", "size": [28, 28], "layout": "NHWC", "colour": "grey"}),
        (Port("x", (1, None, None, 3), "u8"), {"input": "x", "size": [224, 224], "layout": "NHWC", "scale": 1.0}),
    ],
)
def test_images_in_folders(port: Port, steps: dict[str, Any]) -> None:
    made = guess(ModelFacts((port,), SCORES), photos(), None)
    assert made.task == {"name": "image-classification", "preprocess": steps, "labels": ["cat", "dog"]}
    assert made.open[-1].startswith("task.labels: their order is not in the model's file")
    assert any("mean and std" in sentence for sentence in made.open) == (port.element == "f32")
    assert any("the model takes any" in sentence for sentence in made.open) == (port.element == "u8")


def test_recordings() -> None:
    said = Files("audio", label="label", classes=("no", "yes"), rate=8000)
    made = guess(ModelFacts((Port("wave", (1, 1, 4000), "f32"),), SCORES), photos(said), None)
    steps = {"input": "wave", "rate": 8000, "seconds": 0.5, "shape": "NCT"}
    assert made.task == {"name": "audio-classification", "preprocess": steps, "labels": ["no", "yes"]}
    spectra = guess(ModelFacts((Port("bands", (1, 80, 300), "f32"),), SCORES), photos(said), None)
    assert "spectrograms are not made here" in spectra.open[0]


@pytest.mark.parametrize(
    ("head", "files", "task"),
    [
        ("ViTForImageClassification", NAMED, "image-classification"),
        ("ASTForAudioClassification", Files("audio", label="label", classes=("cat", "dog")), "audio-classification"),
        ("Wav2Vec2ForSequenceClassification", Files("audio", label="label", classes=("cat",)), "audio-classification"),
        ("SegformerForSemanticSegmentation", Files("image", masks="label", label=""), "semantic-segmentation"),
    ],
)
def test_folders_with_a_processor(head: str, files: Files, task: str) -> None:
    model = ModelFacts(architecture=head, is_folder=True, has_processor=True, labels=("cat", "dog"))
    made = guess(model, photos(files), None)
    assert (made.task, made.columns, made.open) == (task, {}, ())


def test_what_does_not_fit_is_said() -> None:
    vit = ModelFacts(architecture="ViTForImageClassification", is_folder=True, image_size=64, labels=("a", "b"))
    made = guess(vit, photos(), None)
    assert made.task == {"name": "image-classification", "preprocess": {"size": 64}}
    assert [sentence.split(":")[0] for sentence in made.open] == ["task.preprocess", "task.labels"]
    wide = guess(ModelFacts((Port("x", (1, 3, 8, 8), "u8"),), (Port("y", (1, 1000), "f32"),)), photos(), None)
    assert wide.open == ("task.labels: the data have 2 classes and the model scores 1000; name all of the model's.",)


def test_columns_of_files(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": [1, 2], "photo": ["a.JPG", "b.png"], "mask": ["a.png", "b.png"], "class": [3, 0]})
    assert files_in(table, tmp_path) == Files("image", "photo", "mask", "class", (), 4)
    assert files_in(pd.DataFrame({"text": ["see a.png", "b"], "label": [0, 1]}), tmp_path) is None
