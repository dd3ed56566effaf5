"""Recipes built on others: what is merged, where paths start from, and which file and line an error names."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotune import recipe
from autotune.errors import UserError

BASE = """\
version: 1
name: base
description: What others are built on.
model: {path: models/m.onnx}
data:
  path: d.npz
  split: {calibration: 0.2, search: 0.2, holdout: 0.6}
metric: accuracy
tolerance: {max_drop: 1%, confidence: 0.9}
space:
  preset: [performance, mixed]
  activations:
    estimator: {percentile: 0.999}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/base.yaml").write_text(BASE)
    return tmp_path


def load(folder: Path, text: str) -> recipe.Recipe:
    (folder / "mine.yaml").write_text(text)
    return recipe.load(folder / "mine.yaml")


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as error:
        load(folder, text)
    message = str(error.value)
    assert "\n" not in message and message[-1] in ".?"
    return message.replace(f"{folder}/", "")


def test_mappings_are_merged_and_lists_replaced(folder: Path) -> None:
    made = load(folder, "include: shared/base.yaml\ntolerance: {max_drop: 2%}\nspace: {preset: mixed}\nseed: 3\n")
    assert made.tolerance == recipe.Tolerance(max_drop=recipe.Drop(0.02, True), confidence=0.9)
    assert made.space.preset == ("mixed",)
    assert made.space.activations.estimator == (recipe.EstimatorChoice("percentile", 0.999),)
    assert (made.seed, made.metric.name) == (3, "accuracy")


def test_name_and_description_are_a_files_own(folder: Path) -> None:
    made = load(folder, "include: shared/base.yaml\n")
    assert (made.name, made.description) == ("mine", None)


def test_included_paths_start_from_the_included_file(folder: Path) -> None:
    made = load(folder, "include: shared/base.yaml\ndata: {path: own.npz}\n")
    assert (made.model.path, made.data.path) == ("shared/models/m.onnx", "own.npz")
    assert made.base == folder


def test_another_source_takes_the_included_one_away(folder: Path) -> None:
    made = load(folder, "include: shared/base.yaml\ndata: {builtin: mnist-5k}\nmetric: {function: f.py:g}\n")
    assert (made.data.path, made.data.builtin, made.data.split.search) == (None, "mnist-5k", 0.2)
    assert (made.metric.name, made.metric.function) == (None, "f.py:g")


def test_an_estimator_is_one_value(folder: Path) -> None:
    made = load(folder, "include: shared/base.yaml\nspace: {activations: {estimator: {moving-average: 0.1}}}\n")
    assert made.space.activations.estimator == (recipe.EstimatorChoice("moving-average", 0.1),)


def test_null_takes_a_key_away(folder: Path) -> None:
    assert load(folder, "include: shared/base.yaml\ntolerance: null\n").tolerance == recipe.Tolerance()


def test_the_last_of_several_wins(folder: Path) -> None:
    (folder / "quick.yaml").write_text("version: 1\nbudget: {trials: 5}\ntolerance: {max_drop: 3%}\n")
    made = load(folder, "include: [shared/base.yaml, quick.yaml]\n")
    assert (made.budget.trials, str(made.tolerance.max_drop), made.tolerance.confidence) == (5, "3%", 0.9)


def test_a_recipe_that_comes_with_autotune(folder: Path) -> None:
    made = load(folder, "include: recipe:digits\nbudget: {trials: 3}\n")
    assert (made.base / str(made.model.path)).is_file()
    assert (made.data.builtin, made.budget.trials) == ("mnist-5k", 3)


def test_what_is_written_again_includes_nothing(folder: Path) -> None:
    made = load(folder, "include: shared/base.yaml\nseed: 1\n")
    (folder / "again.yaml").write_text(recipe.dump(made))
    assert recipe.load(folder / "again.yaml") == made


def test_errors_name_the_file_that_the_value_stands_in(folder: Path) -> None:
    wrong = BASE.replace("0.999", "0.2")
    (folder / "shared/wrong.yaml").write_text(wrong)
    assert refusal(folder, "include: shared/wrong.yaml\nseed: 1\n").startswith(
        "shared/wrong.yaml:13: space.activations.estimator.percentile: "
    )
    assert refusal(folder, "include: shared/base.yaml\n\ntolerance:\n  max_drop: 1 mile\n").startswith(
        "mine.yaml:4: tolerance.max_drop: "
    )
    assert refusal(folder, "include: shared/wrong.yaml\nsed: 1\n").startswith("mine.yaml:2: sed: unknown key 'sed'")


def test_a_missing_key_is_missing_in_the_including_file(folder: Path) -> None:
    (folder / "part.yaml").write_text("version: 1\nmetric: accuracy\ndata: {path: d.npz}\n")
    assert refusal(folder, "include: part.yaml\n") == "mine.yaml:1: model: is missing; add it."


def test_circles_are_refused(folder: Path) -> None:
    (folder / "other.yaml").write_text("version: 1\ninclude: mine.yaml\n")
    message = refusal(folder, "include: other.yaml\nseed: 1\n")
    assert message == "other.yaml:2: include: mine.yaml leads back to itself; a recipe cannot include itself."
    assert "leads back to itself" in refusal(folder, "include: [shared/base.yaml, mine.yaml]\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("include: none.yaml\n", "mine.yaml:1: include: there is no recipe file "),
        ("include: 3\n", "mine.yaml:1: include: must be a recipe file, or a list of them, not 3"),
        ("include:\n  - shared/base.yaml\n  - {a: 1}\n", "mine.yaml:3: include: must be a recipe file"),
        ("include: recipe:digit\n", "mine.yaml:1: include: there is no recipe:digit. Did you mean 'digits'?"),
        ("version: 2\ninclude: shared/base.yaml\n", "mine.yaml:1: version: 2 is newer"),
    ],
)
def test_wrong_includes(folder: Path, text: str, message: str) -> None:
    assert refusal(folder, text).startswith(message)


def test_the_version_of_every_file_is_read(folder: Path) -> None:
    (folder / "new.yaml").write_text("version: 2\nwhatever: 1\n")
    assert refusal(folder, "version: 1\ninclude: new.yaml\n").startswith("new.yaml:1: version: 2 is newer")


def test_all_problems_are_told(folder: Path) -> None:
    with pytest.raises(recipe.SchemaError) as error:
        load(folder, "include: shared/base.yaml\nseed: -1\nbudget: {trials: 0}\nsed: 1\n")
    assert [sentence.rsplit("/", 1)[1].split(": ")[1] for sentence in error.value.sentences] == [
        "seed", "budget.trials", "sed",
    ]  # fmt: skip
