"""Folders, tables and saved data sets of images and recordings, prepared by explicit steps; no PyTorch."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from media_files import RATE, save_images, save_tones, write_config
from PIL import Image
from scipy.io import wavfile

from autotune import recipe as recipes
from autotune.data import Splits
from autotune.errors import UserError
from autotune.recipe import Recipe
from autotune.sources.datasets import load_data
from autotune.sources.folders import companions

IMAGES = "{name: image-classification, preprocess: {input: x, size: 8}, labels: [blue, red]}"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOTUNE_CACHE", str(tmp_path / "cache"))


def recipe(folder: Path, task: str, data: str, model: str = "path: m.onnx", more: str = "") -> Recipe:
    (folder / "r.yaml").write_text(f"version: 1\nmodel: {{{model}}}\ntask: {task}\ndata: {{{data}}}\n{more}")
    return recipes.load(folder / "r.yaml")


def loaded(asked: Recipe) -> tuple[Splits, list[str]]:
    said: list[str] = []
    return load_data(asked, False, said.append), said


def whole(splits: Splits, name: str) -> tuple[np.ndarray, np.ndarray]:
    parts = [part for _, part in splits.items()]
    return np.concatenate([p.inputs[name] for p in parts]), np.concatenate([p.labels for p in parts])


def test_a_folder_per_class(tmp_path: Path) -> None:
    folder = save_images(tmp_path / "photos")
    (folder / "notes.txt").write_text("a")
    (folder / "red" / ".hidden.png").write_bytes(b"")
    asked = recipe(tmp_path, IMAGES, "path: photos")
    splits, said = loaded(asked)
    assert said == ["photos: 120 images in 2 classes; 1 other file was passed over (first: notes.txt)."]
    values, labels = whole(splits, "x")
    assert (values.shape, values.dtype) == ((120, 3, 8, 8), np.float32)
    assert (values.mean(axis=(2, 3)).argmax(axis=1) == labels).all()
    assert companions(asked, False) is None
    (tmp_path / "again.yaml").write_text(recipes.dump(asked))
    assert recipes.load(tmp_path / "again.yaml") == asked


def test_a_table_of_files_and_numbers(tmp_path: Path) -> None:
    save_images(tmp_path / "photos")
    files = sorted(p.relative_to(tmp_path).as_posix() for p in (tmp_path / "photos").rglob("*.png"))
    frame = pd.DataFrame({"path": files, "class": ["red" in f for f in files], "photo": range(120)})
    frame.astype({"class": int}).to_csv(tmp_path / "data.csv", index=False)
    data = "path: data.csv, columns: {file: path, label: class, group: photo}"
    task = "{name: image-classification, preprocess: {size: [4, 6], layout: NHWC, colour: bgr}}"
    splits, _ = loaded(recipe(tmp_path, task, data, more="inputs: {pixels: [1, 4, 6, 3]}\n"))
    values, labels = whole(splits, "pixels")
    assert values.shape == (120, 4, 6, 3)
    assert (values.mean(axis=(1, 2)).argmax(axis=1) == 2 - labels).all()  # channels the other way round
    assert splits.search.groups is not None


def test_recordings(tmp_path: Path) -> None:
    save_tones(tmp_path / "tones")
    task = "{name: audio-classification, preprocess: {rate: 4000, seconds: 0.25, shape: NCT}, labels: [high, low]}"
    splits, said = loaded(recipe(tmp_path, task, "path: tones", more="inputs: {wave: [1, 1, 1000]}\n"))
    values, labels = whole(splits, "wave")
    assert values.shape == (120, 1, 1000)
    assert said[1] == "Recordings have 0.25 s (the longest of 120 has 0.2 s); none is cut."
    assert not values[:, :, 801:].any()
    pitch = np.abs(np.fft.rfft(values[:, 0, :800])).argmax(axis=1) * 4000 / 800
    assert ((pitch < 500) == labels).all()


def test_a_saved_data_set(tmp_path: Path) -> None:
    """As ``datasets.Dataset.save_to_disk`` writes it."""
    pa = pytest.importorskip("pyarrow")
    folder = tmp_path / "saved"
    folder.mkdir()
    photos = save_images(tmp_path / "photos")
    files = sorted(photos.rglob("*.png"))
    rows = [{"bytes": f.read_bytes(), "path": f.name} for f in files]
    table = pa.table({"image": rows, "label": [int(f.parent.name == "red") for f in files]})
    with pa.OSFile(str(folder / "data-00000-of-00001.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as w:
        w.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    features = {"image": {"_type": "Image"}, "label": {"names": ["blue", "red"], "_type": "ClassLabel"}}
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))
    values, labels = whole(loaded(recipe(tmp_path, IMAGES, "path: saved"))[0], "x")
    again, same = whole(loaded(recipe(tmp_path, IMAGES, "path: photos"))[0], "x")
    np.testing.assert_array_equal(values, again)
    np.testing.assert_array_equal(labels, same)
    (tmp_path / "dataset_dict.json").write_text("{}")
    with pytest.raises(UserError, match=r"holds several data sets \(saved\); name one of these folders"):
        loaded(recipe(tmp_path, IMAGES, "path: ."))
    (folder / "data-00000-of-00001.arrow").write_bytes(b"cut")
    with pytest.raises(UserError, match=r"saved cannot be read as a saved data set"):
        loaded(recipe(tmp_path, IMAGES, "path: saved"))


def test_a_saved_data_set_without_pyarrow(tmp_path: Path) -> None:
    if importlib.util.find_spec("pyarrow") is not None:
        pytest.skip("pyarrow is installed")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "state.json").write_text("{}")
    with pytest.raises(UserError, match=r"needs pyarrow, .* pip install 'autotune\[parquet\]'"):
        loaded(recipe(tmp_path, IMAGES, "path: saved"))


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("image-classification", r"task\.preprocess: is missing; m\.onnx has no processor of its own"),
        ("{name: image-classification, preprocess: {size: 8}}", r"preprocess\.input: is missing; say which input of m"),
        ("{name: image-classification, preprocess: {input: x, size: 8}}", r"the label 'blue' is a name, and the model"),
        ("{name: image-classification, preprocess: {input: x, size: 8}, labels: [a, red]}",
         r"the labels 'blue' are not among the model's \('a', 'red'\); rename them in the data, or in task\.labels"),
        ("{name: image-classification, preprocess: {size: 8, rate: 8000}}", r"rate: is not for image-classification"),
        ("{name: image-classification, preprocess: {crop: 0.9}}", r"preprocess\.size: is missing"),
        ("{name: audio-classification, preprocess: {rate: 8000}}", r"preprocess\.seconds: is missing"),
        ("{name: image-classification, preprocess: {size: 8, mean: [1, 2]}}", r"mean: has 2 numbers; give one, or one"),
        ("{name: image-classification, preprocess: {size: 8, std: 0}}", r"std: must not be 0"),
        ("{name: image-classification, length: 8}", r"task\.length: is for texts"),
        ("{name: text-classification, labels: [a]}", r"labels: is for image-classification, audio-classification"),
        ("{name: audio-classification, preprocess: {rate: 8000, seconds: 1, input: x}}", r"photos holds no recordings"),
    ],
)  # fmt: skip
def test_mistakes_in_a_recipe(tmp_path: Path, task: str, message: str) -> None:
    save_images(tmp_path / "photos")
    with pytest.raises(UserError, match=message):
        loaded(recipe(tmp_path, task, "path: photos"))


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    photos = save_images(tmp_path / "photos")
    content = (photos / "red/007.png").read_bytes()
    for broken in (content[: len(content) // 2], b"no image"):
        (photos / "red/007.png").write_bytes(broken)
        with pytest.raises(UserError, match=r"red/007\.png: cannot be read as an image \(.*\); it may be cut"):
            loaded(recipe(tmp_path, IMAGES, "path: photos"))
    pd.DataFrame({"file": ["photos/red/999.png"], "label": ["red"]}).to_csv(tmp_path / "d.csv")
    with pytest.raises(UserError, match=r"data, row 0 \(0 first\): .*999\.png does not exist; files are relative"):
        loaded(recipe(tmp_path, IMAGES, "path: d.csv"))
    tones = save_tones(tmp_path / "tones")
    task = "{name: audio-classification, preprocess: {input: x, rate: 8000, seconds: 1}, labels: [high, low]}"
    (tones / "low/003.wav").write_bytes(b"RIFF")
    with pytest.raises(UserError, match=r"low/003\.wav: cannot be read as a recording"):
        loaded(recipe(tmp_path, task, "path: tones"))
    wavfile.write(tones / "low/003.wav", RATE, np.zeros(0, np.int16))
    with pytest.raises(UserError, match=r"low/003\.wav: holds no sound"):
        loaded(recipe(tmp_path, task, "path: tones"))


def test_other_sound_files_need_an_extra(tmp_path: Path) -> None:
    tones = save_tones(tmp_path / "tones")
    (tones / "low/003.flac").write_bytes(b"fLaC")
    task = "{name: audio-classification, preprocess: {input: x, rate: 8000, seconds: 1}, labels: [high, low]}"
    installed = importlib.util.find_spec("soundfile") is not None
    message = r"cannot be read as a recording" if installed else r"needs soundfile, .*'autotune\[audio\]', or convert"
    with pytest.raises(UserError, match=message):
        loaded(recipe(tmp_path, task, "path: tones"))


@pytest.mark.parametrize(
    ("architecture", "task", "message"),
    [
        ("ViTForImageClassification", "image-classification", r"vit has no processor \(preprocessor_config\.json\)"),
        ("BertForSequenceClassification", "image-classification", r"ForImageClassification, vit is BertForSequenceCl"),
        ("ViTForImageClassification", "audio-classification", r"that suits image-classification"),
        ("ViTForImageClassification", "{name: image-classification, labels: [a]}", r"names 1 class, vit has 2"),
        ("ViTForImageClassification", "{name: image-classification, preprocess: {size: 8}}",
         r"the labels 'blue', 'red' are not among the model's \('cat', 'dog'\); rename them in the data, or in id2lab"),
    ],
)  # fmt: skip
def test_folders_that_do_not_fit(tmp_path: Path, architecture: str, task: str, message: str) -> None:
    save_images(tmp_path / "photos")
    write_config(tmp_path / "vit", architecture, id2label={"0": "cat", "1": "dog"})
    with pytest.raises(UserError, match=message):
        loaded(recipe(tmp_path, task, "path: photos", "path: vit"))


def test_a_processor_that_cannot_be_loaded(tmp_path: Path) -> None:
    save_images(tmp_path / "photos")
    write_config(tmp_path / "vit", "ViTForImageClassification", id2label={"0": "blue", "1": "red"})
    (tmp_path / "vit" / "preprocessor_config.json").write_text("{")
    with pytest.raises(UserError, match=r"the processor of .*vit cannot be loaded: .*; check its preprocessor_config"):
        loaded(recipe(tmp_path, "image-classification", "path: photos", "path: vit"))


def test_a_mask_of_colours(tmp_path: Path) -> None:
    photos = save_images(tmp_path / "photos")
    files = sorted(photos.rglob("*.png"))
    masks = [f.with_suffix(".mask") for f in files]
    for number, (file, mask) in enumerate(zip(files, masks, strict=True)):
        with Image.open(file) as image:
            Image.new("L", image.size, number % 2).save(mask, format="png")
    rows = {"file": list(map(str, files)), "label": list(map(str, masks))}
    pd.DataFrame(rows).to_csv(tmp_path / "d.csv", index=False)
    asked = recipe(tmp_path, "{name: semantic-segmentation, preprocess: {input: x, size: 6}}", "path: d.csv")
    _, labels = whole(loaded(asked)[0], "x")
    assert (labels.shape, sorted(np.unique(labels).tolist())) == ((120, 6, 6), [0, 1])
    rows["label"][5] = str(files[5])
    pd.DataFrame(rows).to_csv(tmp_path / "d.csv", index=False)
    with pytest.raises(UserError, match=r"005\.png: is an image of colours \(RGB\); a mask has one class number per"):
        loaded(asked)
