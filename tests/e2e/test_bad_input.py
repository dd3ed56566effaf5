"""Each mistake is answered with one sentence, exit code 2, no traceback, and nothing is written over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from autotune.cli import app


def autotune(*arguments: str | Path) -> Result:
    """Run a command in this process; its child is a real one. An exception that became no sentence fails the test."""
    return CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)


def complaint(result: Result) -> str:
    """The error sentence of a run that must have failed by the user's mistake."""
    assert result.exit_code == 2, result.stderr + result.stdout
    assert "Traceback" not in result.stderr + result.stdout
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, result.stderr
    return lines[0]


def tune(tiny: Path, tmp_path: Path, **options: object) -> str:
    """Run with one thing wrong and return the complaint; the output folder must not be left behind."""
    asked: dict[str, object] = {"model": tiny / "model.xml", "data": tiny / "data.npz", "metric": "accuracy"}
    asked.update(options)
    output = tmp_path / "run"
    arguments: list[str | Path] = ["tune", str(asked.pop("model")), "--output", output]
    for name, value in asked.items():
        if value is not None:
            arguments += [f"--{name.replace('_', '-')}", str(value)]
    message = complaint(autotune(*arguments))
    assert not output.exists()
    return message


def npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="module")
def arrays(tiny: Path) -> dict[str, np.ndarray]:
    with np.load(tiny / "data.npz") as archive:
        return dict(archive)


def test_missing_model(tiny: Path, tmp_path: Path) -> None:
    assert "nowhere.xml" in tune(tiny, tmp_path, model=tmp_path / "nowhere.xml")


def test_the_command_itself_ends_the_same_way(tiny: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    command = [sys.executable, "-m", "autotune", "tune", tmp_path / "nowhere.xml", "--data", tiny / "data.npz"]
    done = subprocess.run([*command, "--output", output], capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 2 and "Traceback" not in done.stderr + done.stdout
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1
    assert not output.exists()


def test_cut_model(tiny: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.xml"
    cut.write_bytes((tiny / "model.xml").read_bytes()[:500])
    cut.with_suffix(".bin").write_bytes((tiny / "model.bin").read_bytes())
    assert "cut.xml" in tune(tiny, tmp_path, model=cut)


def test_wrong_input_name(tiny: Path, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    message = tune(tiny, tmp_path, data=npz(tmp_path / "d.npz", picture=arrays["image"], labels=arrays["labels"]))
    assert "image" in message and "picture" in message


def test_wrong_shape(tiny: Path, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    image = arrays["image"][:, :, :8]
    message = tune(tiny, tmp_path, data=npz(tmp_path / "d.npz", image=image, labels=arrays["labels"]))
    assert "image" in message and "16" in message and "8" in message


def test_wrong_dtype(tiny: Path, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    image = (arrays["image"] * 1000).astype(np.int64).astype("U8")
    message = tune(tiny, tmp_path, data=npz(tmp_path / "d.npz", image=image, labels=arrays["labels"]))
    assert "image" in message


def test_missing_weights(tiny: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.xml"
    alone.write_bytes((tiny / "model.xml").read_bytes())
    assert "alone.bin" in tune(tiny, tmp_path, model=alone)


def test_float_outputs_that_are_not_finite(tmp_path: Path) -> None:
    import openvino as ov
    from openvino import opset13 as ops

    x = ops.parameter([1, 8], np.float32, name="x")
    x.output(0).set_names({"x"})
    ov.save_model(ov.Model([ops.log(x)], [x], "logarithm"), tmp_path / "log.xml", compress_to_fp16=False)
    values = np.random.default_rng(0).standard_normal((200, 8)).astype(np.float32)
    data = npz(tmp_path / "d.npz", x=values, labels=values.argmax(axis=1))
    assert "not finite" in tune(tmp_path, tmp_path, model=tmp_path / "log.xml", data=data)


def test_empty_labels(tiny: Path, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    empty = npz(tmp_path / "d.npz", image=arrays["image"], labels=arrays["labels"][:0])
    assert "labels" in tune(tiny, tmp_path, data=empty)


def test_nan_in_data(tiny: Path, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    image = arrays["image"].copy()
    image[3, 0, 0, 0] = np.nan
    assert "NaN" in tune(tiny, tmp_path, data=npz(tmp_path / "d.npz", image=image, labels=arrays["labels"]))


def test_single_class(tiny: Path, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    labels = np.zeros_like(arrays["labels"])
    assert "label" in tune(tiny, tmp_path, data=npz(tmp_path / "d.npz", image=arrays["image"], labels=labels))


def test_too_few_samples(tiny: Path, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    few = npz(tmp_path / "d.npz", image=arrays["image"][:4], labels=arrays["labels"][:4])
    assert "need" in tune(tiny, tmp_path, data=few)


def test_no_labels(tiny: Path, tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    assert "labels" in tune(tiny, tmp_path, data=npz(tmp_path / "d.npz", image=arrays["image"]))


def test_unknown_metric_is_suggested(tiny: Path, tmp_path: Path) -> None:
    assert "Did you mean 'accuracy'?" in tune(tiny, tmp_path, metric="acuracy")


@pytest.mark.parametrize("drop", ["-1%", "200%", "nan", "lots"])
def test_absurd_tolerance(tiny: Path, tmp_path: Path, drop: str) -> None:
    assert "--max-drop" in tune(tiny, tmp_path, max_drop=drop)


@pytest.mark.parametrize("memory", ["-5MB", "plenty"])
def test_absurd_memory(tiny: Path, tmp_path: Path, memory: str) -> None:
    assert f"--max-memory: '{memory}' is not a size: write" in tune(tiny, tmp_path, max_memory=memory)


def test_untrusted_code_does_not_run(tiny: Path, tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    code = tmp_path / "load.py"
    code.write_text(f"open({str(witness)!r}, 'w')\n")
    assert "--trust-code" in tune(tiny, tmp_path, data=f"{code}:load")
    assert not witness.exists()


def test_metric_of_a_file_that_is_not_there(tiny: Path, tmp_path: Path) -> None:
    metric = f"{tmp_path / 'nowhere.py'}:score"
    arguments = ["tune", tiny / "model.xml", "--data", tiny / "data.npz", "--metric", metric, "--trust-code"]
    output = tmp_path / "run"
    assert "nowhere.py does not exist" in complaint(autotune(*arguments, "--output", output))
    assert not output.exists()


@pytest.mark.parametrize(
    ("body", "expected"),
    [("raise ValueError('no luck')", "no luck"), ("return outputs['logits'][:3, :2]", "score")],
    ids=["raises", "wrong shape"],
)
def test_metric_function_that_fails(tiny: Path, tmp_path: Path, body: str, expected: str) -> None:
    code = tmp_path / "metric.py"
    code.write_text(f"def score(outputs, labels):\n    {body}\n")
    output = tmp_path / "run"
    result = autotune(
        "tune", tiny / "model.xml", "--data", tiny / "data.npz", "--metric", f"{code}:score", "--trust-code",
        "--output", output,
    )  # fmt: skip
    assert expected in complaint(result)


def test_output_of_another_run_is_not_touched(tiny: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    output.mkdir()
    (output / "run.json").write_text("precious")
    arguments = ["tune", tiny / "model.xml", "--data", tiny / "data.npz", "--metric", "accuracy", "--output", output]
    assert str(output) in complaint(autotune(*arguments)).replace("\n", "")
    assert (output / "run.json").read_text() == "precious"
    assert sorted(p.name for p in output.iterdir()) == ["run.json"]


def test_output_below_a_file(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    arguments = ["tune", tiny / "model.xml", "--data", tiny / "data.npz", "--metric", "accuracy"]
    assert "--output" in complaint(autotune(*arguments, "--output", tmp_path / "file" / "run"))


def test_an_empty_folder_of_the_user_stays(tiny: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    arguments = ["tune", tiny / "model.xml", "--data", tiny / "data.npz", "--metric", "acuracy", "--output", mine]
    complaint(autotune(*arguments))
    assert list(mine.iterdir()) == []


def test_auc_refuses_labels_that_are_no_classes_of_the_output(
    tiny: Path, tmp_path: Path, arrays: dict[str, np.ndarray]
) -> None:
    shifted = npz(tmp_path / "d.npz", image=arrays["image"], labels=arrays["labels"] + 3)
    assert "a label is" in tune(tiny, tmp_path, data=shifted, metric="auc")


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("version: 1\nname: x\nmodel: {path: [}\n")
    assert "r.yaml:3" in complaint(autotune("tune", tmp_path / "r.yaml"))


def test_unknown_key_is_suggested(tmp_path: Path) -> None:
    recipe = "version: 1\nmodel: {path: m.xml}\ndata: {path: d.npz}\nmetrik: accuracy\n"
    (tmp_path / "r.yaml").write_text(recipe)
    message = complaint(autotune("tune", tmp_path / "r.yaml"))
    assert "r.yaml:4" in message and "metric" in message


def test_recipe_of_a_newer_version(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("version: 2\nnovelty: 1\n")
    assert "newer" in complaint(autotune("tune", tmp_path / "r.yaml"))


def test_model_without_data(tiny: Path) -> None:
    assert "--data" in complaint(autotune("tune", tiny / "model.xml", "--metric", "accuracy"))


def test_nothing_to_resume(tiny: Path, tmp_path: Path) -> None:
    arguments = ["tune", tiny / "model.xml", "--data", tiny / "data.npz", "--metric", "accuracy", "--resume"]
    assert "--resume" in complaint(autotune(*arguments, "--output", tmp_path / "none"))


def test_open_recipe_cannot_be_applied(tiny: Path, tmp_path: Path) -> None:
    recipe = "version: 1\nmodel: {path: model.xml}\ndata: {path: data.npz}\nmetric: accuracy\n"
    path = tiny / "open.yaml"
    path.write_text(recipe)
    message = complaint(autotune("apply", path, "--output", tmp_path / "out"))
    assert "solved" in message and "(precision, threads, schemes, forms, compression, placement, " in message
    assert not (tmp_path / "out").exists()
