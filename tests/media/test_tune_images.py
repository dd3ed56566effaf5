"""The command on images and a model file, from the files to what is deployed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from conftest import convolution_net, logits_of
from media_files import tuned
from PIL import Image


@pytest.mark.slow
def test_a_run_on_image_files(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (240, 16, 16, 3), dtype=np.uint8)
    inputs = (pixels.astype(np.float32) * np.float32(1 / 255) - np.float32(0.5)) / np.float32(0.25)
    inputs = inputs.transpose(0, 3, 1, 2)
    model = convolution_net(bias=(-logits_of(convolution_net(), inputs).mean(axis=0)).tolist())
    ov.save_model(model, tmp_path / "model.xml", compress_to_fp16=False)
    for i, label in enumerate(logits_of(model, inputs).argmax(axis=1)):
        (tmp_path / "photos" / "abcd"[label]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[i]).save(tmp_path / "photos" / "abcd"[label] / f"{i}.png")
    (tmp_path / "r.yaml").write_text(
        "version: 1\nmodel: {path: model.xml}\ndata: {path: photos}\n"
        "task: {name: image-classification, labels: [a, b, c, d],\n"
        "  preprocess: {input: image, size: 16, mean: 0.5, std: 0.25}}\n"
        "tolerance: {max_drop: 0.2}\nbudget: {trials: 2}\n"
    )
    assert tuned(tmp_path)["verdict"]["status"] in ("proven", "expected")
