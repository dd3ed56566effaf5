"""A run from a format that no other test has: IR is what most use, ONNX what the digits recipe has (test_strategy)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autotune
from autotune.sources.builtin.played_notes import piece
from autotune.sources.package import fetch

FILE = "basic_pitch/saved_models/icassp_2022/nmp.tflite"
SHA256 = "3db297d54af8e01c6e5618245c956b1d71b6a2b978cb2dedb527173186552676"


@pytest.mark.slow
@pytest.mark.network
def test_a_tflite_model_is_tuned(tmp_path: Path) -> None:
    """basic-pitch as its authors published it, on synthesised music, without labels."""
    model = fetch("basic-pitch==0.4.0", FILE, SHA256)
    random = np.random.default_rng(0)
    music = np.stack([piece(random)[0] for _ in range(44)])[..., None]
    np.savez(tmp_path / "music.npz", **{"serving_default_input_2:0": music})
    options = ["--metric", "cosine-to-float", "--max-drop", "2%", "--trials", "5", "--output", str(tmp_path / "run")]
    command = [sys.executable, "-m", "autotune", "tune", str(model), "--data", str(tmp_path / "music.npz"), *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert result.returncode == 0, result.stderr + result.stdout
    assert "[?, 43844, 1] was fixed to [1, 43844, 1]" in " ".join(result.stdout.split())
    summary = json.loads((tmp_path / "run" / "run.json").read_text())
    assert summary["verdict"]["status"] in ("expected", "proven")
    outputs = autotune.load(tmp_path / "run" / "model")(np.zeros((1, 43844, 1), np.float32))
    assert {tuple(value.shape) for value in outputs.values()} == {(1, 172, 88), (1, 172, 264)}
