"""Deployed folders of image and audio models, loaded by optimum-intel as their README says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from media_files import RATE, save_images, save_segformer, save_tones, save_vit, save_wav2vec2, save_yolos
from optimum_intel import AUDIO, IMAGE, NO_PROCESSOR, PROCESSED, by_optimum, installed_there, needs_optimum
from PIL import Image
from scipy.io import wavfile
from tiny_folders import needs_torch

from autotune import deploy
from autotune.measure.compiled import compile_model, deploy_properties
from autotune.media import MEDIA_TASKS
from autotune.protocol import Companions

SAVE = {
    "image-classification": save_vit,
    "audio-classification": save_wav2vec2,
    "semantic-segmentation": save_segformer,
    "detection": save_yolos,
}


@needs_torch
@needs_optimum
@pytest.mark.slow
@pytest.mark.parametrize("name", SAVE)
def test_optimum_gives_the_outputs_that_were_judged(tmp_path: Path, name: str) -> None:
    import openvino as ov
    import transformers

    from autotune.sources.conversion import _convert

    task, folder, before = MEDIA_TASKS[name], SAVE[name](tmp_path / "source"), ""
    if name.startswith("audio"):
        files = sorted(save_tones(tmp_path / "data", each=2).rglob("*.wav"))
        extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
        waves = [wavfile.read(file)[1] / np.float32(32768) for file in files]
        given, read = extractor(waves, sampling_rate=RATE, return_tensors="np"), AUDIO
    else:
        files = sorted(save_images(tmp_path / "data", each=2).rglob("*.png"))
        processor = transformers.AutoImageProcessor.from_pretrained(folder)
        given = processor([Image.open(file).convert("RGB") for file in files], return_tensors="np")
        read = IMAGE
    samples = {task.input: np.asarray(given[task.input])}
    if read == IMAGE and not installed_there("torchvision"):
        read, before, images = PROCESSED, NO_PROCESSOR, files
        files = [path.with_suffix(".npy") for path in images]
        for path, values in zip(files, samples[task.input], strict=True):
            np.save(path, values[None])
    np.savez(tmp_path / "samples.npz", **samples)
    shapes = {key: [1, *values.shape[1:]] for key, values in samples.items()}
    request = {"source": "folder", "folder": str(folder), "name": name, "auto": task.auto, "outputs": task.outputs}
    more = {"trust_remote_code": False, "pooling": None, "normalize": False, "shapes": shapes}
    _convert({**request, **more, "samples": str(tmp_path / "samples.npz"), "model": str(tmp_path / "m.xml")})
    model, deployed = ov.Core().read_model(tmp_path / "m.xml"), tmp_path / "model"
    travels = Companions(folder, task.auto)
    deploy.export(
        model, deploy_properties("f32", 2), deployed, name="m", label="float f32", remark="", companions=travels
    )
    found, (precision, *_) = by_optimum(deployed, list(map(str, files)), read, before)
    assert precision == "f32"
    compiled = compile_model(model, "f32", 2)
    for i, values in enumerate(samples[task.input]):
        for output, judged in compiled.infer({task.input: values[None]}).items():
            # Its own version of the processor sums in another order.
            np.testing.assert_allclose(found[output][i], judged[0], atol=1e-4)
