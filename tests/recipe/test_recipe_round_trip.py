"""A recipe that is written and read again is the same recipe."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError
from recipe_strategies import recipes

from autotune import recipe
from autotune.recipe import EstimatorChoice, Range

FULL = """\
version: 1
name: file-type
model:
  package: magika==1.0.3
  file: magika/models/standard_v3_3/model.onnx
  sha256: "AAAAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
inputs: {bytes: [1, 2048]}
data:
  builtin: python-files
  options: {per_type: 60}
  split: {calibration: 0.15, search: 0.25, holdout: 0.6}
metric: accuracy
tolerance: {max_drop: 1%, max_latency: 5ms, confidence: 0.95, assurance: expected}
budget: {trials: 40, timeout: 3m}
threads: 2
seed: 0
space:
  precision: [f32, bf16, f16]
  schemes: [float, int8-static]
  placement: [plain, transformer]
  preset: [performance, mixed]
  operators: {"/conv1/Conv": float}
  activations:
    estimator: [mean-min-max, min-max, {moving-average: {low: 0.01, high: 0.5}}, {percentile: [0.999, 0.9999]}, mse,
                entropy]
    symmetry: [as-preset, symmetric, affine]
    quantizers: {"/conv1/Conv/fq_output_0": {estimator: mse, symmetry: affine}}
  weights: {granularity: [per-channel, per-tensor]}
  bias_correction: [true, false]
  overflow_fix: [off, first-layer, all]
expect:
  model: 0000000000000000000000000000000000000000000000000000000000000a00
  data: 0000000000000000000000000000000000000000000000000000000000000b00
  candidate: 0000000000000000000000000000000000000000000000000000000000000c00
"""
SHORT = """\
version: 1
model: {path: m.onnx}
data: {path: d.npz}
metric: accuracy
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "r.yaml"


def _load(file: Path, text: str) -> recipe.Recipe:
    file.write_text(text, encoding="utf-8")
    return recipe.load(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(asked=recipes)
def test_round_trip(file: Path, asked: recipe.Recipe) -> None:
    text = recipe.dump(asked)
    again = _load(file, text)
    assert again == asked
    assert hash(again) == hash(asked)
    assert again.essence == asked.essence
    assert recipe.dump(again) == text
    assert again.is_solved == asked.is_solved


def test_everything_that_can_be_said(file: Path) -> None:
    full = _load(file, FULL)
    assert full.model.sha256 == "a" * 64
    assert full.inputs["bytes"] == (1, 2048)
    assert full.data.options["per_type"] == 60
    assert full.data.label == "python-files"
    assert full.tolerance.max_latency_ms == 5.0
    assert full.budget.timeout_seconds == 180.0
    assert full.space.overflow_fix == ("off", "first-layer", "all")
    assert full.space.bias_correction == (True, False)
    assert full.space.activations.estimator == recipe.ActivationSpace().estimator
    assert full.space.activations.estimator[2] == EstimatorChoice("moving-average", Range(0.01, 0.5))
    assert full.space.activations.quantizers["/conv1/Conv/fq_output_0"].symmetry == ("affine",)
    assert full.base == file.parent
    assert _load(file, recipe.dump(full)) == full


def test_what_is_left_out_has_a_default_and_is_not_written(file: Path) -> None:
    short = _load(file, SHORT)
    assert short.name == "r"
    assert short.space == recipe.Space()
    assert short.threads is None
    assert short.tolerance.max_drop == recipe.Drop(0.01, True)
    assert recipe.dump(short) == SHORT.replace("version: 1\n", "version: 1\nname: r\n")


def test_digest_ignores_layout_name_and_budget(file: Path) -> None:
    short = _load(file, SHORT)
    other = _load(
        file,
        "metric: {name: accuracy}\nname: z\nbudget: {trials: 3}\n"
        "data: {path: d.npz}\nmodel:\n  path: m.onnx\nversion: 1\n",
    )
    assert other.essence == short.essence
    assert _load(file, SHORT + "seed: 1\n").essence != short.essence


def test_short_and_long_forms_of_a_metric(file: Path) -> None:
    function = _load(file, SHORT.replace("accuracy", "m.py:score"))
    assert function.metric == recipe.MetricSpec(function="m.py:score")
    output = _load(file, SHORT.replace("accuracy", "{name: accuracy, output: probs}"))
    assert (output.metric.label, output.metric.output) == ("accuracy", "probs")


def test_three_sources(file: Path) -> None:
    three = "data: {calibration: {path: c.npz}, search: {path: s.npz}, holdout: {function: h.py:load}}"
    asked = _load(file, SHORT.replace("data: {path: d.npz}", three))
    assert asked.data.separate
    assert asked.data.label == "calibration c.npz, search s.npz, holdout h.py:load"


def test_values_are_frozen(file: Path) -> None:
    full = _load(file, FULL)
    with pytest.raises(ValidationError):
        full.seed = 3
    with pytest.raises(ValidationError):
        full.space.weights.granularity = ("per-tensor",)
    for mapping in (full.inputs, full.space.operators, full.data.options):
        with pytest.raises(TypeError):
            mapping["x"] = 1  # type: ignore[index]
    assert pickle.loads(pickle.dumps(full)) == full


SOLVED = """\
space:
  precision: bf16
  schemes: int8-static
  placement: transformer
  preset: performance
  operators: {a: float}
  activations: {estimator: {percentile: 0.999}, symmetry: affine}
  weights: {granularity: per-tensor}
  bias_correction: false
  overflow_fix: off
  threads: all
  forms:
    smoothing: {use: true, alpha: 0.5}
    cross_layer_equalisation: {use: false}
    one_hot_as_lookup: {use: false}
    fused_activation: {use: false}
    convolution_borders: {use: false}
    outputs_as_channels: {use: false}
    linear_as_convolution: {use: true}
    late_quantizers: {use: false}
    direct_convolution: {use: false}
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bf16", "[bf16, f32]"),
        ("schemes: int8-static", "schemes: [int8-static, float]"),
        ("{a: float}", "{a: [float, int8-static]}"),
        ("0.999", "[0.999, 0.99]"),
        ("0.999", "{low: 0.9, high: 0.99}"),
        ("  bias_correction: false\n", ""),
        ("threads: all", "threads: fewer"),
        ("threads: all", "threads: [all, 1]"),
        ("affine}", "affine, quantizers: {q: {estimator: [mse, entropy]}}}"),
        ("affine}", "affine, quantizers: {q: {symmetry: [symmetric, affine]}}}"),
    ],
)
def test_solved_means_every_choice_fixed(file: Path, old: str, new: str) -> None:
    assert not _load(file, SHORT).is_solved
    assert _load(file, SHORT + SOLVED).is_solved
    assert old in SOLVED
    assert not _load(file, SHORT + SOLVED.replace(old, new)).is_solved


def test_a_float_model_is_solved_by_its_precision(file: Path) -> None:
    assert _load(
        file, SHORT + "space: {precision: f32, schemes: float, forms: off, bf16_operators: false, threads: all}\n"
    ).is_solved
    assert not _load(file, SHORT + "space: {schemes: float}\n").is_solved


def test_schema_is_json_and_names_every_key() -> None:
    schema = json.loads(json.dumps(recipe.json_schema()))
    assert set(schema["properties"]) == {*recipe.Recipe.model_fields, "include"}
    assert schema["additionalProperties"] is False
