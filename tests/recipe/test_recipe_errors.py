# ruff: noqa: E501 (one mistake and its sentence per line)
"""Every mistake in a recipe is one sentence with file, line, key and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotune import recipe
from autotune.errors import UserError

GOOD = """\
version: 1
model: {path: m.onnx}
data:
  path: d.npz
metric: accuracy
"""
SHA = "ab" * 32


def refusal(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as error:
        recipe.load(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert message[-1] in ".?"
    return message.removeprefix(str(path))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.yaml"


def test_the_example_of_the_manual(path: Path) -> None:
    text = GOOD + "space:\n  activations:\n    estimator: mes\n"
    assert refusal(path, text) == ":8: space.activations.estimator: unknown estimator 'mes'. Did you mean 'mse'?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: the recipe is empty"),
        ("# nothing\n", ":1: the recipe is empty"),
        ("- a\n- b\n", ":1: a recipe is a mapping of keys such as 'version: 1', not a list"),
        ("just text\n", ":1: a recipe is a mapping"),
        ("version: 1\nmodel: {path: [\n", ": broken YAML"),
        ("version: 1\n\tmodel: 2\n", ":2: broken YAML"),
        ("version: 1\na: b: c\n", ":2: broken YAML"),
        (
            "version: 1\nmodel: {path: a, path: b}\n",
            ":2: the key 'path' stands twice in the mapping that begins on line 2;",
        ),
        (
            "version: 1\nseed: 1\nname: a\nseed: 2\n",
            ":4: the key 'seed' stands twice in the mapping that begins on line 1; keep",
        ),
        ("version: 1\n---\nversion: 1\n", ":2: a second document starts here"),
        ("version: 1\nname: \x01\n", ":2: holds a character"),
        ("&all\nversion: 1\nmodel: *all\n", ":3: model: contains itself"),
        ("version: 1\nname: !x y\n", ":2: name: the tag !x is not allowed"),
        ("version: 1\nmodel: *nothing\n", ":2: broken YAML"),
        ("version: 1\n1: 2\n", ":2: 1: a key must be text; put it in quotes: '1'"),
    ],
)
def test_what_is_not_a_recipe(path: Path, text: str, message: str) -> None:
    assert message in refusal(path, text)


def test_files_that_cannot_be_read(path: Path) -> None:
    (path.parent / "other.yaml").write_text(GOOD)
    with pytest.raises(UserError, match=r"x\.yaml: no such recipe file; .* holds other\.yaml\."):
        recipe.load(path)
    with pytest.raises(UserError, match="is a folder"):
        recipe.load(path.parent)
    path.write_bytes(b"version: 1\nname: \xff\n")
    with pytest.raises(UserError, match="is not UTF-8"):
        recipe.load(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (None, ":1: version: is missing; write 'version: 1'."),
        ("version: 2", ":1: version: 2 is newer than this autotune reads (1); upgrade autotune."),
        ("version: 0", ":1: version: there is no version 0; write 'version: 1'."),
        ("version: '1'", ":1: version: must be the number 1, not '1'."),
        ("version: true", ":1: version: must be the number 1, not true."),
        ("version: 1.0", ":1: version: must be the number 1, not 1.0."),
    ],
)
def test_version(path: Path, line: str | None, message: str) -> None:
    rest = GOOD.removeprefix("version: 1\n") + "keys_of_the_future: 3\n"
    assert refusal(path, rest if line is None else f"{line}\n{rest}") == message


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("tolerence: {}", ":6: tolerence: unknown key 'tolerence'. Did you mean 'tolerance'?"),
        ("space:\n  activations:\n    estmator: mse", ":8: space.activations.estmator: unknown key 'estmator'. Did you mean 'estimator'?"),
        ("space: {weights: {granularty: per-tensor}}", ":6: space.weights.granularty: unknown key 'granularty'. Did you mean 'granularity'?"),
        ("space: {activations: {quantizers: {q: {estimater: mse}}}}", "quantizers.q.estimater: unknown key 'estimater'. Did you mean 'estimator'?"),
        ("space: {precision: f23}", ":6: space.precision: unknown precision 'f23'. Did you mean 'f32'?"),
        ("space:\n  precision:\n    - f32\n    - f23", ":9: space.precision: unknown precision 'f23'. Did you mean 'f32'?"),
        ("space: {schemes: int8}", ":6: space.schemes: unknown scheme 'int8'. Known: float, int8-dynamic, int8-static, int8-weights."),
        ("space: {schemes: int8-wieghts}", ":6: space.schemes: unknown scheme 'int8-wieghts'. Did you mean 'int8-weights'?"),
        ("space: {compression: {dynamic_group: 100}}", ":6: space.compression.dynamic_group: unknown dynamic group 100. Known: 128, 32, 64."),
        ("space: {compression: {weight_group: 100}}", ":6: space.compression.weight_group: unknown weight group 100. Known: 128, 32, 64, per-channel."),
        ("space: {compression: {symmetry: afine}}", ":6: space.compression.symmetry: unknown symmetry 'afine'. Did you mean 'affine'?"),
        ("space: {operators: {a.b/c: flaot}}", ":6: space.operators.a.b/c: unknown scheme 'flaot'. Did you mean 'float'?"),
        ("space: {weights: {granularity: per_channel}}", ": unknown granularity 'per_channel'. Did you mean 'per-channel'?"),
        ("space: {overflow_fix: false}", ": unknown overflow fix false. Known: all, first-layer, off."),
        ("space: {bias_correction: yes}", ":6: space.bias_correction: must be true or false, not 'yes'."),
        ("space: {bias_correction: 1}", ":6: space.bias_correction: must be true or false, not 1."),
        ("space: {preset: []}", ":6: space.preset: an empty list leaves nothing to choose."),
        ("space: {activations: {estimator: []}}", ": an empty list leaves nothing to choose."),
        ("space: {preset: {low: 1, high: 2}}", ": must be a value or a list of values, not a mapping."),
        ("space: {preset: [mixed, mixed]}", ":6: space.preset: lists 'mixed' twice."),
        ("space: {preset: [mixed, null]}", ": unknown preset nothing. Known: mixed, performance."),
        ("space: {activations: {estimator: [mse, mse]}}", ": lists mse twice."),
        ("space: {activations: {estimator: percentile}}", ": 'percentile' needs its parameter, such as {percentile: 0.999}."),
        ("space: {activations: {estimator: {mse: 3}}}", ": 'mse' takes no parameter, write just mse."),
        ("space: {activations: {estimator: {percentile: 0.5}}}", ":6: space.activations.estimator.percentile: must be above 0.5 and at most 1, not 0.5."),
        ("space: {activations: {estimator: {percentile: 99.9}}}", ": must be above 0.5 and at most 1, not 99.9."),
        ("space: {activations: {estimator: {percentile: .nan}}}", ": must be above 0.5 and at most 1, not nan."),
        ("space: {activations: {estimator: {percentile: high}}}", ": must be a number such as {percentile: 0.999}, not 'high'."),
        ("space: {activations: {estimator: {moving-average: 0}}}", ": must be above 0 and at most 1, not 0."),
        ("space: {activations: {estimator: {moving-average: 1.5}}}", ": must be above 0 and at most 1, not 1.5."),
        ("space: {activations: {estimator: {moving-average: []}}}", ": an empty list leaves nothing to choose."),
        ("space: {activations: {estimator: {moving-average: {low: 0.5, high: 0.1}}}}", ": the range's low (0.5) must be below its high (0.1)."),
        ("space: {activations: {estimator: {moving-average: {low: 0.5, high: 0.5}}}}", ": the range's low (0.5) must be below its high (0.5)."),
        ("space: {activations: {estimator: {moving-average: {low: 0.5}}}}", ": a range is written as {low: NUMBER, high: NUMBER}."),
        ("space:\n  activations:\n    estimator:\n      - mse\n      - percentile: 2", ":10: space.activations.estimator.percentile: must be above"),
        ("space: {activations: {quantizers: {q: {}}}}", ":6: space.activations.quantizers.q: needs estimator or symmetry."),
        ("space: {activations: {quantizers: {q: mse}}}", ": must be a mapping of keys, not 'mse'."),
        ("space: [f32]", ":6: space: must be a mapping of keys, not a list."),
        ("tolerance: {max_drop: 100%}", ":6: tolerance.max_drop: 100% would allow losing the whole score: give less than 100%."),
        ("tolerance: {max_drop: -1%}", ":6: tolerance.max_drop: must be zero or more and finite, not -1%:"),
        ("tolerance: {max_drop: -0.5}", ":6: tolerance.max_drop: must be zero or more and finite, not -0.5:"),
        ("tolerance: {max_drop: .nan}", ":6: tolerance.max_drop: must be zero or more and finite, not nan:"),
        ("tolerance: {max_drop: little}", ":6: tolerance.max_drop: 'little' is not a drop: write"),
        ("tolerance:\n  max_drop: 1", ":7: tolerance.max_drop: 1 is the whole of accuracy; did you mean '1%'?"),
        ("tolerance: {max_latency: 5 parsec}", ":6: tolerance.max_latency: '5 parsec' is not a latency: write '5ms' or '0.8ms'."),
        ("tolerance: {min_speedup: 5 parsec}", ":6: tolerance.min_speedup: '5 parsec' is not a speedup: write '1.5x' or 2."),
        ("tolerance: {min_speedup: 1x}", ":6: tolerance.min_speedup: must be above 1, which is float f32's own speed, not 1x:"),
        ("tolerance: {max_size: 5 parsec}", ":6: tolerance.max_size: '5 parsec' is not a size: write '25MB' or '800kB'."),
        ("tolerance: {max_size: 0.1B}", ":6: tolerance.max_size: must be at least one byte, not 0.1B: write '25MB' or '800kB'."),
        ("tolerance: {max_memory: -5MB}", ":6: tolerance.max_memory: '-5MB' is not a size: write '25MB' or '800kB'."),
        ("tolerance: {max_memory: 0}", ":6: tolerance.max_memory: must be above zero and finite, not 0: write '25MB' or '800kB'."),
        ("tolerance: {max_latency: -1}", ":6: tolerance.max_latency: must be above zero"),
        ("tolerance: {confidence: 95}", ":6: tolerance.confidence: must be below 1, not 95."),
        ("tolerance: {confidence: high}", ":6: tolerance.confidence: must be a number, not 'high'."),
        ("tolerance: {assurance: prooven}", ":6: tolerance.assurance: unknown assurance 'prooven'. Did you mean 'proven'?"),
        ("budget: {trials: 0}", ":6: budget.trials: must be at least 1, not 0."),
        ("budget: {trials: many}", ":6: budget.trials: must be a whole number, not 'many'."),
        ("budget: {trials: 1.5}", ":6: budget.trials: must be a whole number, not 1.5."),
        ("budget: {timeout: soon}", ":6: budget.timeout: 'soon' is not a duration: write '10m', '90s' or '1h'."),
        ("threads: 0", ":6: threads: must be at least 1, not 0."),
        ("threads: '2'", ":6: threads: must be a whole number, not '2'."),
        ("seed: -1", ":6: seed: must be at least 0, not -1."),
        ("seed: true", ":6: seed: must be a whole number, not true."),
        ("name: a/b", ":6: name: 'a/b' cannot name a folder"),
        ("name: ''", ":6: name: must not be empty."),
        ("name: 2", ":6: name: must be text, not 2."),
        ("inputs: {x: [1, 0]}", ":6: inputs.x: must be at least 1, not 0."),
        ("inputs: {x: 3}", ":6: inputs.x: must be a list, not 3."),
        ("expect: {model: abc}", ":6: expect.model: 'abc' is not a SHA-256: 64 hexadecimal digits."),
        (f"expect: {{model: {SHA}, data: {SHA}}}", ":6: expect.candidate: is missing; add it."),
    ],
)  # fmt: skip
def test_mistakes(path: Path, extra: str, message: str) -> None:
    assert message in refusal(path, GOOD + extra + "\n")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("metric: accuracy\n", "", ":1: metric: is missing; add it."),
        ("accuracy", "{function: score}", ":5: metric.function: 'score' is not FILE.py:function."),
        ("accuracy", "{name: f1, function: m.py:f}", ":5: metric: needs exactly one of name and function."),
        ("accuracy", "{name: f1, direction: lower}", ":5: metric.direction: 'f1' knows its own direction"),
        ("accuracy", "{function: m.py:f, direction: up}", ":5: metric.direction: unknown direction 'up'."),
        ("accuracy", "[a]", ":5: metric: must be a mapping of keys, not a list."),
        ("{path: m.onnx}", "m.onnx", ":2: model: must be a mapping of keys, not 'm.onnx'."),
        ("{path: m.onnx}", "{}", ":2: model: needs exactly one of path, package and function."),
        ("{path: m.onnx}", "{path: a, package: b==1}", ":2: model: needs exactly one of path, package and function, not path and package."),
        ("{path: m.onnx}", "{path: a, file: b}", ":2: model.file: belongs to package"),
        ("{path: m.onnx}", "{package: a==1}", ":2: model.file: is missing; a model from a package needs file."),
        ("{path: m.onnx}", f"{{package: a, file: f, sha256: {SHA}}}", ":2: model.package: 'a' must name one version"),
        ("{path: m.onnx}", "{package: a==1, file: f, sha256: abc}", ":2: model.sha256: 'abc' is not a SHA-256"),
        ("path: d.npz", "path: 3", ":4: data.path: must be text, not 3."),
        ("path: d.npz", "builtin: a\n  path: b", ":3: data: needs exactly one of builtin, path and function, not builtin and path."),
        ("path: d.npz", "split: {holdout: 0.6}", ":3: data: needs exactly one of builtin, path and function."),
        ("path: d.npz", "function: load.py", ":4: data.function: 'load.py' is not FILE.py:function."),
        ("path: d.npz", "path: d.npz\n  options: {a: 1}", ":5: data.options: only a builtin takes options."),
        ("path: d.npz", "builtin: b\n  options: {a: {b: 1}}", ":5: data.options.a: must be a text"),
        ("path: d.npz", "builtin: b\n  options: 3", ":5: data.options: must be a mapping of keys, not 3."),
        ("path: d.npz", "path: d.npz\n  split: {holdout: 0.7}", ":5: data.split: the shares calibration, search and holdout must sum to 1, not 1.1"),
        ("path: d.npz", "path: d.npz\n  split: {calibration: 0, search: 0.4, holdout: 0.6}", ":5: data.split.calibration: must be above 0, not 0."),
        ("path: d.npz", "calibration: {path: a}", ":3: data: calibration, search and holdout go together; search and holdout is missing."),
        ("path: d.npz", "path: d\n  calibration: {path: a}\n  search: {path: b}\n  holdout: {path: c}", ":3: data: has path and also three separate sources"),
        ("path: d.npz", "calibration: {path: a}\n  search: {path: b}\n  holdout: {path: c}\n  split: {holdout: 0.6}", ":7: data.split: three separate sources are not divided"),
        ("path: d.npz", "calibration: {path: a}\n  search: {}\n  holdout: {path: c}", ":5: data.search: needs exactly one of builtin, path and function."),
    ],
)  # fmt: skip
def test_mistakes_in_what_every_recipe_says(path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    assert message in refusal(path, GOOD.replace(old, new))


def test_the_first_of_several_mistakes_is_named(path: Path) -> None:
    text = GOOD + "threads: 0\nseed: -1\nspace: {preset: []}\n"
    assert refusal(path, text).startswith(":6: threads")
