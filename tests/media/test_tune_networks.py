"""Transformers folders and PyTorch modules of images and recordings: from files to what is deployed.

Weights are random, labels are what the float model says: so accuracy is 1 before, and means something after.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino as ov
import pandas as pd
import pytest
from media_files import RATE, save_vit, save_wav2vec2
from PIL import Image
from scipy.io import wavfile

from autotune import recipe as recipes
from autotune.sources.datasets import load_data
from autotune.sources.model import conform_splits, obtain, read

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed (autotune[torch])"
)
pytestmark = [needs_torch, pytest.mark.slow]

# Fewer samples have no room for a drop that is proven.
COUNT = 160

MODULES = """
import torch

class Pixels(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = torch.nn.Conv2d(3, 8, 3, 2), torch.nn.Linear(8, 2)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)).mean(dim=(2, 3)))

class Waves(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = torch.nn.Conv1d(1, 16, 16, 8), torch.nn.Linear(16, 2)

    def forward(self, wave):
        return self.last(torch.relu(self.first(wave)).mean(dim=2))
"""


def save_pixels(folder: Path) -> list[Path]:
    random = np.random.default_rng(0)
    for i in range(COUNT):
        pixels = random.integers(0, 256, (4, 4, 3), dtype=np.uint8).repeat(5, axis=0).repeat(4, axis=1)
        Image.fromarray(pixels).save(folder / f"{i:03}.png")
    return sorted(folder.glob("*.png"))


def save_waves(folder: Path) -> list[Path]:
    random, time = np.random.default_rng(0), np.arange(RATE // 5) / RATE
    for i in range(COUNT):
        wave = np.sin(2 * np.pi * random.uniform(100, 3000) * time) * random.uniform(0.1, 1)
        wave += random.uniform(0, 0.5) * random.standard_normal(len(time))
        wavfile.write(folder / f"{i:03}.wav", RATE, (wave * 8000).astype(np.int16))
    return sorted(folder.glob("*.wav"))


def labelled(folder: Path, kind: str, files: list[Path]) -> list[str]:
    """What the model says of each file; its last bias is moved so that it says either as often."""
    import torch
    import transformers

    model = getattr(transformers, f"AutoModelFor{kind.title()}Classification").from_pretrained(folder).eval()
    if kind == "image":
        processor = transformers.AutoImageProcessor.from_pretrained(folder)
        inputs = processor(images=[Image.open(file) for file in files], return_tensors="pt")
    else:
        processor = transformers.AutoFeatureExtractor.from_pretrained(folder)
        waves = [wavfile.read(file)[1] / np.float32(32768) for file in files]
        inputs = processor(waves, sampling_rate=RATE, return_tensors="pt")
    last = [layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)][-1]
    with torch.no_grad():
        logits = model(**inputs).logits
        last.bias -= logits.median(dim=0).values - logits.median(dim=0).values.mean()
        said = model(**inputs).logits.argmax(dim=1)
    model.save_pretrained(folder)
    assert 0.2 < said.float().mean() < 0.8
    return [model.config.id2label[int(number)] for number in said]


def write_table(folder: Path, files: list[Path], labels: list[object]) -> None:
    rows = [f"{file.name},{label}" for file, label in zip(files, labels, strict=True)]
    (folder / "data.csv").write_text("\n".join(["file,label", *rows]))


@pytest.mark.parametrize(("kind", "save"), [("image", save_vit), ("audio", save_wav2vec2)])
def test_a_transformers_folder(tmp_path: Path, kind: str, save) -> None:
    folder = save(tmp_path / "model")
    files = save_pixels(tmp_path) if kind == "image" else save_waves(tmp_path)
    write_table(tmp_path, files, labelled(folder, kind, files))
    (tmp_path / "r.yaml").write_text(
        f"version: 1\nmodel: {{path: model}}\ntask: {kind}-classification\ndata: {{path: data.csv}}\n"
        "tolerance: {max_drop: 0.2}\nbudget: {trials: 2}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "autotune", "tune", "r.yaml", "--output", "run"],
        cwd=tmp_path,
        env={**os.environ, "AUTOTUNE_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stderr == ""  # what transformers and PyTorch said is in run.log
    trials = pd.read_csv(tmp_path / "run/trials.csv")
    assert trials["score"][0] == 1.0
    assert json.loads((tmp_path / "run/run.json").read_text())["verdict"]["status"] in ("proven", "expected")
    assert (tmp_path / "run/model/preprocessor_config.json").is_file()


@pytest.mark.parametrize(
    ("module", "task", "shape"),
    [
        ("Pixels", "{name: image-classification, preprocess: {size: 16}}", [1, 3, 16, 16]),
        ("Waves", "{name: audio-classification, preprocess: {rate: 8000, seconds: 0.2, shape: NCT}}", [1, 1, 1600]),
    ],
)
def test_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, task: str, shape: list[int]) -> None:
    """As far as the model and its samples: what follows is the same for all."""
    monkeypatch.setenv("AUTOTUNE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "net.py").write_text(MODULES)
    files = save_pixels(tmp_path) if module == "Pixels" else save_waves(tmp_path)
    write_table(tmp_path, files, [i % 2 for i in range(COUNT)])
    text = f"version: 1\nmodel: {{function: 'net.py:{module}'}}\ndata: {{path: data.csv}}\ntask: {task}\n"
    (tmp_path / "r.yaml").write_text(text)
    asked = recipes.load(tmp_path / "r.yaml")
    splits = load_data(asked, True, lambda _: None)
    model, notes = read(obtain(asked, splits.search, True, lambda _: None), {}, splits.search)
    assert (model.input(0).shape, notes) == (ov.Shape(shape), [])
    conform_splits(splits, model)
