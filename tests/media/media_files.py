"""Images and recordings that a test makes, and folders of tiny real models for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import wavfile

RATE = 8000


def save_images(folder: Path, classes: tuple[str, ...] = ("blue", "red"), each: int = 60, side: int = 20) -> Path:
    """One folder per class; an image of class i is brightest in channel i."""
    random = np.random.default_rng(0)
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(each):
            pixels = random.integers(0, 120, (side, side + i % 7, 3), dtype=np.uint8)
            pixels[:, :, number] += 100
            Image.fromarray(pixels).save(folder / name / f"{i:03}.png")
    return folder


def save_tones(folder: Path, classes: tuple[str, ...] = ("high", "low"), each: int = 60) -> Path:
    """One folder per class; 0.2 s of one pitch in noise."""
    random = np.random.default_rng(0)
    time = np.arange(RATE // 5) / RATE
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(each):
            wave = np.sin(2 * np.pi * (1200 - 1000 * number) * time) + 0.5 * random.standard_normal(len(time))
            wavfile.write(folder / name / f"{i:03}.wav", RATE, (wave * 8000).astype(np.int16))
    return folder


def write_config(folder: Path, architecture: str, **more: object) -> Path:
    """A folder that can be looked at but not loaded: its weights are empty. Needs no PyTorch."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"architectures": [architecture], **more}))
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def save_vit(folder: Path, head: str = "ForImageClassification", **more: object) -> Path:
    """Real classes, random weights."""
    import torch
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=16, patch_size=4,
        initializer_range=0.3, id2label={0: "blue", 1: "red"}, **more,
    )  # fmt: skip
    ViTForImageClassification(config).eval().save_pretrained(folder)
    ViTImageProcessor(size={"height": 16, "width": 16}).save_pretrained(folder)
    return folder


def save_wav2vec2(folder: Path) -> Path:
    """Real classes, random weights; takes waves."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForSequenceClassification

    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, conv_dim=(16, 16),
        conv_stride=(5, 4), conv_kernel=(10, 8), num_feat_extract_layers=2, num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2, classifier_proj_size=16, id2label={0: "high", 1: "low"},
    )  # fmt: skip
    Wav2Vec2ForSequenceClassification(config).eval().save_pretrained(folder)
    Wav2Vec2FeatureExtractor(sampling_rate=RATE, return_attention_mask=False).save_pretrained(folder)
    return folder


def save_ast(folder: Path) -> Path:
    """Real classes, random weights; takes spectrograms, which are made with PyTorch."""
    import torch
    from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

    torch.manual_seed(0)
    config = ASTConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, max_length=32,
        num_mel_bins=32, id2label={0: "high", 1: "low"},
    )  # fmt: skip
    ASTForAudioClassification(config).eval().save_pretrained(folder)
    ASTFeatureExtractor(sampling_rate=RATE, max_length=32, num_mel_bins=32).save_pretrained(folder)
    return folder


def save_segformer(folder: Path) -> Path:
    """Real classes, random weights; scores at a quarter of the resolution."""
    import torch
    from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessor

    torch.manual_seed(0)
    config = SegformerConfig(
        num_encoder_blocks=2, depths=[1, 1], sr_ratios=[2, 1], hidden_sizes=[8, 16], patch_sizes=[7, 3], strides=[4, 2],
        num_attention_heads=[1, 2], mlp_ratios=[2, 2], decoder_hidden_size=16, id2label={0: "a", 1: "b"},
    )  # fmt: skip
    SegformerForSemanticSegmentation(config).eval().save_pretrained(folder)
    SegformerImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def save_yolos(folder: Path) -> Path:
    """Real classes, random weights; boxes as DETR has them."""
    import torch
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessor

    torch.manual_seed(0)
    config = YolosConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, image_size=[32, 48],
        patch_size=8, num_detection_tokens=6, use_mid_position_embeddings=False, initializer_range=0.2,
        id2label={0: "a", 1: "b"},
    )  # fmt: skip
    model = YolosForObjectDetection(config).eval()
    torch.nn.init.normal_(model.vit.embeddings.detection_tokens, std=3.0)  # else all are the same, and find the same
    torch.nn.init.constant_(model.class_labels_classifier.layers[-1].bias[2:], -1.0)  # of nothing
    model.save_pretrained(folder)
    YolosImageProcessor(size={"height": 32, "width": 48}).save_pretrained(folder)
    return folder


def tuned(folder: Path) -> dict[str, Any]:
    """Tune ``r.yaml`` of a folder, with a cache of its own, into ``run`` beside it; return ``run.json``."""
    done = subprocess.run(
        [sys.executable, "-m", "autotune", "tune", "r.yaml", "--output", "run"],
        cwd=folder,
        env={**os.environ, "AUTOTUNE_CACHE": str(folder / "cache"), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stderr == ""  # what libraries said is in run.log
    return dict(json.loads((folder / "run/run.json").read_text()))
