"""Deployed folders of image and audio models, loaded by optimum-intel as their README says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from media_files import RATE, save_images, save_tones, save_vit, save_wav2vec2
from optimum_intel import AUDIO, IMAGE, by_optimum, needs_optimum
from PIL import Image
from scipy.io import wavfile
from test_media_folders import recipe
from tiny_folders import needs_torch

from autotune import deploy
from autotune.measure.compiled import compile_model, deploy_properties
from autotune.sources.datasets import load_data
from autotune.sources.folders import companions
from autotune.sources.model import obtain, read


@needs_torch
@needs_optimum
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["image", "audio"])
def test_optimum_gives_the_outputs_that_were_judged(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    monkeypatch.setenv("AUTOTUNE_CACHE", str(tmp_path / "cache"))
    folder = (save_vit if kind == "image" else save_wav2vec2)(tmp_path / "source")
    (save_images if kind == "image" else save_tones)(tmp_path / "data")
    asked = recipe(folder, f"{kind}-classification", "data")
    splits = load_data(asked, False, print)
    model, _ = read(obtain(asked, splits.search, False, print), {}, splits.search.runs())
    properties = deploy_properties("f32", 2)
    deployed, travels = tmp_path / "model", companions(asked, False)
    deploy.export(model, properties, deployed, name="m", label="float f32", remark="", companions=travels)

    files = sorted((tmp_path / "data").rglob("*.*"))[::40]
    if kind == "image":
        processor = transformers.AutoImageProcessor.from_pretrained(folder)
        prepared = [processor(Image.open(file).convert("RGB"), return_tensors="np") for file in files]
    else:
        extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
        waves = [wavfile.read(file)[1] / np.float32(32768) for file in files]
        prepared = [extractor(wave, sampling_rate=RATE, return_tensors="np") for wave in waves]
    compiled = compile_model(model, "f32", 2)
    judged = [
        compiled.infer({name: np.asarray(one[name]) for name in splits.search.inputs})["logits"] for one in prepared
    ]
    found, (precision, *_) = by_optimum(deployed, list(map(str, files)), IMAGE if kind == "image" else AUDIO)
    assert precision == "f32"
    # Its own version of the processor sums in another order.
    np.testing.assert_allclose(found["logits"], np.concatenate(judged), atol=1e-4)
