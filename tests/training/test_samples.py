"""What is trained on is never what is judged on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autotune import recipe as recipes
from autotune.data import Dataset, Splits
from autotune.errors import UserError
from autotune.sources.training import load_training

X = np.arange(80, dtype=np.float32).reshape(40, 2)
SPLITS = Splits(*(Dataset({"x": X[part]}, groups=np.arange(40)[part] // 2) for part in np.split(np.arange(30), 3)))


def load(folder: Path, loss: str = "distillation", **arrays: np.ndarray) -> tuple[Dataset, list[str]]:
    np.savez(folder / "train.npz", **arrays)
    (folder / "r.yaml").write_text(
        'version: 1\nmodel: {function: "n.py:make"}\ndata: {path: d.npz}\nmetric: accuracy\n'
        f"training: {{data: {{path: train.npz}}, loss: {loss}}}\n"
    )
    said: list[str] = []
    return load_training(recipes.load(folder / "r.yaml"), SPLITS, False, said.append), said


def test_samples_of_search_and_holdout_are_left_out(tmp_path: Path) -> None:
    found, said = load(tmp_path, x=X, labels=np.zeros(40))
    assert np.array_equal(found.inputs["x"], np.concatenate([X[:10], X[30:]])), "calibration may be trained on"
    assert found.labels is None
    assert said == ["20 training samples are in the search or holdout split, and left out."]


def test_their_groups_too(tmp_path: Path) -> None:
    found, _ = load(tmp_path, x=X + 1000, groups=np.arange(40) // 2)
    assert np.array_equal(found.inputs["x"], np.concatenate([X[:10], X[30:]]) + 1000)


def test_what_does_not_fit_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"training\.data: all 20 samples are in the search or holdout split"):
        load(tmp_path, x=X[10:30])
    with pytest.raises(UserError, match=r"training\.data: has inputs 'x' \[3\], the data have 'x' \[2\]"):
        load(tmp_path, x=np.ones((5, 3), np.float32))


def test_labels_are_kept_where_the_loss_needs_them(tmp_path: Path) -> None:
    found, _ = load(tmp_path, "both", x=X, labels=np.arange(40))
    assert found.labels is not None and found.labels.tolist() == [*range(10), *range(30, 40)]
    with pytest.raises(UserError, match=r"training\.data: has no labels, and training\.loss: labels needs them"):
        load(tmp_path, "labels", x=X)


def test_a_task_of_several_outputs_has_no_loss_of_labels(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "version: 1\nmodel: {path: m}\ntask: question-answering\ndata: {path: d.csv}\n"
        "training: {data: {path: t.csv}, loss: both}\n"
    )
    with pytest.raises(UserError, match=r"training\.loss: both is of one output, and question-answering has several"):
        load_training(recipes.load(tmp_path / "r.yaml"), SPLITS, False, print)
