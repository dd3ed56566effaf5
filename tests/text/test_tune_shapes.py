"""Texts of their own lengths and of a few: tuned, written, loaded; and a model that takes one length only."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_folders import needs_torch, save_model, sentences

import autotune
from autotune.errors import UserError

RECIPE = """\
version: 1
model: {{path: {folder}}}
task: {{name: token-classification, shapes: {shapes}}}
data: {{path: data.jsonl}}
tolerance: {{max_drop: 0.5}}
budget: {{trials: 1}}
space: {{precision: f32, placement: transformer, preset: mixed, bf16_operators: false, threads: all, schemes: {scheme}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = {0: "a", 1: "b", 2: "c"}
    return save_model(tmp_path_factory.mktemp("models") / "bert", "ForTokenClassification", id2label=names)


@needs_torch
@pytest.mark.parametrize(
    ("shapes", "scheme", "told"),
    [
        ("dynamic", "int8-static", "each text has its own length"),
        ("{buckets: [12, 32]}", "int8-weights", "each text is padded to 12, 32"),
    ],
)
def test_a_run(folder: Path, tmp_path: Path, shapes: str, scheme: str, told: str) -> None:
    import transformers

    random = np.random.default_rng(0)
    rows = [
        {"text": words, "label": random.choice(list("abc"), len(words)).tolist()}
        for words in map(str.split, sentences(120))
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "r.yaml").write_text(RECIPE.format(folder=folder, shapes=shapes, scheme=scheme))
    run = autotune.tune(tmp_path / "r.yaml", output=tmp_path / "run", quiet=True)

    assert set(run.trials["state"]) <= {"complete", "stopped"}  # int8 weights slower than float f32 are not scored
    assert run.trials["label"].str.startswith(scheme.removesuffix("-static")).any()
    model = json.loads((tmp_path / "run/record.json").read_text())["model"]
    assert any(told in note for note in model["notes"])
    assert {tuple(port["shape"]) for port in model["inputs"]} == {(1, "1..32")}
    compiled = autotune.load(tmp_path / "run/model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "run/model")
    outputs = [compiled(dict(tokenizer(text, return_tensors="np")))["logits"] for text in ("w1 w2", "w3 " * 18)]
    assert [values.shape[1] for values in outputs] == ([4, 20] if shapes == "dynamic" else [12, 32])

    told = (tmp_path / "run/model/README.md").read_text()
    (command,) = re.findall(r"^    benchmark_app (.*)$", told, re.MULTILINE)
    (length,) = re.findall(r"`(-(?:data_)?shape \[.*\])`", told)
    tool = Path(sys.executable).parent / "benchmark_app"
    arguments = [tool, *command.split(), *length.split(), "-niter", "5"]
    done = subprocess.run(arguments, cwd=tmp_path / "run", capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_torch
def test_a_model_that_takes_one_length_only(tmp_path: Path) -> None:
    from autotune.sources.conversion import _convert

    (tmp_path / "m.py").write_text(
        "import torch\n\n\nclass Fixed(torch.nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.places = torch.nn.Parameter(torch.ones(1, 6))\n\n"
        "    def forward(self, x):\n        return x + self.places\n"
    )
    np.savez(tmp_path / "samples.npz", x=np.ones((2, 6), np.float32))
    request = {
        "source": "function", "function": "m.py:Fixed", "base": str(tmp_path), "name": "m.py:Fixed",
        "shapes": {"x": [1, [1, 8]]}, "samples": str(tmp_path / "samples.npz"), "lengths": [6, 3],
        "model": str(tmp_path / "m.xml"),
    }  # fmt: skip
    with pytest.raises(
        UserError, match=r"model: m.py:Fixed takes texts of one length only \(.*\); write 'shapes: static'"
    ):
        _convert(request)
