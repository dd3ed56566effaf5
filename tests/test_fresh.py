"""What is written is loaded in a process of its own, and must give the outputs that were judged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino.opset13 as ops
import pytest
from conftest import convolution_net

from autotune import deploy, fresh
from autotune.configuration import Configuration
from autotune.graph.half import HalfStorage
from autotune.measure.compiled import Compiled, compile_model, deploy_properties
from autotune.protocol import Export
from autotune.stages import StageFailed
from autotune.stopwatch import Stopwatch
from autotune.writing import write

RANDOM = np.random.default_rng(0)
IMAGES = [{"image": RANDOM.standard_normal((1, 3, 16, 16), dtype=np.float32)} for _ in range(10)]


def net(scale: float = 1.0):
    model = convolution_net()
    model.reshape([1, 3, 16, 16])
    if scale != 1.0:
        result = model.get_results()[0]
        result.input(0).replace_source_output(ops.multiply(result.input_value(0), np.float32(scale)).output(0))
    return model


def test_the_same_model_is_the_same_in_a_fresh_process(tmp_path: Path) -> None:
    deploy.export(net(), deploy_properties("f32", 2), tmp_path / "m", name="m", label="float f32", remark="")
    check, told = fresh.compare(tmp_path / "m", IMAGES, compile_model(net(), "f32", 2).infer)
    assert told == ""
    assert (check.samples, check.outputs) == (fresh.SAMPLES, 1)


def test_large_outputs_are_compared_on_fewer_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh, "LIMIT", 1)
    deploy.export(net(), deploy_properties("f32", 1), tmp_path / "m", name="m", label="float f32", remark="")
    check, told = fresh.compare(tmp_path / "m", IMAGES, compile_model(net(), "f32", 1).infer)
    assert (check.samples, told) == (1, "")


def exported(folder: Path, judged: Compiled) -> None:
    """Write the net as if ``judged`` were what was judged."""
    model = net()
    request = Export(Configuration(), folder, "")
    write(model, judged, request, name="m", samples=IMAGES, storage=HalfStorage(model, model), watch=Stopwatch())


def test_another_output_than_was_judged_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    exported(tmp_path / "m", compile_model(net(), "f32", 1))
    assert (tmp_path / "m" / deploy.MODEL).exists()
    with pytest.raises(
        StageFailed, match=r"loaded in a fresh process, differs from the judged one's by up to .* in sam"
    ):
        exported(tmp_path / "m", compile_model(net(1.001), "f32", 1))
    assert not (tmp_path / "m").exists()


def test_what_cannot_be_loaded_is_an_error(tmp_path: Path) -> None:
    deploy.export(net(), deploy_properties("f32", 1), tmp_path / "m", name="m", label="float f32", remark="")
    (tmp_path / "m" / "openvino_model.bin").write_bytes(b"")
    _, told = fresh.compare(tmp_path / "m", IMAGES[:1], compile_model(net(), "f32", 1).infer)
    assert told.startswith("a fresh process cannot load and run the written model: ")


def test_the_process_imports_openvino_and_little_else() -> None:
    heavy = ("nncf", "optuna", "torch", "transformers", "pandas", "scipy", "sklearn", "pydantic")
    script = f"import sys, autotune.fresh, openvino; print(*[m for m in {heavy!r} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split() == []
    )
