"""``autotune validate``: a sentence with file and line for each problem, several recipes at once, nothing tuned."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from tiny_folders import save_config
from typer.testing import CliRunner

from autotune.cli import app

GOOD = """\
version: 1
model: {path: model.xml}
data: {path: data.npz}
metric: accuracy
"""
NAMES = sorted(path.stem for path in (Path(__file__).parents[2] / "recipes").glob("*.yaml"))


def validate(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["validate", *map(str, arguments)], catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def written(tiny: Path, request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """Writes a recipe beside the model and data of ``tiny``."""

    def write(text: str) -> Path:
        path = tiny / f"{request.node.name.partition('[')[0]}.yaml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("name", NAMES)
def test_recipes_that_come_with_autotune(name: str) -> None:
    code, _, problems = validate(f"recipe:{name}", "--schema-only")
    assert (code, problems) == (0, "")


@pytest.mark.network
@pytest.mark.parametrize("name", ["digits", "file-type", "same-topic"])  # typesetting pages takes half a minute
def test_what_they_name_can_be_read(name: str) -> None:
    code, _, problems = validate(f"recipe:{name}")
    assert (code, problems) == (0, "")


def test_a_good_recipe(written: Callable[[str], Path]) -> None:
    path = written(GOOD)
    code, said, problems = validate(path)
    assert (code, problems) == (0, "")
    assert said == f"{path}: fine; samples: calibration 90, search 150, holdout 360.\n"
    assert validate(path, "--quiet") == (0, "", "")


def test_names_are_looked_up_in_the_model(written: Callable[[str], Path]) -> None:
    space = (
        "space:\n  operators: {conv1: float, dephtwise: float}\n  activations:\n    quantizers:\n"
        "      conv1/fq_output_1: {symmetry: affine}\n  bf16_operators: {operators: {cnov2: false}}\n"
    )
    path = written(GOOD + space)
    code, _, problems = validate(path)
    told = problems.replace(f"{path}:", "").splitlines()
    assert code == 2
    assert told == [
        "6: space.operators.dephtwise: the model has no operator 'dephtwise' that can be quantised. "
        "Did you mean 'depthwise'?",
        "9: space.activations.quantizers.conv1/fq_output_1: the model has no activation quantiser "
        "'conv1/fq_output_1'. Did you mean 'conv1/relu/fq_output_0'?",
        "10: space.bf16_operators.operators.cnov2: the model has no operator 'cnov2' with weights. "
        "Did you mean 'conv2'?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("model.xml", "none.xml", ":2: model: {folder}/none.xml does not exist"),
        ("model.xml", "data.npz", ":2: model: {folder}/data.npz is not one of .xml, .onnx, .tflite"),
        ("data.npz", "none.npz", ":3: data: {folder}/none.npz does not exist"),
        ("data.npz", "model.xml", ":3: data: {folder}/model.xml is not a readable npz file"),
        ("accuracy", "acuracy", ":4: metric: there is no 'acuracy'. Did you mean 'accuracy'?"),
        ("accuracy", "f.py:score", ":4: metric: {folder}/f.py does not exist"),
        ("accuracy", "accuracy\ninputs: {picture: [1, 3, 16, 16]}", ":5: inputs: model.xml has no input 'picture'"),
        ("accuracy", "accuracy\ninputs: {image: [1, 3, 8, 8]}", ":3: data: input 'image' has samples of shape"),
        ("{path: data.npz}", "{builtin: mnist-6k}", ":3: data.builtin: there is no dataset 'mnist-6k'."),
    ],
)
def test_one_problem(tiny: Path, written: Callable[[str], Path], old: str, new: str, problem: str) -> None:
    path = written(GOOD.replace(old, new))
    code, said, problems = validate(path)
    assert (code, said, problems.count("\n")) == (2, "", 1)
    assert problems.startswith(f"{path}{problem.format(folder=tiny)}")


def test_a_sentence_for_each_problem_of_each_recipe(written: Callable[[str], Path], tmp_path: Path) -> None:
    schema = written(GOOD + "seed: -1\nsed: 1\n")
    both = tmp_path / "both.yaml"
    both.write_text(GOOD)  # neither file is there
    code, _, problems = validate(schema, both, "recipe:digits")
    assert code == 2
    assert [line.split(" ")[0].rsplit("/", 1)[1] for line in problems.splitlines()] == [
        "test_a_sentence_for_each_problem_of_each_recipe.yaml:5:",
        "test_a_sentence_for_each_problem_of_each_recipe.yaml:6:",
        "both.yaml:3:",
        "both.yaml:2:",
    ]


def test_the_included_file_is_named(tiny: Path, written: Callable[[str], Path]) -> None:
    (tiny / "included.yaml").write_text(GOOD.replace("data.npz", "gone.npz"))
    code, _, problems = validate(written("include: included.yaml\nseed: 2\n"))
    assert code == 2 and problems.startswith(f"{tiny}/included.yaml:3: data: ")


def test_labels_that_the_metric_cannot_score(tiny: Path, written: Callable[[str], Path]) -> None:
    with np.load(tiny / "data.npz") as archive:
        np.savez(tiny / "real.npz", image=archive["image"], labels=archive["labels"] + 0.5)
    _, _, problems = validate(written(GOOD.replace("data.npz", "real.npz")))
    assert "metric: accuracy needs class numbers as labels" in problems


def test_code_runs_only_if_trusted(tiny: Path, written: Callable[[str], Path]) -> None:
    (tiny / "code.py").write_text(
        "from pathlib import Path\nimport numpy as np\n"
        "Path(__file__).with_name('ran').touch()\n"
        "def load():\n    return dict(np.load(Path(__file__).with_name('data.npz')))\n"
    )
    path = written(GOOD.replace("{path: data.npz}", "{function: code.py:load}"))
    code, said, _ = validate(path)
    assert code == 0 and "not run without --trust-code: code.py:load" in said
    assert not (tiny / "ran").exists()
    code, said, _ = validate(path, "--trust-code")
    assert code == 0 and "samples: calibration 90" in said
    assert (tiny / "ran").exists()
    _, _, problems = validate(written(GOOD.replace("{path: data.npz}", "{function: code.py:lod}")))
    assert "data: " in problems and "has no function 'lod'. Did you mean 'load'?" in problems


NAMES_OF_SPACE = "space:\n  operators: {conv9: float}\n"


def test_names_that_were_not_looked_up_are_told(tiny: Path, written: Callable[[str], Path]) -> None:
    """A name that no operator has is a mistake that tuning would meet; where it is not looked for, that is said."""
    told = "What 'space' names of the model was not looked up: that takes "
    good = written(GOOD + NAMES_OF_SPACE)
    assert f"{told}the model and its data." in validate(good, "--schema-only")[1]
    assert told not in validate(written(GOOD), "--schema-only")[1]
    (tiny / "code.py").write_text("def load():\n    raise AssertionError\ndef make():\n    raise AssertionError\n")
    data = GOOD.replace("{path: data.npz}", "{function: code.py:load}")
    assert f"{told}the data, which are code." in validate(written(data + NAMES_OF_SPACE))[1]
    module = GOOD.replace("{path: model.xml}", '{function: "code.py:make"}')
    assert f"{told}the module, which is code." in validate(written(module + NAMES_OF_SPACE))[1]
    save_config(tiny / "bert", "BertForSequenceClassification")
    (tiny / "texts.csv").write_text("text,label\n" + "".join(f"w1 w{i},{i % 2}\n" for i in range(60)))
    folder = "version: 1\nmodel: {path: bert}\ntask: text-classification\ndata: {path: texts.csv}\n"
    code, said, problems = validate(written(folder + NAMES_OF_SPACE))
    assert code == 0 and f"{told}a converted model, and only tuning converts a transformers folder." in said, problems


def test_the_hook_of_pre_commit(tiny: Path, written: Callable[[str], Path]) -> None:
    """What .pre-commit-hooks.yaml runs is there, is quiet about good recipes and fails for others."""
    hook = YAML(typ="safe").load(Path(__file__).parents[2] / ".pre-commit-hooks.yaml")[0]
    assert re.match(hook["files"], "recipes/file-type.yaml") and hook["types"] == ["yaml"]
    command, *arguments = shlex.split(hook["entry"])
    assert command == "autotune"
    good = written(GOOD)
    done = CliRunner().invoke(app, [*arguments, str(good)], catch_exceptions=False)
    assert (done.exit_code, done.output) == (0, "")
    bad = tiny / "bad.yaml"
    bad.write_text(GOOD.replace("accuracy", "acuracy"))
    done = CliRunner().invoke(app, [*arguments, str(good), str(bad)], catch_exceptions=False)
    assert done.exit_code == 2 and done.output.startswith(f"{bad}:4: metric: ")


def test_schema_only_reads_nothing(tiny: Path, written: Callable[[str], Path]) -> None:
    (tiny / "broken.npz").write_bytes(b"not an npz")
    assert validate(written(GOOD.replace("data.npz", "broken.npz")), "--schema-only")[0] == 0
    code, _, problems = validate(written(GOOD.replace("data.npz", "none.npz")), "--schema-only")
    assert code == 2 and ":3: data: " in problems


@pytest.mark.parametrize(
    ("training", "problem"),
    [
        ("{data: {path: none.npz}}", "training.data: {folder}/none.npz does not exist"),
        ("{data: {path: wide.npz}}", "training.data: has inputs 'image' [1, 9, 9], the data have"),
        ("{data: {path: bare.npz}, loss: labels}", "training.data: has no labels, and training.loss: labels needs"),
        ("{steps: 5}", "training.data: is missing"),
    ],
)
def test_training_data_are_looked_at(tiny: Path, written: Callable[[str], Path], training: str, problem: str) -> None:
    np.savez(tiny / "wide.npz", image=np.zeros((4, 1, 9, 9), np.float32))
    with np.load(tiny / "data.npz") as archive:
        np.savez(tiny / "bare.npz", image=archive["image"] + 1)
    (tiny / "net.py").write_text("def make():\n    raise AssertionError('not run')\n")
    path = written(GOOD.replace("{path: model.xml}", '{function: "net.py:make"}') + f"training: {training}\n")
    code, _, problems = validate(path)
    assert code == 2 and f":5: {problem.format(folder=tiny)}" in problems, problems


def test_a_model_file_cannot_be_trained(written: Callable[[str], Path]) -> None:
    task = "{name: image-classification, preprocess: {input: image, size: 16}}"
    path = written(GOOD.replace("metric: accuracy", f"task: {task}\ntraining: {{data: {{path: data.npz}}}}"))
    code, _, problems = validate(path)
    assert code == 2 and f"{path}:5: training: needs a model of PyTorch: FILE.py:factory" in problems
