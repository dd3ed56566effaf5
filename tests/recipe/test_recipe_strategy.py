"""What a recipe's strategy says, and that it is part of what a run is."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotune import recipe
from autotune.errors import UserError
from autotune.recipe import EstimatorChoice, Strategy
from autotune.space.public import narrowed

TEXT = """\
version: 1
model: {path: m.onnx}
data: {path: d.npz}
metric: accuracy
"""


def loaded(folder: Path, more: str = "") -> recipe.Recipe:
    (folder / "r.yaml").write_text(TEXT + more)
    return recipe.load(folder / "r.yaml")


def test_what_differs_is_said_and_the_default_is_not() -> None:
    assert not Strategy().note
    strategy = Strategy(prior=False, sampler="random")
    assert strategy.note == "The strategy is not the default: prior off, sampler random."


def test_the_order_alone_is_the_short_form(tmp_path: Path) -> None:
    short = loaded(tmp_path, "strategy: search\n")
    assert short.strategy == Strategy(order="search")
    assert "order: search" in recipe.dump(short)
    assert loaded(tmp_path, "strategy: ladder\n") == loaded(tmp_path)
    with pytest.raises(UserError, match=r"strategy\.order"):
        loaded(tmp_path, "strategy: lader\n")


def test_a_run_is_another_one_under_another_strategy(tmp_path: Path) -> None:
    plain, other = loaded(tmp_path), loaded(tmp_path, "strategy: {early_stopping: false}\n")
    assert set(other.essence.items()) - set(plain.essence.items()) == {("strategy.early_stopping", "false")}
    assert "early_stopping: false" in recipe.dump(other)
    assert "strategy" not in recipe.dump(plain)


def test_a_wrong_word_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"strategy\.sampler"):
        loaded(tmp_path, "strategy: {sampler: rando}\n")


def test_the_public_way_leaves_out_what_nncf_does_not_have(tmp_path: Path) -> None:
    left = narrowed(loaded(tmp_path).space)
    names = {choice.name for choice in left.space.activations.estimator}
    assert names == {"mean-min-max", "min-max", "percentile", "mse"}
    assert left.note == "Estimator moving-average and entropy left out: nncf.quantize has none of that kind."
    solved = loaded(tmp_path, "space: {activations: {estimator: mse}}\n").space
    assert narrowed(solved).space == solved
    assert solved.activations.estimator == (EstimatorChoice("mse"),)


def test_nothing_left_and_single_quantisers_are_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"r\.yaml:5: space\.activations\.estimator: nncf\.quantize has no entropy"):
        narrowed(loaded(tmp_path, "space: {activations: {estimator: entropy}}\n").space)
    with pytest.raises(UserError, match="cannot set single quantisers"):
        narrowed(loaded(tmp_path, "space: {activations: {quantizers: {a: {estimator: mse}}}}\n").space)
