from __future__ import annotations

import numpy as np
import pytest

from autotune.errors import UserError
from autotune.recipe import MetricSpec
from autotune.tasks.metrics import check_labels, get

CODE = """
import numpy as np
from helper import HALF

def per_sample(outputs, labels):
    return (outputs["y"].argmax(1) == labels) * HALF

def corpus(outputs, labels):
    assert outputs["y"].dtype == np.float32 and outputs["z"].shape[1:] == (2, 2)
    return float(np.corrcoef(outputs["y"][:, 0], labels)[0, 1])

def one_output(outputs, labels):
    (y,) = outputs.values()
    return y[:, 0]

def broken(outputs, labels):
    return outputs["nothing"]

def wrong_shape(outputs, labels):
    return np.zeros((len(labels), 2))

def text(outputs, labels):
    return "good"

def nan(outputs, labels):
    return float("nan")

LIMIT = 3
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "metric.py").write_text(CODE)
    (tmp_path / "helper.py").write_text("HALF = 0.5\n")
    return tmp_path


OUTPUTS = {
    "y": np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32),
    "z": np.zeros((8, 2, 2), np.int64),
}
LABELS = np.arange(8) % 3


def metric(folder, name: str, **more):
    return get(MetricSpec(function=f"metric.py:{name}", **more), folder, trust_code=True)


def test_one_score_per_sample(folder):
    m = metric(folder, "per_sample", direction="lower")
    scores = m.per_sample(OUTPUTS, LABELS, None)
    assert scores.tolist() == ((OUTPUTS["y"].argmax(1) == LABELS) * 0.5).tolist()
    assert (m.is_mean, m.higher_is_better, m.value(scores, LABELS)) == (True, False, pytest.approx(scores.mean()))
    check_labels(m, None)


def test_one_number_is_computed_again_for_any_subset(folder):
    m = metric(folder, "corpus")
    kept = m.per_sample(OUTPUTS, LABELS, None)
    assert (m.is_mean, m.higher_is_better, kept.shape, kept.dtype) == (False, True, (8, 7), np.float64)
    subset = [0, 3, 5, 6]
    expected = np.corrcoef(OUTPUTS["y"][subset, 0], LABELS[subset])[0, 1]
    assert m.value(kept[subset], LABELS[subset]) == pytest.approx(expected)


def test_one_number_may_be_undefined_for_a_subset(folder):
    m = metric(folder, "corpus")
    kept = m.per_sample(OUTPUTS, LABELS, None)
    assert np.isnan(m.value(kept[[0, 0]], LABELS[[0, 0]]))


def test_only_the_named_output_is_passed(folder):
    m = metric(folder, "one_output", output="y")
    assert m.per_sample(OUTPUTS, None, None).tolist() == OUTPUTS["y"][:, 0].tolist()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", r"metric\.py:broken raised KeyError: 'nothing' \(metric\.py, line 17\)"),
        ("wrong_shape", r"metric\.py:wrong_shape returned shape \[8, 2\] for 8 samples"),
        ("text", r"metric\.py:text returned str; return one score per sample or one number"),
        ("nan", r"metric\.py:nan returned NaN"),
    ],
)
def test_what_the_function_does_wrong_is_named(folder, name, message):
    with pytest.raises(UserError, match=message):
        metric(folder, name).per_sample(OUTPUTS, LABELS, None)


def test_code_runs_only_when_trusted(folder):
    (folder / "metric.py").write_text("raise SystemExit('ran')")
    with pytest.raises(UserError, match=r"metric\.py:score is code that would run.*--trust-code"):
        get(MetricSpec(function="metric.py:score"), folder, trust_code=False)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("metric.py:per_sampel", r"has no function 'per_sampel'. Did you mean 'per_sample'?"),
        ("metric.py:LIMIT", "has no function 'LIMIT'"),
        ("nowhere.py:score", r"nowhere\.py does not exist"),
        ("bad.py:score", r"bad\.py raised ZeroDivisionError: division by zero \(bad\.py, line 1\)"),
        ("syntax.py:score", r"raised SyntaxError: '\(' was never closed \(syntax\.py, line 1\)\.$"),
        ("script.py:score", r"script\.py raised SystemExit: 2 \("),
    ],
)
def test_functions_that_cannot_be_had(folder, spec, message):
    (folder / "bad.py").write_text("1 / 0\n")
    (folder / "syntax.py").write_text("def score(\n")
    (folder / "script.py").write_text("import argparse\nargparse.ArgumentParser().parse_args(['surplus'])\n")
    with pytest.raises(UserError, match=message):
        get(MetricSpec(function=spec), folder, trust_code=True)
