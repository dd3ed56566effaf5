"""Candidates written as ONNX QDQ compute what was judged, by both runtimes; else nothing is written, and it is said."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import openvino as ov
import openvino.opset13 as ops
import pytest
from onnx_models import DIGITS, Written, emulated, recurrent, source, upsampling
from sklearn.datasets import load_digits

from autotune.checker import check
from autotune.configuration import Compression, Configuration, Quantization
from autotune.errors import UserError
from autotune.onnx_qdq import building, weighted
from autotune.onnx_qdq.comparing import Judged
from autotune.onnx_qdq.refusal import NotExpressibleError, check_choices, check_installed
from autotune.onnx_qdq.scales import quantised_bias
from autotune.onnx_qdq.write import write

INT8 = Configuration(quantization=Quantization())


def images(count: int) -> np.ndarray:
    """Handwritten digits of scikit-learn, 8 x 8 pixels, as large as those that the digits model knows."""
    small = load_digits().images[:count, None] / 16
    return np.pad(np.kron(small, np.ones((3, 3))), [(0, 0), (0, 0), (2, 2), (2, 2)]).astype(np.float32)


@pytest.fixture
def net(tmp_path: Path):
    def made(configuration: Configuration) -> Written:
        drawn = np.random.default_rng(1).standard_normal((24, 3, 16, 16)).astype(np.float32)
        return Written(source(tmp_path / "net.onnx"), {"image": drawn}, configuration, tmp_path)

    return made


@pytest.mark.parametrize(
    "quantization",
    [
        Quantization(),
        Quantization(preset="mixed"),
        Quantization(weights="per-tensor", bias_correction=False),
        Quantization(float_operators=("depthwise", "linear/WithoutBiases")),
    ],
)
def test_a_net_is_what_was_judged(net, quantization: Quantization) -> None:
    written = net(Configuration(quantization=quantization))
    found = written.write()
    assert found.written, found.sentence
    assert found.runtimes == ("OpenVINO", "onnxruntime")
    assert found.difference < 0.02
    judged, back, other = written.outputs()
    np.testing.assert_allclose(back, judged, atol=0.02 * np.abs(judged).max())
    np.testing.assert_allclose(other, judged, atol=0.02 * np.abs(judged).max())
    assert [*written.folder.glob(".onnx-*")] == []


@pytest.mark.parametrize(
    ("made", "inputs", "operator"),
    [(upsampling, {"image": (24, 3, 8, 8)}, "ConvTranspose"), (recurrent, {"frames": (24, 6, 12)}, "LSTM")],
)
def test_upsampling_and_recurrent_nets_are_what_was_judged(
    tmp_path: Path, made: Callable[[Path], Path], inputs: dict[str, tuple[int, ...]], operator: str
) -> None:
    ((name, shape),) = inputs.items()
    drawn = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    written = Written(made(tmp_path / "net.xml"), {name: drawn}, INT8, tmp_path)
    found = written.write()
    assert found.written, found.sentence
    judged, _, other = written.outputs()
    np.testing.assert_allclose(other, judged, atol=0.05 * np.abs(judged).max())
    nodes = onnx.load(written.file).graph.node
    assert operator in {node.op_type for node in nodes}
    assert "QuantizeLinear" in {node.op_type for node in nodes}


def test_batch_norms_are_gone_and_biases_are_integers(net) -> None:
    written = net(INT8)
    assert written.write().written
    model = onnx.load(written.file)
    kinds = Counter(node.op_type for node in model.graph.node)
    assert kinds["BatchNormalization"] == 0
    assert (kinds["Conv"], kinds["Gemm"]) == (2, 1)
    assert [port.name for port in (*model.graph.input, *model.graph.output)] == ["image", "logits"]
    types = Counter(tensor.data_type for tensor in model.graph.initializer if tensor.name.endswith("/int"))
    assert types[onnx.TensorProto.INT8] == 3  # weights of all three
    assert types[onnx.TensorProto.INT32] >= 2  # the depthwise convolution reads one range per channel


@pytest.mark.parametrize("preset", ["performance", "mixed"])
def test_the_digits_model_predicts_what_was_judged(tmp_path: Path, preset: str) -> None:
    configuration = Configuration(quantization=Quantization(preset=preset))  # type: ignore[arg-type]
    written = Written(DIGITS, {"image": images(100)}, configuration, tmp_path)
    found = written.write()
    assert found.written, found.sentence
    judged, back, other = (outputs.argmax(axis=1) for outputs in written.outputs())
    assert np.mean(back == judged) >= 0.99
    assert np.mean(other == judged) >= 0.99


@pytest.mark.parametrize("symmetry", ["symmetric", "affine"])
def test_weights_alone_can_be_int8(net, symmetry: str) -> None:
    compression = Compression(("linear/WithoutBiases",), symmetry)  # type: ignore[arg-type]
    written = net(Configuration(compression=compression))
    found = written.write()
    assert found.written, found.sentence
    assert found.difference < 1e-4


@pytest.mark.parametrize(
    ("configuration", "why"),
    [
        (Configuration(), "nothing in 'float f32' is int8"),
        (Configuration("bf16", Quantization()), r"computes in bf16 \(precision\)"),
        (Configuration(quantization=Quantization(), bf16_operators=("a", "b")), "2 operators compute in bf16"),
        (Configuration(compression=Compression(("a",), dynamic_group=32)), "int8 at run time, in groups of 32"),
        (
            Configuration(compression=Compression(("a",), bits=4, weight_group=32)),
            "4 bits and a scale for each group of 32",
        ),
    ],
)
def test_a_choice_that_onnx_cannot_say_is_named(tmp_path: Path, configuration: Configuration, why: str) -> None:
    with pytest.raises(NotExpressibleError, match=why):
        check_choices(configuration)
    found = write(ov.Model([], [], "not looked at"), configuration, tmp_path, [], emulated)
    assert not found.written
    assert found.sentence.startswith("Not written as ONNX QDQ: ")
    assert [*tmp_path.iterdir()] == []


def refused(written: Written) -> str:
    found = written.write()
    assert not found.written
    assert not written.file.exists()
    return found.sentence


def test_an_operator_without_a_writer_is_named(net) -> None:
    written = net(INT8)
    (end,) = written.candidate.get_results()
    summed = ops.cum_sum(end.input_value(0), np.int64(1), name="running")
    written.candidate = ov.Model([summed], written.candidate.get_parameters(), "net")
    assert "operator 'running' is a CumSum" in refused(written)


def test_dynamic_shapes_are_named(net) -> None:
    written = net(INT8)
    written.candidate.reshape({"image": [-1, 3, 16, 16]})
    assert "its shapes are dynamic" in refused(written)


def test_what_one_file_cannot_hold_is_said(net, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "LARGEST", 500)
    assert "its constants take over 500 bytes" in refused(net(INT8))


def test_a_file_that_computes_otherwise_is_not_left(net, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weighted, "quantised_bias", lambda bias, *scales: quantised_bias(bias * 1.05, *scales))
    assert "run by OpenVINO it is not the model that was judged: " in refused(net(INT8))


def test_what_breaks_on_the_way_does_not_end_the_run(net, capsys: pytest.CaptureFixture[str]) -> None:
    written = net(INT8)
    written.name = "photo"
    assert "it could not be made or loaded again: " in refused(written)
    assert "Traceback" in capsys.readouterr().err


def test_another_quantiser_is_told_apart(net) -> None:
    written = net(INT8)
    judged = Judged(written.candidate, [{"image": written.samples[:1]}], emulated)
    values = judged.values[0]
    quantiser = next(iter(judged.scales))

    def moved(inputs, names):
        got = {name: values[name] for name in names if name in values}
        got |= {name: values[f"output {i}"] for i, name in enumerate(judged.outputs)}
        got[f"{quantiser}/after"] = got[f"{quantiser}/after"] + judged.scales[quantiser]
        return [got[name] for name in names]

    assert judged.parts(moved).wrong == f"quantiser '{quantiser}' rounds otherwise"


def test_without_the_package_it_is_said_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(
        UserError, match=r"^--onnx: writing ONNX needs the package 'onnx'; pip install 'autotune\[onnx\]'"
    ):
        check_installed("--onnx")


def test_validate_says_so_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = recipe_of(tmp_path, "int8-static")
    assert check(str(asked), schema_only=True, trust_code=False).problems == ()
    monkeypatch.setitem(sys.modules, "onnx", None)
    (problem,) = check(str(asked), schema_only=True, trust_code=False).problems
    assert problem.startswith(f"{asked}:7: export.onnx: writing ONNX needs the package 'onnx'")


SPACE = (
    "{precision: f32, schemes: %s, placement: plain, preset: performance, activations: {estimator: mean-min-max,"
    " symmetry: as-preset}, weights: {granularity: per-channel}, bias_correction: true, overflow_fix: off, forms: off,"
    " bf16_operators: false, threads: 1}"
)


def recipe_of(folder: Path, scheme: str) -> Path:
    np.savez(folder / "data.npz", image=images(300), labels=load_digits().target[:300])
    text = (
        f"version: 1\nname: digits\nmodel: {{path: {DIGITS}}}\ndata: {{path: data.npz}}\nmetric: accuracy\n"
        f"budget: {{trials: 1}}\nexport: {{onnx: true}}\nspace: {SPACE % scheme}\n"
    )
    (folder / "recipe.yaml").write_text(text)
    return folder / "recipe.yaml"


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    asked = [sys.executable, "-m", "autotune", *map(str, arguments)]
    return subprocess.run(asked, capture_output=True, text=True, check=False)


def test_apply_writes_it_beside_the_folder(tmp_path: Path) -> None:
    done = command("apply", recipe_of(tmp_path, "int8-static"), "--output", tmp_path / "model")
    assert done.returncode == 0, done.stderr
    assert "Also written as ONNX QDQ, model_qdq.onnx: " in done.stderr
    assert (tmp_path / "model" / "model_qdq.onnx").exists()
    assert "`model_qdq.onnx` is this model" in (tmp_path / "model" / "README.md").read_text()


@pytest.mark.slow
def test_a_run_says_why_there_is_none(tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = command("tune", recipe_of(tmp_path, "float"), "--onnx", "--output", run)
    assert done.returncode == 0, done.stderr
    sentence = json.loads((run / "run.json").read_text())["onnx"]["sentence"]
    assert sentence.startswith("Not written as ONNX QDQ: nothing in 'float f32")
    assert sentence in " ".join(done.stdout.split())
    assert "Not written as ONNX QDQ" in (run / "report.html").read_text()
    assert not (run / "model" / "model_qdq.onnx").exists()
