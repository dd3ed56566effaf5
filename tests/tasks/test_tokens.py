"""Metrics of tokens and of pairs, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autotune.errors import UserError
from autotune.tasks.members import of_members
from autotune.tasks.metrics import METRICS

LABELS = np.array([[-100, 1, 0, -100], [-100, 2, -100, -100]])
LOGITS = np.zeros((2, 4, 3))
LOGITS[0, 1, 1] = LOGITS[0, 2, 2] = LOGITS[1, 1, 2] = 1.0


def test_token_accuracy() -> None:
    metric = METRICS["token-accuracy"](None)
    metric.check(LABELS)
    scores = metric.per_sample({"logits": LOGITS}, LABELS, None)
    assert scores.tolist() == [[1, 2], [1, 1]]
    assert metric.value(scores, LABELS) == pytest.approx(2 / 3)
    assert math.isnan(metric.value(np.zeros((1, 2)), None))


def test_perplexity() -> None:
    """Of three classes, one with a logit of 1: its probability is e / (e + 2), that of another 1 / (e + 2)."""
    metric = METRICS["perplexity"](None)
    scores = metric.per_sample({"logits": LOGITS}, LABELS, None)
    likely, other = math.log(math.e + 2) - 1, math.log(math.e + 2)
    np.testing.assert_allclose(scores, [[likely + other, 2], [likely, 1]])
    assert metric.value(scores, LABELS) == pytest.approx(math.exp((2 * likely + other) / 3))
    assert not metric.higher_is_better


def test_labels_and_outputs_that_do_not_fit() -> None:
    metric = METRICS["token-accuracy"](None)
    with pytest.raises(UserError, match="one whole number per token"):
        metric.check(np.array([0, 1]))
    with pytest.raises(UserError, match=r"the output's shape is \[2, 3\]"):
        metric.per_sample({"logits": np.zeros((2, 3))}, LABELS, None)
    with pytest.raises(UserError, match="a label is 2, but the output has 2 classes"):
        metric.per_sample({"logits": np.zeros((2, 4, 2))}, LABELS, None)


def test_pairs_are_scored_by_their_cosine() -> None:
    outputs = {"embedding": np.array([[[1, 0], [2, 0]], [[1, 0], [0, 1]], [[1, 0], [1, 1]]], dtype=float)}
    labels = np.array([3.0, 1.0, 2.0])
    metric = of_members(METRICS["spearman"](None), 2)
    scores = metric.per_sample(outputs, labels, None)
    np.testing.assert_allclose(scores, [1, 0, math.sqrt(0.5)])
    assert metric.value(scores, labels) == pytest.approx(1.0)
    area = of_members(METRICS["auc"](None), 2)
    classes = np.array([1, 0, 0])
    assert area.value(area.per_sample(outputs, classes, None), classes) == 1.0
    fidelity = METRICS["cosine-to-float"](None)
    assert of_members(fidelity, 2) is fidelity
    assert of_members(metric, 1) is metric


def test_any_subset_can_be_scored_from_the_per_sample_values() -> None:
    """What the bootstrap relies on."""
    random = np.random.default_rng(0)
    subset = random.integers(0, 20, 20)
    labels = random.integers(-1, 5, (20, 6))
    for name in ("token-accuracy", "perplexity"):
        _same_in_a_subset(name, {"y": random.standard_normal((20, 6, 5))}, labels, subset)


def _same_in_a_subset(name: str, outputs: dict[str, np.ndarray], labels: np.ndarray, subset: np.ndarray) -> None:
    metric = METRICS[name](None)
    whole = metric.per_sample(outputs, labels, None)
    part = metric.per_sample({key: values[subset] for key, values in outputs.items()}, labels[subset], None)
    assert whole.dtype == np.float64
    np.testing.assert_array_equal(whole[subset], part)
