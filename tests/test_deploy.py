"""What is written is the model that was judged, under names that do not depend on the process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from conftest import convolution_net

from autotune import deploy
from autotune.data import Lengths
from autotune.errors import UserError
from autotune.graph.normalise import normalise
from autotune.measure.compiled import compile_model, deploy_properties

IMAGE = {"image": np.random.default_rng(0).standard_normal((1, 3, 16, 16), dtype=np.float32)}


def model_with_numbers() -> ov.Model:
    """The small net, an operator of which has a name like OpenVINO's own, and one that has none."""
    model = convolution_net()
    model.reshape([1, 3, 16, 16])
    result = model.get_results()[0]
    two, three = (ops.constant(np.array([[value]], np.float32)) for value in (2, 3))
    named = ops.multiply(result.input_value(0), two, name="Multiply_13885")
    named.output(0).set_names({"doubled"})
    folded, _ = normalise(ov.Model([named], model.get_parameters(), "m"))
    y = ops.multiply(folded.get_results()[0].input_value(0), three)
    y.output(0).set_names({"y"})
    return ov.Model([y], folded.get_parameters(), "m")


def written(model: ov.Model, folder: Path) -> dict[str, bytes]:
    deploy.export(model, deploy_properties("f32", 1), folder, name="m", label="float f32", remark="")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_caller_s_model_keeps_its_names(tmp_path: Path) -> None:
    model = model_with_numbers()
    before = [node.get_friendly_name() for node in model.get_ordered_ops()]
    written(model, tmp_path / "one")
    assert [node.get_friendly_name() for node in model.get_ordered_ops()] == before
    names = [node.get_friendly_name() for node in ov.Core().read_model(tmp_path / "one" / deploy.MODEL).get_ops()]
    assert "Multiply_13885" in names
    assert len(set(names)) == len(names)


def test_equal_models_are_equal_files(tmp_path: Path) -> None:
    assert written(model_with_numbers(), tmp_path / "one") == written(model_with_numbers(), tmp_path / "one")


def test_what_is_loaded_gives_the_same_outputs(tmp_path: Path) -> None:
    model = model_with_numbers()
    written(model, tmp_path / "one")
    expected = compile_model(model, "f32", 1).infer(IMAGE)
    np.testing.assert_array_equal(deploy.load(tmp_path / "one")(IMAGE)[0], next(iter(expected.values())))


def test_benchmark_app_takes_every_property(tmp_path: Path) -> None:
    properties = deploy_properties("f32", 1, dynamic_group=64)
    deploy.export(model_with_numbers(), properties, tmp_path / "model", name="m", label="int8", remark="")
    tool = Path(sys.executable).parent / "benchmark_app"
    command = [tool, "-m", "model/openvino_model.xml", "-d", "CPU", "-load_config", "model/deploy.json", "-t", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in properties:
        assert f"{name}: " in done.stdout
    assert "DYNAMIC_QUANTIZATION_GROUP_SIZE: 64" in done.stdout
    assert "INFERENCE_NUM_THREADS: 1" in done.stdout


def test_buckets_are_padded_to_and_told(tmp_path: Path) -> None:
    x = ops.parameter([1, -1], np.int64, name="x")
    x.output(0).set_names({"x"})
    y = ops.add(x, ops.reduce_sum(x, np.array([1]), True))
    y.output(0).set_names({"y"})
    lengths = Lengths(np.array([2, 4]), most=4, buckets=(2, 4), padding={"x": 100, "other": 1})
    deploy.export(
        ov.Model([y], [x], "m"),
        deploy_properties("f32", 1),
        tmp_path / "m",
        name="m",
        label="",
        remark="",
        lengths=lengths,
    )
    compiled = deploy.load(tmp_path / "m")
    assert compiled.buckets == (2, 4)
    assert compiled({"x": [[1, 2]]})["y"].tolist() == [[4, 5]]
    assert compiled({"x": [[1, 2, 3]]})[0].tolist() == [[107, 108, 109, 206]]
    with pytest.raises(UserError, match="The text has 5 tokens and the longest bucket 4; cut it"):
        compiled({"x": [[0] * 5]})
    assert json.loads((tmp_path / "m/shapes.json").read_text())["padding"] == {"x": 100}
    (tmp_path / "m/shapes.json").write_text("{}")
    with pytest.raises(UserError, match=r"shapes.json: is damaged"):
        deploy.load(tmp_path / "m")


def test_own_lengths_are_taken_as_they_are(tmp_path: Path) -> None:
    x = ops.parameter([1, -1], np.float32, name="x")
    x.output(0).set_names({"x"})
    model = ov.Model([ops.relu(x)], [x], "m")
    lengths = Lengths(np.array([2, 5]), most=8)
    deploy.export(model, deploy_properties("f32", 1), tmp_path / "m", name="m", label="", remark="", lengths=lengths)
    assert deploy.load(tmp_path / "m")({"x": np.array([[1, -1, 2]], np.float32)})[0].tolist() == [[1, 0, 2]]
    assert "at most 8 tokens" in (tmp_path / "m/README.md").read_text()
