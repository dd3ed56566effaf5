"""Command line options on top of a recipe, runs without one, and recipes that move to another folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autotune import recipe
from autotune.errors import UserError

TEXT = """\
version: 1
name: nine
model: {path: models/m.onnx}
data: {path: ../d.npz, split: {calibration: 0.2, search: 0.2, holdout: 0.6}}
metric: {function: metric.py:score, direction: lower}
tolerance: {max_drop: 0.5, confidence: 0.9}
"""
SHA = "ab" * 32


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> recipe.Recipe:
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "r.yaml").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return recipe.load(Path("recipes/r.yaml"))


def test_options_replace_what_the_recipe_says(asked: recipe.Recipe) -> None:
    new = asked.with_overrides(
        name="ten", max_drop="2%", max_latency="3ms", confidence=0.99, assurance="proven", trials=7, timeout="10m",
        threads=3, seed=5, min_speedup="1.5", max_memory="200MB",
    )  # fmt: skip
    assert new.name == "ten"
    assert new.tolerance == recipe.Tolerance(
        max_drop=recipe.Drop(0.02, True),
        max_latency=3.0,
        confidence=0.99,
        assurance="proven",
        min_speedup=1.5,
        max_memory=200_000_000,
    )
    assert new.budget == recipe.Budget(trials=7, timeout=600.0)
    assert (new.threads, new.seed) == (3, 5)
    assert new.data == asked.data
    assert new.base == asked.base
    assert asked.tolerance.max_drop == recipe.Drop(0.5, False)


def test_no_options_change_nothing(asked: recipe.Recipe) -> None:
    assert asked.with_overrides() == asked
    assert asked.with_overrides(seed=None, metric=None) == asked


def test_paths_of_options_start_from_the_current_folder(asked: recipe.Recipe, tmp_path: Path) -> None:
    new = asked.with_overrides(model="a/b.onnx", data="load.py:load", metric="score.py:f1")
    assert (new.base / str(new.model.path)).resolve() == tmp_path / "a/b.onnx"
    assert new.data.function == "../load.py:load"
    assert new.data.split == asked.data.split
    assert new.metric == recipe.MetricSpec(function="../score.py:f1")
    absolute = asked.with_overrides(model=str(tmp_path / "c.onnx"))
    assert absolute.model.path == str(tmp_path / "c.onnx")


def test_what_data_names(asked: recipe.Recipe) -> None:
    assert asked.with_overrides(data="python-files").data.builtin == "python-files"
    assert asked.with_overrides(data="x.npz").data.path == "../x.npz"


def test_another_model_drops_what_was_expected(asked: recipe.Recipe) -> None:
    expect = recipe.Expect(model=SHA, data=SHA, candidate=SHA)
    trained = recipe.Trained(path="trained/m.xml", sha256=SHA, steps=5)
    solved = asked.solved(space=recipe.Space(), trained=trained, expect=expect, threads=2, base=asked.base)
    assert solved.with_overrides(seed=3).expect == expect
    assert solved.with_overrides(seed=3).trained == trained
    assert solved.with_overrides(model="m.xml").expect is None
    assert solved.with_overrides(model="m.xml").trained is None
    assert solved.with_overrides(data="m.npz").expect is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_drop": "100%"}, "--max-drop: 100% would allow losing the whole score: give less than 100%."),
        ({"max_drop": "abc"}, "--max-drop: 'abc' is not a drop: write "),
        ({"max_drop": "nan"}, "--max-drop: must be zero or more and finite, not nan"),
        ({"max_drop": "3", "metric": "accuracy"}, "--max-drop: 3 is the whole of accuracy; did you mean '3%'?"),
        ({"max_latency": "x"}, "--max-latency: 'x' is not a latency: write '5ms' or '0.8ms'."),
        ({"trials": 0}, "--trials: must be at least 1, not 0."),
        ({"timeout": "-3s"}, "--timeout: '-3s' is not a duration: write '10m', '90s' or '1h'."),
        ({"threads": 0}, "--threads: must be at least 1, not 0."),
        ({"seed": -1}, "--seed: must be at least 0, not -1."),
        ({"confidence": 1.5}, "--confidence: must be below 1, not 1.5."),
        ({"assurance": "prove"}, "--assurance: unknown assurance 'prove'. Did you mean 'proven'?"),
        ({"metric": ""}, "--metric: must not be empty."),
        ({"data": ""}, "--data: must not be empty."),
        ({"model": ""}, "--model: must not be empty."),
        ({"name": "a/b"}, "--name: 'a/b' cannot name a folder"),
    ],
)
def test_errors_name_the_option(asked: recipe.Recipe, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        asked.with_overrides(**options)
    assert str(error.value).startswith(message)


def test_where_names_the_option_or_the_line(asked: recipe.Recipe) -> None:
    assert asked.where("data", "path") == "recipes/r.yaml:4: data.path"
    assert asked.where("threads") == "recipes/r.yaml:1: threads"
    new = asked.with_overrides(data="x.npz")
    assert new.where("data", "path") == "--data"
    assert new.space.where("precision") == "recipes/r.yaml:1: space.precision"


def test_quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    quick = recipe.Recipe.quick("nets/my net.onnx", "d.npz", "accuracy", max_drop="2%", trials=3)
    assert quick.name == "my-net"
    assert quick.model.path == "nets/my net.onnx"
    assert quick.data.path == "d.npz"
    assert quick.base == tmp_path
    assert quick.tolerance.max_drop == recipe.Drop(0.02, True)
    assert quick.space == recipe.Space()
    assert quick.where("model", "path") == "MODEL"
    assert quick.where("data", "function") == "--data"
    with pytest.raises(UserError, match=r"^--max-drop: "):
        recipe.Recipe.quick("m.onnx", "d.npz", "accuracy", max_drop="no")
    with pytest.raises(UserError, match=r"^--metric: must not be empty"):
        recipe.Recipe.quick("m.onnx", "d.npz", " ")


def test_rebased_paths_lead_to_the_same_files(asked: recipe.Recipe, tmp_path: Path) -> None:
    moved = asked.rebased(tmp_path / "runs" / "one")
    assert (moved.base / str(moved.model.path)).resolve() == (asked.base / str(asked.model.path)).resolve()
    assert moved.data.path == "../../d.npz"
    assert moved.metric.function == "../../recipes/metric.py:score"
    assert moved.metric.direction == "lower"
    assert moved.rebased(asked.base) == asked


def test_paths_of_training_move_too(tmp_path: Path) -> None:
    text = TEXT.replace("model: {path: models/m.onnx}", 'model: {function: "nets.py:make"}')
    assert text != TEXT
    (tmp_path / "r.yaml").write_text(f"{text}training: {{data: {{path: train.npz}}, steps: 9}}\n")
    asked = recipe.load(tmp_path / "r.yaml")
    trained = recipe.Trained(path="trained/m.xml", sha256=SHA, steps=9)
    expect = recipe.Expect(model=SHA, data=SHA, candidate=SHA)
    run = tmp_path / "runs" / "one"
    solved = asked.solved(space=recipe.Space(), trained=trained, expect=expect, threads=1, base=run)
    assert solved.training is not None and solved.training.data.path == "../../train.npz"
    back = solved.rebased(tmp_path)
    assert back.training == asked.training
    assert back.trained is not None and back.trained.path == "runs/one/trained/m.xml"


def test_solved(asked: recipe.Recipe, tmp_path: Path) -> None:
    space = recipe.Space(precision=("bf16",), schemes=("float",), forms=recipe.Forms.off(), threads=("all",))
    expect = recipe.Expect(model=SHA, data=SHA, candidate=SHA)
    solved = asked.solved(space=space, expect=expect, threads=2, trained=None, base=tmp_path / "run")
    assert solved.is_solved
    assert (solved.space, solved.expect, solved.threads) == (space, expect, 2)
    assert solved.base == tmp_path / "run"
    assert solved.model.path == "../recipes/models/m.onnx"
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "solved.yaml").write_text(recipe.dump(solved))
    assert recipe.load(tmp_path / "run" / "solved.yaml") == solved
