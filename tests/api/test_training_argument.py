"""``tune(training=...)`` is what a recipe says under this key, its data perhaps objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autotune
from autotune.errors import UserError
from autotune.folder import RunFolder
from autotune.recipe import DataSource, Recipe, TrainingSpec
from autotune.sources.given import Given

IMAGES = np.zeros((8, 3, 4, 4), dtype=np.float32)


@pytest.mark.parametrize(
    ("training", "task", "path"),
    [
        ({"data": (IMAGES, None), "steps": 20, "time": "1m"}, None, "run/given/training.npz"),
        ({"data": lambda: {"image": IMAGES}, "steps": 20, "time": "1m"}, None, "run/given/training.npz"),
        ({"data": [{"text": "a"}], "steps": 20, "time": "1m"}, "fill-mask", "run/given/training.jsonl"),
        ({"data": "train.npz", "steps": 20, "time": "1m"}, None, "train.npz"),
        ({"data": {"path": "train.npz"}, "steps": 20, "time": "1m"}, None, "train.npz"),
        (TrainingSpec(data=DataSource(path="train.npz"), steps=20, time=60.0), None, "train.npz"),
    ],
    ids=["arrays", "callable", "rows", "path", "source", "spec"],
)
def test_every_kind_is_what_a_recipe_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, training: Any, task: str | None, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with Given(RunFolder(Path("run")), False) as given:
        said = given.training(training, lambda: ("image",), task)
        asked = Recipe.quick("net.py:Net", "data.npz", "accuracy", {"training": said})
        assert asked.training is not None and asked.training.data.path is not None
        assert tmp_path / asked.training.data.path == tmp_path / path
        assert path == "train.npz" or Path(path).is_file()
    assert (asked.training.steps, asked.training.time) == (20, 60)


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"data": (IMAGES, None)}, "training: needs a model of PyTorch"),
        (3, "training: must be a mapping of keys"),
        ({"steps": 5}, "training.data: is missing"),
        ({"data": 3}, "training.data: int is not data"),
        ({"data": (IMAGES, None), "step": 5}, "Did you mean 'steps'"),
        ({"data": (IMAGES, None), "steps": 0}, "training.steps: must be at least 1"),
    ],
)
def test_mistakes_are_one_sentence(tiny: Path, tmp_path: Path, training: Any, said: str) -> None:
    output = tmp_path / "run"
    with pytest.raises(UserError, match=said):
        autotune.tune(tiny / "model.xml", tiny / "data.npz", "accuracy", training=training, output=output, quiet=True)
    assert not output.exists()


def test_a_recipe_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("version: 1\n")
    with pytest.raises(UserError, match="processor and training go with a model; write them there"):
        autotune.tune(tmp_path / "r.yaml", training={"data": "train.npz"})
