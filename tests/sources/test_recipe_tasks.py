"""Every recipe that ships: it reads, its data fit its model, and its float model does what the recipe is about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autotune import recipe as recipes
from autotune.data import validate
from autotune.measure.compiled import compile_model
from autotune.measure.score import outputs
from autotune.sources import builtin
from autotune.sources.datasets import load_data
from autotune.sources.media import reading
from autotune.sources.model import conform, locate, read
from autotune.tasks import metrics

RECIPES = Path(__file__).parents[2] / "recipes"


def test_there_are_ten_and_each_says_what_it_is_about() -> None:
    found = sorted(RECIPES.glob("*.yaml"))
    assert len(found) >= 10
    for path in found:
        recipe = recipes.load(path)
        assert recipe.name == path.stem
        assert recipe.metric.name in metrics.METRICS
        sources = [recipe.data.calibration, recipe.data.search, recipe.data.holdout] if recipe.data.separate else []
        assert all(source.builtin in builtin.BUILTINS for source in sources or [recipe.data])
        assert path.read_text().startswith("# ")


# Other recipes: tests/sources/test_builtin.py, and those of transformers folders where these are tested.
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "least"),
    [
        ("notes", {"pieces": 12}, 0.7),
        ("speech-frames", {"mixes": 1, "frames": 8}, 0.8),
        ("text-direction", {"lines": 60}, 0.85),
        ("text-finding", {"pages": 10}, 0.7),
        ("text-reading", {"lines": 40}, 0.7),
    ],
)
def test_a_float_model_on_some_of_its_data(name: str, options: dict[str, int], least: float) -> None:
    recipe = recipes.load(RECIPES / f"{name}.yaml")
    said: list[str] = []
    data = builtin.load(recipe.data.builtin, options, said.append)
    validate(data, name)
    assert said[0].startswith(f"{recipe.data.builtin}: ")
    model, _ = read(locate(recipe), dict(recipe.inputs), data)
    data = conform(data, model, name)
    metric = metrics.get(recipe.metric, recipe.base, False)
    metrics.check_labels(metric, data.labels)
    got = outputs(compile_model(model, "f32", 1), data, 0, len(data))
    assert metric.value(metric.per_sample(got, data.labels, None), data.labels) >= least


@pytest.mark.network
@pytest.mark.slow
def test_page_layout() -> None:
    """A detector on boxes: the float model finds most of what is drawn."""
    pytest.importorskip("pycocotools")
    asked = recipes.load(RECIPES / "page-layout.yaml")
    asked = asked.model_copy(update={"data": asked.data.model_copy(update={"options": {"pages": 40}})})
    splits = load_data(asked, False, lambda _: None)
    model, notes = read(locate(asked), dict(asked.inputs), splits.search)
    assert notes == []
    metric = metrics.of_boxes(metrics.get(asked.metric, asked.base, False), reading(asked, splits.search, False))
    part = conform(splits.search, model, "page-layout")
    metrics.check_labels(metric, part.labels)
    got = outputs(compile_model(model, "f32", 1), part, 0, len(part))
    assert metric.value(metric.per_sample(got, part.labels, None), part.labels) >= 0.6


@pytest.mark.network
def test_rated_pairs() -> None:
    parts = [builtin.load("rated-pairs", {"part": part}, lambda _: None) for part in (1, 2, 3)]
    assert [len(part) for part in parts] == [66, 120, 231]
    texts = [{*part["text"], *part["text_pair"]} for part in parts]
    assert [len(some) for some in texts] == [12, 16, 22]
    assert not texts[0] & texts[1]
    assert not texts[2] & (texts[0] | texts[1])
    everything = builtin.load("rated-pairs", {}, lambda _: None)
    assert np.asarray(everything["label"]).min() >= 0
    assert np.asarray(everything["label"]).max() <= 1
