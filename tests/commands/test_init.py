"""``autotune init``: what it writes can be run as it is, or says what is to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_folders import save_config
from typer.testing import CliRunner

from autotune import recipe
from autotune.cli import app

ROOT = Path(__file__).parents[2]


def init(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["init", *map(str, arguments)], catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.network
def test_from_a_model_to_a_verdict(tmp_path: Path) -> None:
    """init, validate and a short run, as a person would, in one folder."""

    def autotune(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "autotune", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)

    made = autotune("init", str(ROOT / "recipes/digits/digits.onnx"), "--data", "mnist-5k")
    assert made.returncode == 0, made.stderr
    assert "TO DO" not in made.stderr + Path("recipe.yaml").read_text()
    assert autotune("validate", "recipe.yaml").returncode == 0
    tuned = autotune("tune", "recipe.yaml", "--trials", "2", "--output", "run", "--json")
    assert tuned.returncode == 0, tuned.stderr
    assert json.loads(tuned.stdout)["winner"]
    assert Path("run/report.html").is_file()


def test_paths_start_from_the_recipe(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    code, said, todo = init(tiny / "model.xml", "--data", tiny / "data.npz", "--output", "deep/r.yaml")
    assert (code, todo) == (0, "")
    made = recipe.load(tmp_path / "deep/r.yaml")
    assert (made.name, made.metric.name) == ("model", "accuracy")
    assert "Metric accuracy: labels are 4 classes, 'logits' has scores of 4." in said


def test_without_data(tiny: Path) -> None:
    code, _, todo = init(tiny / "model.xml")
    assert code == 0 and todo.startswith("TO DO  data: ")
    assert "# TO DO: you named no data. Give an .npz with an array 'image'" in Path("recipe.yaml").read_text()
    assert recipe.load(Path("recipe.yaml")).metric.name == "cosine-to-float"


def test_what_does_not_fit_is_said(tiny: Path) -> None:
    with np.load(tiny / "data.npz") as archive:
        np.savez("named.npz", picture=archive["image"], labels=archive["labels"])
        np.savez("small.npz", image=archive["image"][:, :, :8])
    _, _, todo = init(tiny / "model.xml", "--data", "named.npz", "--output", "a.yaml")
    assert "the array 'picture' must be called 'image'" in todo
    _, _, todo = init(tiny / "model.xml", "--data", "small.npz", "--output", "b.yaml")
    assert "does not fit the model's input image f32 [?, 3, 16, 16]" in todo
    assert "TO DO" in Path("b.yaml").read_text()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda image, labels: (np.where(image > 3, np.nan, image), labels), "data: input 'image' has NaN or infinite"),
        (
            lambda image, labels: (image, labels[:-3]),
            "data: the arrays differ in length: input 'image' has 600, labels ",
        ),
        (lambda image, labels: (image[:9], labels[:9]), "data: 9 samples are too few"),
    ],
)
def test_data_that_cannot_be_measured_on(tiny: Path, change: Callable[[Any, Any], tuple[Any, Any]], said: str) -> None:
    with np.load(tiny / "data.npz") as archive:
        image, labels = change(archive["image"], archive["labels"])
    np.savez("bad.npz", image=image, labels=labels)
    code, _, todo = init(tiny / "model.xml", "--data", "bad.npz")
    assert code == 0 and todo.startswith(f"TO DO  {said}") and f"# TO DO: {said}" in Path("recipe.yaml").read_text()
    np.savez("bad.npz", image=image, labels=np.array(3))
    code, _, error = init(tiny / "model.xml", "--data", "bad.npz", "--output", "other.yaml")
    assert code == 2 and error == "Error: data: labels is a single value; the first axis must be the samples.\n"


def test_a_detector_and_annotations_of_coco() -> None:
    """What is drafted is valid as it is: shapes tell the head, the folder of the images is found."""
    pytest.importorskip("pycocotools", reason="needs autotune[detection]")
    import openvino as ov
    from openvino import opset13 as ops

    x = ops.parameter([1, 3, 32, 32], np.float32, name="images")
    x.output(0).set_names({"images"})
    random = np.random.default_rng(0)
    weights = ops.constant(random.random((3, 6 * 21), np.float32))
    found = ops.matmul(ops.reduce_mean(x, ops.constant([2, 3]), keep_dims=False), weights, False, False)
    y = ops.reshape(found, ops.constant([1, 6, 21]), False)
    y.output(0).set_names({"found"})
    ov.save_model(ov.Model([y], [x]), "detector.xml")
    Path("photos").mkdir()
    for number in range(40):
        Image.fromarray(random.integers(0, 255, (20, 24, 3), np.uint8)).save(f"photos/{number}.png")
    notes = {
        "images": [{"id": number, "file_name": f"{number}.png"} for number in range(40)],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1 + n % 2, "bbox": [1, 2, 10, 5], "iscrowd": 0} for n in range(40)
        ],
    }
    Path("notes").mkdir()
    Path("notes/boxes.json").write_text(json.dumps(notes))
    code, said, todo = init("detector.xml", "--data", "notes/boxes.json")
    assert code == 0 and "40 images with 40 boxes of 2 classes." in said, todo
    made = recipe.load(Path("recipe.yaml"))
    assert made.task is not None and made.task.postprocess is not None
    assert (made.task.postprocess.head, made.task.labels, made.data.images) == ("yolo", ("cat", "dog"), "photos")
    checked = CliRunner().invoke(app, ["validate", "recipe.yaml"], catch_exceptions=False)
    assert checked.exit_code == 0, checked.stderr
    code, _, todo = init("detector.xml", "--task", "detection", "--output", "without.yaml")
    assert code == 0 and "Give a .json of COCO, or a table with a row per box" in " ".join(
        Path("without.yaml").read_text().replace("#", "").split()
    )


def test_code_is_looked_at_only_if_trusted(tiny: Path) -> None:
    Path("code.py").write_text(
        f"import numpy as np\ndef load():\n    return dict(np.load({str(tiny / 'data.npz')!r}))\n"
    )
    _, _, todo = init(tiny / "model.xml", "--data", "code.py:load", "--output", "a.yaml")
    assert "data: code.py:load was not run; with --trust-code" in todo
    _, said, todo = init(tiny / "model.xml", "--data", "code.py:load", "--output", "b.yaml", "--trust-code")
    assert todo == "" and "Metric accuracy" in said


def test_a_language_model_s_draft_tells_of_4_bits() -> None:
    save_config(Path("model"), "BertForCausalLM")
    Path("texts.jsonl").write_text("".join(json.dumps({"text": f"w{i} w1"}) + "\n" for i in range(40)))
    code, _, errors = init("model", "--data", "texts.jsonl")
    text = Path("recipe.yaml").read_text()
    assert code == 0, errors
    assert "task: text-generation" in text and text.endswith("# space: {compression: {bits: [8, 4]}}\n")


def test_a_transformers_folder_and_a_table_with_other_names() -> None:
    folder = save_config(Path("model"), "BertForSequenceClassification")
    Path("reviews.csv").write_text("id,Review,stars\n" + "".join(f"{i},w1 w2 w{i},{i % 2}\n" for i in range(40)))
    code, said, todo = init(folder, "--data", "reviews.csv")
    assert (code, todo) == (0, "")
    made = recipe.load(Path("recipe.yaml"))
    assert made.task is not None and made.task.name == "text-classification"
    assert dict(made.data.columns) == {"text": "Review", "label": "stars"}
    assert "BertForSequenceClassification is made for it" in said


def test_a_folder_of_images_is_read_as_it_is(tiny: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(48):
        Path(f"photos/kind{number % 4}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (20, 24, 3), np.uint8)).save(f"photos/kind{number % 4}/{number}.png")
    code, said, todo = init(tiny / "model.xml", "--data", "photos")
    assert code == 0 and "48 images; 4 classes." in said and "Task image-classification: the data are image" in said
    assert "TO DO  task.preprocess: mean and std" in todo
    assert "# TO DO: task.preprocess: mean and std" in Path("recipe.yaml").read_text()
    checked = CliRunner().invoke(app, ["validate", "recipe.yaml"], catch_exceptions=False)
    assert checked.exit_code == 0, checked.stderr


def test_a_table_of_numbers(tiny: Path) -> None:
    Path("t.csv").write_text(",".join(f"p{i}" for i in range(30)) + "\n" + ("1," * 29 + "1\n") * 40)
    _, said, todo = init(tiny / "model.xml", "--data", "t.csv")
    assert "p10, p11 and 18 more" in said and "np.savez('data.npz', **{'image': table[COLUMNS]" in todo


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.onnx"], "Error: model: none.onnx does not exist"),
        (["thre.yaml"], "Did you mean there.yaml?"),
        (["net.pt"], "weights do not say what the network is: write a FILE.py with a function"),
        (["net.py"], "net.py is code; name the function in it that returns the module, as net.py:function."),
        (["code.py:net"], "Error: model: "),
        (["package:magika"], "Error: package: 'magika' does not name one version; write name==version."),
        (["m.xml", "--output", "there.yaml"], "Error: --output there.yaml: exists already"),
        (["m.xml", "--task", "text-clasification"], "Did you mean 'text-classification'?"),
    ],
)
def test_mistakes(arguments: list[str], sentence: str) -> None:
    for name in ("there.yaml", "net.pt", "net.py"):
        Path(name).touch()
    code, _, error = init(*arguments)
    assert code == 2 and sentence in error
