"""Tuning from Python, with objects: the same run as by the command, from files that it leaves."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import autotune


class Heard:
    """Events as a list."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    def stage(self, text: str) -> None:
        self.heard.append(("stage", text))

    def note(self, text: str) -> None:
        self.heard.append(("note", text))

    def trial(self, trial: Any, _best: Any, _done: int, _total: int) -> None:
        self.heard.append(("trial", trial.number))


def model_of(tiny: Path) -> Any:
    import openvino as ov

    return ov.Core().read_model(tiny / "model.xml")


@pytest.mark.slow
def test_objects_are_tuned_and_leave_a_run_of_files(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = np.load(tiny / "data.npz")
    images, labels = saved["image"], saved["labels"]
    shift = 0  # a closure: no file holds this function whole

    def right(outputs: dict[str, np.ndarray], labels: np.ndarray) -> np.ndarray:
        return (next(iter(outputs.values())).argmax(axis=1) + shift == labels).astype(float)

    events = Heard()
    output = tmp_path / "run"
    monkeypatch.chdir(tmp_path)  # beside such a database, MLflow keeps files in the current folder
    place = f"sqlite:///{tmp_path / 'mlflow.db'}" if importlib.util.find_spec("mlflow") else None
    run = autotune.tune(
        model_of(tiny), (images, labels), right, max_drop="3%", trials=5, output=output, events=events, mlflow=place
    )
    assert place is None or [text for kind, text in events.heard if kind == "note"][-1].startswith("MLflow run ")

    assert run.outcome == "winner"
    assert run.summary == json.loads((output / "run.json").read_text())
    written = pd.read_csv(output / "trials.csv")
    assert list(run.trials.columns) == list(written.columns)
    assert run.trials["trial"].tolist() == written["trial"].tolist()
    assert {"stage", "note", "trial"} == {kind for kind, _ in events.heard}
    assert run.load()(images[:1])[0].shape == (1, 4)
    assert run.sentence in run._repr_html_()
    assert run.report.is_file()

    apply = [sys.executable, "-m", "autotune", "apply", output / "solved.yaml", "--output", tmp_path / "again"]
    again = subprocess.run([*apply, "--trust-code"], capture_output=True, text=True, timeout=200, check=False)
    assert again.returncode == 0, again.stderr
    weights = [(folder / "openvino_model.bin").read_bytes() for folder in (output / "model", tmp_path / "again")]
    assert weights[0] == weights[1]


@pytest.mark.slow
def test_a_recipe_is_tuned_with_limits(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tmp_path / "small.yaml"
    recipe.write_text(
        f"version: 1\nmodel: {{path: {tiny / 'model.xml'}}}\ndata: {{path: {tiny / 'data.npz'}}}\nmetric: accuracy\n"
    )
    before = dict(os.environ)
    run = autotune.tune(recipe, max_drop="3%", trials=3, output=tmp_path / "run", isa="avx2")
    assert run.summary["goal"]["max_drop"] == "3%"
    assert run.summary["fingerprint"]["instruction_set"] == "AVX2"
    assert dict(os.environ) == before
    assert run.sentence in " ".join(capsys.readouterr().out.split())


def test_mistakes_are_one_sentence_and_leave_nothing(tiny: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    images = np.load(tiny / "data.npz")["image"]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"data": None}, "needs data and metric"),
        ({"data": 3}, "int is not data"),
        ({"data": {"image": images}, "max_drop": -1}, "max-drop"),
        ({"data": {"picture": images, "labels": np.arange(len(images)) % 4}}, "input 'picture' that the model has not"),
        ({"data": {"image": images}, "model": 3}, "int is not a path, an openvino.Model or a torch.nn.Module"),
        ({"data": {"image": images}, "metric": "acuracy"}, "Did you mean 'accuracy'?"),
        ({"data": {"image": images}, "isa": "amx9"}, "there is no 'amx9'"),
        ({"data": {"image": images}, "space": {"placements": ["plain"]}}, "placements"),
    ]
    for case, said in cases:
        arguments = {"model": model_of(tiny), "metric": "accuracy", "output": output, "quiet": True, **case}
        with pytest.raises(autotune.UserError, match=said):
            autotune.tune(**arguments)
        assert not output.exists(), case


def test_another_run_is_not_written_over(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("kept")
    with pytest.raises(autotune.UserError, match="already holds"):
        autotune.tune(model_of(tiny), lambda: 3, "accuracy", output=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]


class Killed(BaseException):
    """What ends a run from outside."""


class Kills(Heard):
    """Ends the run at its third trial."""

    def trial(self, trial: Any, _best: Any, _done: int, _total: int) -> None:
        if trial.number == 2:
            raise Killed


@pytest.mark.slow
def test_a_killed_run_goes_on_with_the_same_objects_only(tiny: Path, tmp_path: Path) -> None:
    saved = np.load(tiny / "data.npz")
    data = {"image": saved["image"], "labels": saved["labels"]}
    given: dict[str, Any] = {"max_drop": "3%", "trials": 4, "output": tmp_path / "run", "quiet": True}
    with pytest.raises(Killed):
        autotune.tune(model_of(tiny), data, "accuracy", events=Kills(), **given)
    other = {"image": -saved["image"], "labels": saved["labels"]}
    with pytest.raises(autotune.UserError, match="another data"):
        autotune.tune(model_of(tiny), other, "accuracy", resume=True, **given)
    run = autotune.tune(model_of(tiny), data, "accuracy", resume=True, **given)
    assert run.outcome == "winner"


def test_mlflow_is_looked_for_before_anything_is_measured(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    output = tmp_path / "run"
    with pytest.raises(autotune.UserError, match="needs MLflow; install it with: pip install"):
        autotune.tune(tiny / "model.xml", tiny / "data.npz", "accuracy", output=output, mlflow="sqlite:///x.db")
    assert not output.exists()
