"""PyTorch modules as models: by a function in a file, and as objects."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autotune

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed (autotune[torch])"
)
FACTORIES = """
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = torch.nn.Conv2d(3, 32, 3, padding=1)
        self.second = torch.nn.Conv2d(32, 32, 3, padding=1)
        self.head = torch.nn.Linear(32, 4)

    def forward(self, image):
        x = torch.relu(self.second(torch.relu(self.first(image))))
        return self.head(x.mean((2, 3)))


class Named(Net):
    def forward(self, image):
        logits = super().forward(image)
        return {"logits": logits, "best": logits.softmax(1)}


class Two(Net):
    def forward(self, image, scale):
        return super().forward(image) * scale


class Branches(Net):
    def forward(self, image):
        x = super().forward(image)
        return x if float(x.sum()) < 1e9 else -x


class Odd(Net):
    def forward(self, image):
        return torch.linalg.eigvals(image[0, 0]).real.reshape(1, -1)


class Turned(Net):
    def forward(self, image):
        return super().forward(-image if image[0, 0, 0, 0] > 0 else image)


class Repeated(Net):
    def forward(self, image):
        for _ in range(int(10 * image.abs().max().item())):
            image = 1.1 * image
        return super().forward(image)


class Own(Net):
    def forward(self, image):
        return super().forward(torch.ops.autotune_tests.twisted(image))


def own():
    library = torch.library.Library("autotune_tests", "FRAGMENT")
    library.define("twisted(Tensor x) -> Tensor")
    library.impl("twisted", lambda x: x.flip(-1), "CPU")
    library.impl("twisted", torch.empty_like, "Meta")
    made = Own()
    made.kept = library
    return made


def wrong():
    return 3


def raises():
    raise RuntimeError("no weights here")
"""


def case(folder: Path, name: str = "Net") -> list[str | Path]:
    """A command line that tunes a factory of the file on images that float labels right."""
    (folder / "nets.py").write_text(FACTORIES)
    rng = np.random.default_rng(0)
    images = rng.standard_normal((400, 3, 16, 16)).astype(np.float32)
    np.savez(folder / "data.npz", image=images, labels=np.arange(400) % 4)
    return ["tune", f"{folder / 'nets.py'}:{name}", "--data", folder / "data.npz", "--metric", "accuracy"]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autotune", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


@needs_torch
@pytest.mark.slow
def test_a_factory_is_tuned_and_applied(tmp_path: Path) -> None:
    output = tmp_path / "run"
    metric = ["--metric", "cosine-to-float", "--trials", "5", "--max-drop", "2%", "--trust-code", "--output", output]
    done = run(*case(tmp_path)[:4], *metric)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "nets.py:Net was converted with torch.export" in done.stdout.replace("\n", "")
    again = run("apply", output / "solved.yaml", "--output", tmp_path / "again", "--trust-code")
    assert again.returncode == 0, again.stderr
    assert "identical" in again.stdout


@needs_torch
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wrong", "nets.py:wrong returned int; return a torch.nn.Module."),
        ("raises", "nets.py:raises raised RuntimeError: no weights here"),
        ("Two", "takes image, scale, the data have image"),
        ("Odd", "cannot be exported (torch.export: OpenVINO has no aten"),
        ("Net2", "has no function 'Net2'. Did you mean 'Net'?"),
    ],
)
def test_what_cannot_be_a_model_is_one_sentence(tmp_path: Path, name: str, said: str) -> None:
    done = run(*case(tmp_path, name), "--trust-code", "--output", tmp_path / "run")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("Error: ") and "Traceback" not in done.stderr
    assert said in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_factory_must_be_trusted(tmp_path: Path) -> None:
    done = run(*case(tmp_path), "--output", tmp_path / "run")
    assert done.returncode == 2
    assert "nets.py:Net is code that would run" in done.stderr


@needs_torch
@pytest.mark.slow
def test_a_module_is_an_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    nets: Any = importlib.import_module("nets")
    images = np.load(tmp_path / "data.npz")["image"]

    def spread(outputs: dict[str, np.ndarray], _labels: object) -> np.ndarray:
        return outputs["logits"].std(axis=1)

    output = tmp_path / "run"
    found = autotune.tune(nets.Named(), (images, None), spread, max_drop="10%", trials=4, output=output, quiet=True)
    assert found.outcome == "winner"
    assert {min(port.get_names()) for port in found.load().outputs} == {"best", "logits"}


def converted(folder: Path, function: str, **shapes: list[int]) -> dict[str, Any]:
    """What the process that converts does, on random samples; its reply."""
    from autotune.sources.conversion import _convert

    random = np.random.default_rng(0)
    whole = {name: random.integers(5, 60, (3, *shape[1:])) for name, shape in shapes.items() if name != "image"}
    images = {n: random.standard_normal((3, *s[1:])).astype(np.float32) for n, s in shapes.items() if n == "image"}
    np.savez(folder / "samples.npz", **whole, **images)
    request = {"source": "function", "function": function, "base": str(folder), "name": function, "shapes": shapes}
    return _convert({**request, "samples": str(folder / "samples.npz"), "model": str(folder / "m.xml")})


@needs_torch
def test_tracing_is_the_second_way_and_said(tmp_path: Path) -> None:
    case(tmp_path)
    said = converted(tmp_path, "nets.py:Branches", image=[1, 3, 16, 16])
    assert said["way"] == "tracing" and said["remark"].startswith("The first way failed: torch.export: ")


@needs_torch
@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "own",
            r"\(torch\.export: OpenVINO has no autotune_tests\.twisted; tracing: OpenVINO has no autotune_tests::tw",
        ),
        (
            "Turned",
            r"torch\.export: what it does depends on values, in nets\.py, line \d+; tracing: its outputs differ",
        ),
        (
            "Repeated",
            r"torch\.export: what it does depends on values, in nets\.py, line \d+; tracing: its outputs differ",
        ),
    ],
)
def test_why_a_module_cannot_be_exported(tmp_path: Path, name: str, said: str) -> None:
    case(tmp_path)
    with pytest.raises(autotune.UserError, match=said):
        converted(tmp_path, f"nets.py:{name}", image=[1, 3, 16, 16])
