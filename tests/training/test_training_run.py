"""Folding batch norms left a network channels of unequal scale: int8 per tensor loses it, training brings it back."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

TRAINED = 900  # as in folded.py, which trained on these
RECIPE = """\
version: 1
name: folded
model: {function: "folded.py:make"}
data: {path: data.npz}
metric: accuracy
tolerance: {max_drop: 3%, max_size: 4kB}  # of 10 kB in f32: all of it in int8; no time decides
budget: {trials: 2}
space:
  {precision: f32, schemes: int8-static, placement: plain, preset: performance, forms: off, bf16_operators: false,
   weights: {granularity: per-tensor}, threads: 1}
training: {data: {path: train.npz}, steps: 1000, learning_rate: 0.01}
"""


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autotune", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    digits = load_digits()
    images = (digits.images[:, None] / 16).astype(np.float32)
    np.savez(tmp_path / "train.npz", image=images[: TRAINED + 100])  # 100 of them are judged on
    np.savez(tmp_path / "data.npz", image=images[TRAINED:], labels=digits.target[TRAINED:])
    for name in ("folded.py", "folded.pt"):
        shutil.copy(Path(__file__).with_name(name), tmp_path)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed (autotune[torch])")
@pytest.mark.slow
def test_training_recovers_what_static_int8_loses(folder: Path) -> None:
    """The run is killed when the first round is trained, and goes on from its checkpoint."""
    output = folder / "run"
    command = [sys.executable, "-m", "autotune", "tune", folder / "recipe.yaml", "--trust-code", "--output", output]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killed:
        while not (output / ".work" / "training.pt").exists():
            assert killed.poll() is None, "it ended before it was to be killed"
            time.sleep(0.05)
        killed.kill()
    done = run(*command[3:], "--resume")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "training samples are in the search or holdout split, and left out." in done.stdout
    summary = json.loads((output / "run.json").read_text())
    rungs = {rung["name"]: rung for rung in summary["ladder"]["rungs"]}
    assert rungs["static int8"]["best"] is None, "it loses too much"
    assert rungs["training"]["best"] is not None
    winner = summary["winner"]
    made = winner["configuration"]["training"]
    assert summary["outcome"] == "winner" and made["steps"] <= 1000
    assert winner["drop"] <= summary["verdict"]["tolerance"]
    trials = pd.read_csv(output / "trials.csv")
    assert trials.loc[trials["winner"], ["origin", "trained"]].to_numpy().tolist() == [["training", made["digest"]]]
    assert [p.name for p in sorted((output / "trained").iterdir())] == [f"{made['digest']}.{s}" for s in ("bin", "xml")]
    again = run("apply", output / "solved.yaml", "--output", folder / "again", "--trust-code")
    assert again.returncode == 0 and "identical" in again.stdout, again.stderr + again.stdout


def test_what_cannot_be_trained_is_one_sentence(folder: Path) -> None:
    text = RECIPE.replace('{function: "folded.py:make"}', "{path: model.onnx}")
    (folder / "recipe.yaml").write_text(text)
    done = run("tune", folder / "recipe.yaml", "--output", folder / "run")
    assert done.returncode == 2
    assert "training: needs a model of PyTorch: FILE.py:factory, or a transformers folder with a task" in done.stderr
    (folder / "recipe.yaml").write_text(f"{RECIPE}strategy: search\n")
    done = run("tune", folder / "recipe.yaml", "--output", folder / "run")
    assert done.returncode == 2 and "training: is the last rung of the ladder" in done.stderr
