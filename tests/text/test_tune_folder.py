"""The command on transformers folders, with PyTorch and without."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_folders import needs_torch, save_config, save_model, sentences
from typer.testing import CliRunner

import autotune
from autotune.cli import app
from autotune.errors import UserError

WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from autotune.cli import app; app(prog_name='autotune')"


def command(*arguments: str | Path, cache: Path, torch: bool = True) -> subprocess.CompletedProcess[str]:
    """Run autotune, where PyTorch can be imported or as if it were not installed."""
    start = ["-m", "autotune"] if torch else ["-c", WITHOUT_TORCH]
    environment = {**os.environ, "AUTOTUNE_CACHE": str(cache)}
    return subprocess.run(
        [sys.executable, *start, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=280,
        env=environment,
        check=False,
    )


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def write_table(path: Path, labels: list[str]) -> Path:
    rows = "".join(f"{text},{label}\n" for text, label in zip(sentences(len(labels)), labels, strict=True))
    path.write_text("body,label\n" + rows)
    return path


def test_without_torch_it_says_what_to_install(tmp_path: Path) -> None:
    save_config(tmp_path / "bert", id2label={0: "neg", 1: "pos"})
    write_table(tmp_path / "data.csv", ["neg", "pos"] * 50)
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "version: 1\nmodel: {path: bert}\ntask: text-classification\ndata: {path: data.csv, columns: {text: body}}\n"
    )
    output = tmp_path / "run"
    said = complaint(command("tune", recipe, "--output", output, cache=tmp_path / "cache", torch=False))
    assert said == (
        "Error: model: converting bert needs PyTorch, which is not installed; pip install 'autotune[torch]' (it is "
        "converted once, later runs do without)."
    )
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "text-clasification"], "unknown task 'text-clasification'. Did you mean 'text-classification'?"),
        (["--task", "fill-mask"], "task: fill-mask needs a model with the head ...ForMaskedLM, bert is BertForSeq"),
        (["--metric", "accuracy"], "data.csv is a table; say what to make of it with --task"),
        ([], "Tuning a model without a recipe needs --metric; or let 'autotune init "),
        (["--task", "text-classification"], "data: no column is the 'text' that the task needs"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str) -> None:
    monkeypatch.setenv("AUTOTUNE_CACHE", str(tmp_path / "cache"))
    save_config(tmp_path / "bert")
    table = write_table(tmp_path / "data.csv", ["neg", "pos"] * 50)
    asked = ("tune", tmp_path / "bert", "--data", table, *arguments, "--output", tmp_path / "run")
    done = CliRunner().invoke(app, list(map(str, asked)), catch_exceptions=False)
    assert done.exit_code == 2, done.output
    assert [message in line for line in done.stderr.splitlines() if line.startswith("Error: ")] == [True]


@pytest.mark.parametrize(
    ("columns", "metric", "message"),
    [
        ("text", [], "data (search split): has no 'labels'; accuracy needs one per sample."),
        ("text,label", ["--metric", "perplexity"], "metric: perplexity needs one whole number per token as labels"),
    ],
)
def test_labels_are_looked_at_before_the_model_is_converted(
    tmp_path: Path, columns: str, metric: list[str], message: str
) -> None:
    folder = save_config(tmp_path / "bert")
    table = write_table(tmp_path / "data.csv", ["0", "1"] * 50)
    rows = [line if columns.endswith("label") else line.split(",")[0] for line in table.read_text().splitlines()[1:]]
    table.write_text("\n".join([columns, *rows]))
    asked = ("tune", folder, "--data", table, "--task", "text-classification", *metric, "--output", tmp_path / "run")
    done = command(*asked, cache=tmp_path / "cache", torch=False)
    assert message in complaint(done)


def test_the_same_from_python(tmp_path: Path) -> None:
    folder = save_config(tmp_path / "bert")
    table = write_table(tmp_path / "data.csv", ["0", "1"] * 50)
    with pytest.raises(UserError, match=r"fill-mask needs a model with the head \.\.\.ForMaskedLM"):
        autotune.tune(folder, str(table), task="fill-mask", output=tmp_path / "run", quiet=True)
    (tmp_path / "d.py").write_text("def rows():\n    return {'text': ['a'] * 100}\n")
    with pytest.raises(UserError, match="--trust-code"):
        autotune.tune(folder, f"{tmp_path}/d.py:rows", task="text-classification", output=tmp_path / "run", quiet=True)


@needs_torch
def test_a_run_and_then_another_without_torch(tmp_path: Path) -> None:
    """Labels are what the model itself says, 5 % of them wrong."""
    import torch
    import transformers

    folder = save_model(tmp_path / "bert", "ForSequenceClassification", id2label={0: "a", 1: "b"})
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    texts = sentences(400)
    with torch.no_grad():
        logits = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits.numpy()
    logits -= np.median(logits[:, 0] - logits[:, 1]) * np.array([1, 0])
    random = np.random.default_rng(0)
    classes = np.where(random.random(400) < 0.05, 1 - logits.argmax(axis=1), logits.argmax(axis=1))
    rows = "".join(f"{text},{'ab'[label]}\n" for text, label in zip(texts, classes, strict=True))
    (tmp_path / "data.csv").write_text("text,label\n" + rows)

    asked = ("tune", folder, "--data", tmp_path / "data.csv", "--task", "text-classification", "--trials", "3")
    asked = (*asked, "--max-drop", "0.2")
    done = command(*asked, "--output", tmp_path / "run", cache=tmp_path / "cache")
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stderr == ""  # what transformers and PyTorch said is in run.log
    run = json.loads((tmp_path / "run/run.json").read_text())
    assert run["verdict"]["status"] in ("proven", "expected")
    assert "bert was converted with torch.export" in done.stdout
    compiled = autotune.load(tmp_path / "run/model")
    deployed = tmp_path / "run/model"
    assert json.loads((deployed / "config.json").read_text())["id2label"] == {"0": "a", "1": "b"}
    assert transformers.AutoTokenizer.from_pretrained(deployed)("w0")["input_ids"] == [2, 5, 3]
    assert "OVModelForSequenceClassification.from_pretrained" in (deployed / "README.md").read_text()
    assert not list(deployed.glob("*.safetensors"))
    assert {port.get_any_name() for port in compiled.inputs} == {"input_ids", "attention_mask", "token_type_ids"}

    shutil.move(tmp_path / "run/solved.yaml", tmp_path / "solved.yaml")
    text = (tmp_path / "solved.yaml").read_text()
    (tmp_path / "solved.yaml").write_text(text.replace("../bert", "bert").replace("../data.csv", "data.csv"))
    again = command(
        "apply", tmp_path / "solved.yaml", "--output", tmp_path / "applied", cache=tmp_path / "cache", torch=False
    )
    assert again.returncode == 0, again.stderr + again.stdout
    assert "identical to the candidate that was judged" in again.stdout
