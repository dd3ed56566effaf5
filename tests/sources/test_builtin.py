"""The builtin datasets, and the shipped recipes' float models on them. Packages are downloaded at first use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autotune import recipe as recipes
from autotune.data import Dataset, digest, validate
from autotune.frozen import FrozenMap
from autotune.sources import builtin
from autotune.sources.builtin.python_files import features
from autotune.sources.datasets import load_data
from autotune.sources.model import conform_splits, locate, read
from autotune.tasks import metrics

RECIPES = Path(__file__).parents[2] / "recipes"

pytestmark = pytest.mark.network


def test_features_of_a_small_and_a_large_file():
    small = features(b"  ab \n", b"  ab \n")
    assert small[:5].tolist() == [ord("a"), ord("b"), ord(" "), ord("\n"), 256]
    assert small[-5:].tolist() == [256, ord(" "), ord(" "), ord("a"), ord("b")]
    assert (small == 256).sum() == 2048 - 4 - 4
    content = bytes(range(33, 133)) * 100
    large = features(content[:4096], content[-4096:])
    assert large.tolist() == list(content[:1024]) + list(content[-1024:])
    assert features(b"   ", b"   ").tolist() == [256] * 2048


def test_python_files():
    said: list[str] = []
    data = builtin.load("python-files", {}, said.append)
    validate(data, "python-files")
    assert len(data) >= 500  # over 1,000 with all of autotune's dependencies
    assert data.inputs["bytes"].dtype == np.int32
    assert data.inputs["bytes"].shape[1:] == (2048,)
    counts = np.unique(data.labels, return_counts=True)[1]
    assert counts.min() >= 10
    assert counts.max() <= 200
    assert len(np.unique(data.inputs["bytes"], axis=0)) == len(data)
    assert said[0].startswith(f"python-files: {len(data)} files of {len(counts)} types")
    fewer = builtin.load("python-files", {"per_type": 12, "at_least": 12}, said.append)
    assert set(np.unique(fewer.labels, return_counts=True)[1]) == {12}


def test_pages_are_the_same_every_time_and_turned_clockwise():
    first, again = (builtin.load("document-pages", {"pages": 2}, lambda _: None) for _ in range(2))
    x = first.inputs["x"]
    assert (x.shape, x.dtype) == ((8, 3, 224, 224), np.float32)
    np.testing.assert_array_equal(x, again.inputs["x"])
    assert first.labels.tolist() == [0, 1, 2, 3] * 2
    assert first.groups.tolist() == [0] * 4 + [1] * 4
    np.testing.assert_allclose(np.rot90(x[0], -1, axes=(1, 2)), x[1], atol=0.1)
    np.testing.assert_allclose(np.rot90(x[0], -3, axes=(1, 2)), x[3], atol=0.1)


def test_mnist():
    data = builtin.load("mnist-5k", {}, lambda _: None)
    assert (data.inputs["image"].shape, np.bincount(data.labels).tolist()) == ((5000, 1, 28, 28), [500] * 10)
    assert (data.inputs["image"].min(), data.inputs["image"].max()) == (0, 1)
    rest = builtin.load("mnist-5k", {"skip_per_digit": 499}, lambda _: None)
    assert rest.labels.tolist() == list(range(10))


def test_topic_pairs_share_no_text():
    table = builtin.load("topic-pairs", {"pairs": 400}, lambda _: None)
    assert (len(table), int(table["label"].sum())) == (400, 200)
    texts = [*table["text"], *table["text_pair"]]
    assert len(set(texts)) == 800
    assert all(texts)


def outputs(model, dataset: Dataset) -> dict[str, np.ndarray]:
    import openvino as ov

    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return {"y": np.concatenate([compiled(dataset.row(i))[0] for i in range(len(dataset))])}


@pytest.mark.slow
@pytest.mark.parametrize(
    # The files are those of this Python with all that is installed beside it: more of it, more kinds of files.
    # Typesetting all pages takes half a minute; these are those of tests/e2e too.
    ("name", "options", "least"),
    [("file-type", {}, 0.85), ("page-orientation", {"pages": 40}, 0.9), ("digits", {}, 0.97)],
)
def test_the_shipped_recipes_give_a_good_float_model_and_untangled_splits(
    name: str, options: dict[str, int], least: float
):
    recipe = recipes.load(RECIPES / f"{name}.yaml")
    if options:
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"options": FrozenMap(options)})})
    splits = load_data(recipe, False, lambda _: None)
    model, _ = read(locate(recipe), dict(recipe.inputs), splits.search)
    splits = conform_splits(splits, model)
    metric = metrics.get(recipe.metric, recipe.base, False)
    metrics.check_labels(metric, splits.search.labels)
    part = splits.search
    score = metric.value(metric.per_sample(outputs(model, part), part.labels, None), part.labels)
    assert score >= least
    if splits.holdout.groups is not None:
        assert not set(splits.search.groups.tolist()) & set(splits.holdout.groups.tolist())
    assert digest(splits) == digest(conform_splits(splits, model))
