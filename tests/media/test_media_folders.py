"""Transformers folders of image and audio models: prepared by their own processors, converted, scored."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from media_files import RATE, save_ast, save_images, save_segformer, save_tones, save_vit, save_wav2vec2, save_yolos
from PIL import Image
from scipy.io import wavfile

from autotune import recipe as recipes
from autotune.data import Splits
from autotune.measure.compiled import compile_model
from autotune.measure.score import outputs
from autotune.recipe import Recipe
from autotune.sources.datasets import load_data
from autotune.sources.folders import companions
from autotune.sources.media import reading
from autotune.sources.model import conform_splits, obtain, read
from autotune.tasks import metrics
from autotune.tasks.heads import read_boxes
from autotune.tasks.thinning import kept

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed (autotune[torch])"
)
pytestmark = [needs_torch, pytest.mark.slow]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOTUNE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def recipe(folder: Path, task: str, data: str) -> Recipe:
    text = f"version: 1\nmodel: {{path: {folder.name}}}\ntask: {task}\ndata: {{path: {data}}}\n"
    (folder.parent / "r.yaml").write_text(text)
    return recipes.load(folder.parent / "r.yaml")


def converted(asked: Recipe) -> tuple[Splits, dict[str, np.ndarray], list[str]]:
    """The splits, the converted model's outputs on the search split, and what was said."""
    said: list[str] = []
    splits = load_data(asked, False, said.append)
    model, notes = read(obtain(asked, splits.search, False, said.append), {}, splits.search.runs())
    assert notes == []
    splits = conform_splits(splits, model)
    return splits, outputs(compile_model(model, "f32", 1), splits.search, 0, len(splits.search)), said


def library(folder: Path, auto: str, splits: Splits) -> np.ndarray:
    import torch
    import transformers

    model = getattr(transformers, auto).from_pretrained(folder).eval()
    with torch.no_grad():
        inputs = {name: torch.from_numpy(values) for name, values in splits.search.inputs.items()}
        return model(**inputs).logits.numpy()


def test_image_classification(tmp_path: Path) -> None:
    from transformers import AutoImageProcessor

    folder = save_vit(tmp_path / "vit")
    images = save_images(tmp_path / "images")
    asked = recipe(folder, "image-classification", "images")
    splits, got, said = converted(asked)
    assert asked.metric.name == "accuracy"
    assert said[0] == "images: 120 images in 2 classes."
    assert said[1] == "Samples are prepared by the model's own ViTImageProcessorPil."
    assert {label: int((splits.search.labels == label).sum()) for label in (0, 1)} == {0: 15, 1: 15}
    np.testing.assert_allclose(got["logits"], library(folder, "AutoModelForImageClassification", splits), atol=1e-4)
    processor = AutoImageProcessor.from_pretrained(folder)
    whole = np.concatenate([part.inputs["pixel_values"] for _, part in splits.items()])
    for name in ("blue/000.png", "red/059.png"):
        alone = processor(images=[Image.open(images / name).convert("RGB")], return_tensors="np")["pixel_values"][0]
        assert (whole == alone).all(axis=(1, 2, 3)).sum() == 1
    metric = metrics.get(asked.metric, asked.base, False)
    score = metric.value(metric.per_sample(got, splits.search.labels, None), splits.search.labels)
    assert score == (got["logits"].argmax(axis=1) == splits.search.labels).mean()
    found = companions(asked, False)
    assert found is not None
    assert found.auto == "AutoModelForImageClassification"
    again = load_data(asked, False, said.append)  # out of the cache, with what was said
    np.testing.assert_array_equal(again.search.labels, splits.search.labels)
    assert said.count("Samples are prepared by the model's own ViTImageProcessorPil.") == 2


@pytest.mark.parametrize(
    ("save", "name", "shape"), [(save_wav2vec2, "input_values", (1600,)), (save_ast, "input_values", (32, 32))]
)
def test_audio_classification(tmp_path: Path, save, name: str, shape: tuple[int, ...]) -> None:
    folder = save(tmp_path / "model")
    save_tones(tmp_path / "tones", each=40)
    splits, got, said = converted(recipe(folder, "audio-classification", "tones"))
    assert splits.search.inputs[name].shape[1:] == shape
    assert "Recordings have 0.2 s (the longest of 80 has 0.2 s); none is cut." in said
    wanted = library(folder, "AutoModelForAudioClassification", splits)
    np.testing.assert_allclose(got["logits"], wanted, atol=2e-4)
    assert set(splits.search.labels.tolist()) == {0, 1}


def test_recordings_are_padded_as_the_extractor_does(tmp_path: Path) -> None:
    from transformers import AutoFeatureExtractor

    folder = save_wav2vec2(tmp_path / "model")
    tones = save_tones(tmp_path / "tones", each=40)
    rate, raw = wavfile.read(tones / "low/000.wav")
    wavfile.write(tones / "low/000.wav", rate, raw[:1000])
    splits = load_data(recipe(folder, "audio-classification", "tones"), False, lambda _: None)
    extractor = AutoFeatureExtractor.from_pretrained(folder)
    alone = extractor(raw[:1000] / np.float32(32768), sampling_rate=RATE, padding="max_length", max_length=1600)
    whole = np.concatenate([part.inputs["input_values"] for _, part in splits.items()])
    assert np.isclose(whole, alone["input_values"][0], atol=1e-6).all(axis=1).sum() == 1


def test_semantic_segmentation(tmp_path: Path) -> None:
    import pandas as pd
    import torch
    from transformers import AutoImageProcessor

    folder = save_segformer(tmp_path / "segformer")
    random = np.random.default_rng(0)
    for i in range(60):
        Image.fromarray(random.integers(0, 255, (40, 48, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
        mask = random.integers(0, 2, (40, 48), dtype=np.uint8)
        mask[:4] = 255
        Image.fromarray(mask).save(tmp_path / f"{i}m.png")
    rows = {"image": [f"{i}.png" for i in range(60)], "label": [f"{i}m.png" for i in range(60)]}
    pd.DataFrame(rows).to_csv(tmp_path / "data.csv", index=False)
    asked = recipe(folder, "semantic-segmentation", "data.csv")
    splits, got, _ = converted(asked)
    assert splits.search.labels.shape[1:] == (32, 32)
    assert set(np.unique(splits.search.labels).tolist()) == {-1, 0, 1}
    wanted = library(folder, "AutoModelForSemanticSegmentation", splits)
    np.testing.assert_allclose(got["logits"], wanted, atol=1e-4)
    metric = metrics.get(asked.metric, asked.base, False)
    score = metric.value(metric.per_sample(got, splits.search.labels, None), splits.search.labels)
    processor = AutoImageProcessor.from_pretrained(folder)
    reply = type("Reply", (), {"logits": torch.from_numpy(got["logits"])})
    maps = processor.post_process_semantic_segmentation(reply, [(32, 32)] * len(wanted))
    found, labels = np.stack([one.numpy() for one in maps]), splits.search.labels
    asked_for = labels >= 0
    ious = [((found == c) & (labels == c)).sum() / (((found == c) & asked_for) | (labels == c)).sum() for c in (0, 1)]
    assert score == pytest.approx(np.mean(ious), abs=1e-3)


def test_detection(tmp_path: Path) -> None:
    import pandas as pd
    import torch
    from transformers import AutoImageProcessor

    pytest.importorskip("pycocotools")
    folder = save_yolos(tmp_path / "yolos")
    random = np.random.default_rng(0)
    for i in range(60):
        Image.fromarray(random.integers(0, 255, (40, 48, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
    rows = [(f"{i}.png", "ab"[i % 2], 12, 10, 24, 20) for i in range(60)]
    pd.DataFrame(rows, columns=["image", "class", "x", "y", "w", "h"]).to_csv(tmp_path / "data.csv", index=False)
    asked = recipe(folder, "detection", "data.csv")
    splits, got, _ = converted(asked)
    assert set(splits.search.inputs) == {"pixel_values"}
    assert {tuple(box) for box in splits.search.labels[:, 0, 1:]} == {(12, 8, 24, 16, 0)}  # 40 rows became 32
    how = reading(asked, splits.search, False)
    assert how is not None
    processor = AutoImageProcessor.from_pretrained(folder)
    reply = type("Reply", (), {name: torch.from_numpy(values) for name, values in got.items()})
    wanted = processor.post_process_object_detection(reply, 0.1, [(32, 48)] * len(splits.search))
    for mine, theirs in zip(kept(*read_boxes(got, how), how), wanted, strict=True):
        # Of each box they take the best class, here every class counts.
        for box, score, label in zip(theirs["boxes"], theirs["scores"], theirs["labels"], strict=True):
            assert np.isclose(mine, [*box.tolist(), float(score), int(label)], atol=1e-3).all(axis=1).any()
    assert any(len(theirs["boxes"]) for theirs in wanted)
    metric = metrics.of_boxes(metrics.get(asked.metric, asked.base, False), how)
    score = metric.value(metric.per_sample(got, splits.search.labels, None), splits.search.labels)
    assert 0 <= score <= 1
