from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, roc_auc_score

from autotune.errors import UserError
from autotune.recipe import MetricSpec
from autotune.tasks.metrics import METRICS, check_labels, get


def metric(name: str, tmp_path=None, **more):
    return get(MetricSpec(name=name, **more), tmp_path, trust_code=False)


def scored(name: str, output, labels, reference=None, **more) -> tuple[list[float], float]:
    m = metric(name, **more)
    reference = None if reference is None else {"y": np.asarray(reference)}
    per_sample = m.per_sample({"y": np.asarray(output)}, np.asarray(labels), reference)
    return per_sample.tolist(), m.value(per_sample, np.asarray(labels))


def test_accuracy_by_hand():
    assert scored("accuracy", [[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 1, 1]) == ([1, 0, 1], pytest.approx(2 / 3))


def test_accuracy_of_classes_and_of_pixels_and_of_tokens():
    assert scored("accuracy", np.array([[2], [1]]), [2, 0])[1] == 0.5
    pixels = np.zeros((2, 3, 2, 2))  # n, classes, height, width
    pixels[:, 1] = 1
    assert scored("accuracy", pixels, [[[1, 1], [1, 0]], [[1, 1], [1, 1]]])[0] == [0.75, 1]
    tokens = np.zeros((1, 4, 3))  # n, length, classes
    tokens[0, :, 2] = 1
    assert scored("accuracy", tokens, [[2, 2, 0, 0]])[0] == [0.5]


def test_f1_by_hand():
    # Class 0: precision 1/2, recall 1/1: 2/3. Class 1: precision 1/1, recall 1/2: 2/3.
    predictions, value = scored("f1", [[1, 0], [1, 0], [0, 1]], [0, 1, 1])
    assert (predictions, value) == ([0, 0, 1], pytest.approx(2 / 3))


def test_auc_by_hand():
    # Of the four (negative, positive) pairs three are in order.
    assert scored("auc", [0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])[1] == pytest.approx(0.75)
    assert scored("auc", [[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]], [0, 0, 1, 1])[1] == pytest.approx(0.75)


def test_auc_of_several_classes_is_the_mean_of_one_against_the_rest():
    random = np.random.default_rng(0)
    scores, labels = random.random((60, 3)), np.arange(60) % 3
    scores /= scores.sum(1, keepdims=True)
    expected = roc_auc_score(labels, scores, multi_class="ovr", average="macro")
    assert scored("auc", scores, labels)[1] == pytest.approx(expected)


def test_auc_counts_ties_half_and_leaves_out_classes_that_do_not_occur():
    random = np.random.default_rng(1)
    scores, labels = random.integers(0, 5, (200, 6)).astype(float), random.integers(0, 5, 200)
    expected = np.mean([roc_auc_score(labels == k, scores[:, k]) for k in range(5)])
    assert scored("auc", scores, labels)[1] == pytest.approx(expected)


def test_auc_and_correlations_are_nan_where_undefined():
    assert np.isnan(scored("auc", [0.1, 0.4], [1, 1])[1])
    assert np.isnan(scored("spearman", [1.0, 1.0, 1.0], [1, 2, 3])[1])
    assert np.isnan(scored("pearson", [1.0], [1])[1])


def test_errors_by_hand():
    assert scored("mae", [[1.0], [5.0]], [2.0, 2.0]) == ([1, 3], 2)
    assert scored("mae", [[1.0, 3.0], [5.0, 2.0]], [[1.0, 1.0], [2.0, 2.0]]) == ([1, 1.5], 1.25)
    assert scored("rmse", [1.0, 5.0], [2.0, 2.0]) == ([1, 9], pytest.approx(5**0.5))


def test_correlations_by_hand():
    assert scored("spearman", [1.0, 10.0, 100.0], [1, 2, 3])[1] == pytest.approx(1)
    assert scored("pearson", [[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0])[1] == pytest.approx(0.9819805)


def test_cosine_to_float_by_hand():
    ours, theirs = [[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]], [[2.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]
    per_sample, value = scored("cosine-to-float", ours, [0, 0, 0, 0], theirs)
    assert per_sample == pytest.approx([1, 0.5**0.5, 1, 0])
    assert value == pytest.approx(np.mean([1, 0.5**0.5, 1, 0]))


def test_cosine_of_tiny_and_huge_outputs():
    tiny = np.array([[1e-30, 1e-30]], np.float32)
    assert scored("cosine-to-float", tiny, [0], tiny)[1] == pytest.approx(1)
    assert scored("cosine-to-float", tiny * np.float32(1e38) * np.float32(1e30), [0], tiny)[1] == pytest.approx(1)


def test_cosine_of_several_outputs_is_their_mean():
    m = metric("cosine-to-float")
    ones, left, right = np.ones((2, 3)), np.array([[1.0, 0], [1, 0]]), np.array([[0.0, 1], [1, 0]])
    assert m.per_sample({"a": ones, "b": left}, None, {"a": ones, "b": right}).tolist() == pytest.approx([0.5, 1])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(10, 60))
def test_any_subset_can_be_scored_from_the_per_sample_values(seed, classes, n):
    """What the bootstrap relies on; and means are means."""
    random = np.random.default_rng(seed)
    outputs, labels = random.normal(size=(n, classes)), random.integers(0, classes, n)
    reference = {"y": outputs + random.normal(size=outputs.shape)}
    subset = random.integers(0, n, n)
    # Of labels of other shapes: test_tokens.py, test_characters_and_marks.py, test_mean_iou.py, test_detection.py.
    others = {"token-accuracy", "perplexity", "answer-f1", "answer-exact", "character-accuracy", "mark-f1", "mean-iou"}
    for name in sorted(METRICS.keys() - others - {"map", "map-50"}):
        m = metric(name)
        one = name in ("spearman", "pearson", "mae", "rmse")
        y = outputs[:, :1] if one else outputs
        per_sample = m.per_sample({"y": y}, labels, reference)
        assert per_sample.dtype == np.float64
        assert len(per_sample) == n
        again = m.per_sample({"y": y[subset]}, labels[subset], {"y": reference["y"][subset]})
        np.testing.assert_array_equal(per_sample[subset], again)
        if m.is_mean:
            assert per_sample.shape == (n,)
            assert m.value(per_sample, labels) == pytest.approx(per_sample.mean())
    predictions = metric("f1").per_sample({"y": outputs}, labels, None)
    assert metric("f1").value(predictions, labels) == pytest.approx(
        f1_score(labels, outputs.argmax(1), labels=np.unique(labels), average="macro", zero_division=0)
    )


@pytest.mark.parametrize(
    ("name", "output", "labels", "message"),
    [
        ("accuracy", np.zeros((2, 10)), [3, 12], "a label is 12, but the output has 10 classes"),
        ("accuracy", np.zeros((2, 1)), [0, 1], "cannot tell classes from one number per sample"),
        ("accuracy", np.zeros((2, 3, 4)), [0, 1], r"labels of shape \[2\]; the output's shape is \[2, 3, 4\]"),
        ("mae", np.zeros((2, 3)), [0, 1], r"the output's is \[2, 3\], the labels' \[2\]"),
        ("spearman", np.zeros((2, 3)), [0, 1], r"one value per sample; the output's shape is \[2, 3\]"),
        ("auc", np.zeros((2, 3, 3)), [0, 1], "one value per sample"),
    ],
)
def test_outputs_that_do_not_fit(name, output, labels, message):
    with pytest.raises(UserError, match=message):
        scored(name, output, labels)


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("accuracy", None, "data: has no 'labels'; accuracy needs one per sample"),
        (
            "accuracy",
            np.array([0.5, 1]),
            "these are float64; convert them, or choose rmse, mae, spearman or pearson if",
        ),
        ("accuracy", np.array([-1, 1]), "the smallest label is -1"),
        ("accuracy", np.array(["cat", "dog"]), "needs class numbers"),
        ("f1", np.zeros((2, 2), int), r"one label per sample; the labels' shape is \[2, 2\]"),
        ("mae", np.array(["a", "b"]), "needs numbers"),
        ("accuracy", np.ones(5, int), "all 5 labels are the same"),
        ("pearson", np.zeros((2, 2)), "one value per sample"),
    ],
)
def test_labels_that_do_not_fit(name, labels, message):
    with pytest.raises(UserError, match=message):
        check_labels(metric(name), labels)


def test_labels_that_fit():
    check_labels(metric("cosine-to-float"), None)
    check_labels(metric("accuracy"), np.array([True, False]))
    check_labels(metric("mae"), np.array([0.5, 1]))


def test_unknown_names_get_a_suggestion():
    with pytest.raises(UserError, match=r"there is no 'acuracy'. Did you mean 'accuracy'?"):
        metric("acuracy")
    with pytest.raises(UserError, match=r"Known: accuracy, answer-exact, .*token-accuracy\."):
        metric("bleu")


def test_several_outputs_need_a_name():
    outputs = {"logits": np.eye(2), "other": np.zeros((2, 5))}
    with pytest.raises(UserError, match=r"2 outputs \(logits, other\).*output: logits"):
        metric("accuracy").per_sample(outputs, np.arange(2), None)
    with pytest.raises(UserError, match=r"no output 'logit'. Did you mean 'logits'?"):
        metric("accuracy", output="logit").per_sample(outputs, np.arange(2), None)
    assert metric("accuracy", output="logits").per_sample(outputs, np.arange(2), None).tolist() == [1, 1]
