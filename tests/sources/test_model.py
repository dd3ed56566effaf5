from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from autotune.data import Dataset, Splits
from autotune.errors import UserError
from autotune.recipe import Recipe
from autotune.sources.model import conform, conform_splits, locate, read

DIGITS = Path(__file__).parents[2] / "recipes" / "digits" / "digits.onnx"


def two_inputs(image=(-1, 3, -1, -1), ids_type=np.int32):
    """A model of a float ``image`` and ``ids`` of shape [?, 4]."""
    import openvino as ov
    from openvino import opset13 as ops

    x, ids = ops.parameter(list(image), np.float32), ops.parameter([-1, 4], ids_type)
    x.output(0).set_names({"image", "also:0"})
    ids.output(0).set_names({"ids"})
    pooled = ops.reduce_mean(x, np.array([2, 3]), keep_dims=False)
    y = ops.concat([pooled, ops.convert(ids, np.float32)], 1)
    y.output(0).set_names({"y"})
    return ov.Model([y], [x, ids])


@pytest.fixture
def ir(tmp_path: Path) -> Path:
    import openvino as ov

    ov.save_model(two_inputs(), tmp_path / "model.xml")
    return tmp_path / "model.xml"


def data(n: int = 3, **changes) -> Dataset:
    inputs = {"image": np.zeros((n, 3, 8, 6), np.float32), "ids": np.zeros((n, 4), np.int32), **changes}
    return Dataset({k: v for k, v in inputs.items() if v is not None}, np.arange(n))


def test_dynamic_dimensions_come_from_the_data(ir: Path):
    model, notes = read(ir, {}, data())
    assert [list(p.shape) for p in model.inputs] == [[1, 3, 8, 6], [1, 4]]
    assert notes == [
        "Input 'also:0' [?, 3, ?, ?] was fixed to [1, 3, 8, 6].",
        "Input 'ids' [?, 4] was fixed to [1, 4].",
    ]


def test_the_recipe_fixes_dimensions_by_any_name(ir: Path):
    model, _ = read(ir, {"image": (1, 3, 8, 6)}, data())
    assert list(model.inputs[0].shape) == [1, 3, 8, 6]


def test_a_static_model_needs_no_note(tmp_path: Path):
    import openvino as ov

    model = two_inputs()
    model.reshape({"image": [1, 3, 8, 6], "ids": [1, 4]})
    ov.save_model(model, tmp_path / "static.xml")
    assert read(tmp_path / "static.xml", {}, data())[1] == []


@pytest.mark.skipif(not DIGITS.exists(), reason="needs the digits recipe")
def test_onnx():
    model, notes = read(DIGITS, {}, Dataset({"image": np.zeros((2, 1, 28, 28), np.float32)}))
    assert (list(model.inputs[0].shape), notes) == ([1, 1, 28, 28], [])


def test_inputs_without_names_go_by_their_node(tmp_path: Path):
    import openvino as ov
    from openvino import opset13 as ops

    x = ops.parameter([1, 2], np.float32, name="x")
    ov.save_model(ov.Model([ops.relu(x)], [x]), tmp_path / "m.xml")
    model, _ = read(tmp_path / "m.xml", {}, Dataset({"x": np.zeros((3, 2), np.float32)}))
    assert model.inputs[0].get_any_name() == "x"


@pytest.mark.parametrize(
    ("changes", "inputs", "message"),
    [
        ({"ids": None}, {}, r"model's input 'ids' \[\?, 4\] is missing; given: 'image'"),
        ({"imgae": np.zeros((3, 1))}, {}, "has not. Did you mean 'image'"),
        ({"ids": np.zeros((3, 5), np.int32)}, {}, r"'ids' has samples of shape \[1, 5\].*takes \[\?, 4\]"),
        ({"image": np.zeros((3, 8, 6), np.float32)}, {}, r"'also:0' has .*\[1, 8, 6\].* takes \[\?, 3, \?, \?\]"),
        ({}, {"image": (1, 3, 9, 9)}, r"'also:0' has samples of shape \[1, 3, 8, 6\].*takes \[1, 3, 9, 9\]"),
        ({}, {"image": (1, 5, 8, 6)}, r"cannot be given the shapes .*\[1, 5, 8, 6\]|takes \[1, 5, 8, 6\]"),
        ({}, {"imag": (1, 3, 8, 6)}, "inputs: model.xml has no input 'imag'. Did you mean 'image'"),
        ({"ids": np.full((3, 4), 2**40)}, {}, "values 1099511627776 to 1099511627776, the model's int32 cannot hold"),
        ({"ids": np.zeros((3, 4), np.float32)}, {}, "input 'ids' is float32, the model takes int32"),
        ({"image": np.full((3, 3, 8, 6), 1e300)}, {}, "too large for the model's float32"),
        ({"image": np.zeros((3, 3, 8, 6), complex)}, {}, "complex128, the model takes float32"),
        ({"ids": np.full((3, 4), "a")}, {}, "<U1, the model takes int32"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(ir: Path, changes, inputs, message):
    with pytest.raises(UserError, match=message) as caught:
        read(ir, inputs, data(**changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.int8, bool, np.uint64])
def test_integers_that_fit_are_cast(ir: Path, dtype):
    model, _ = read(ir, {}, data())
    given = np.arange(12).reshape(3, 4).astype(dtype)
    cast = conform(data(ids=given), model, "data").inputs["ids"]
    assert cast.dtype == np.int32
    assert cast.tolist() == given.astype(int).tolist()


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.uint8])
def test_floats_and_small_integers_are_cast_to_float(ir: Path, dtype):
    model, _ = read(ir, {}, data())
    given = np.full((3, 3, 8, 6), 3, dtype)
    cast = conform(data(image=given), model, "data")
    assert cast.inputs["also:0"].dtype == np.float32
    assert cast.labels.tolist() == [0, 1, 2]


def test_every_split_is_checked(ir: Path):
    model, _ = read(ir, {}, data())
    good = data(ids=np.zeros((3, 4), np.int64))
    splits = conform_splits(Splits(good, good, good, 2), model)
    assert splits.duplicates_removed == 2
    assert all(part.inputs["ids"].dtype == np.int32 for _, part in splits.items())
    bad = data(image=np.zeros((3, 3, 9, 6), np.float32))
    with pytest.raises(UserError, match=r"data \(calibration\): input 'also:0' .*\[1, 3, 9, 6\]"):
        conform_splits(Splits(bad, good, good), model)


def batch_of_four(tmp_path: Path, graph: str) -> tuple[Path, Dataset]:
    """A model [4,3,8,8] -> [4,5], the batch fixed inside the graph too (as tracing writes it), and seven samples."""
    import openvino as ov
    from openvino import opset13 as ops

    random = np.random.default_rng(0)
    x = ops.parameter([4, 3, 8, 8], np.float32)
    x.output(0).set_names({"x"})
    rows = ops.relu(x)
    for shape in ([2, 2, 192], [4, 192]) if graph == "pairs" else ([4, 3, 64], [12, 64], [4, -1]):
        rows = ops.reshape(rows, ops.constant(np.array(shape)), False)
    if graph == "mixing":
        rows = ops.subtract(rows, ops.reduce_mean(rows, ops.constant(np.array([0])), keep_dims=True))
    if graph == "pooled":
        rows = ops.reduce_mean(rows, ops.constant(np.array([0])), keep_dims=True)
    y = ops.matmul(rows, ops.constant(random.standard_normal((192, 5)).astype(np.float32)), False, False)
    ov.save_model(ov.Model([y], [x]), tmp_path / "m.xml")
    return tmp_path / "m.xml", Dataset({"x": random.standard_normal((7, 3, 8, 8)).astype(np.float32)})


@pytest.mark.parametrize("inputs", [{}, {"x": (1, 3, 8, 8)}])
def test_a_fixed_batch_becomes_one(tmp_path: Path, inputs):
    import openvino as ov

    path, sample = batch_of_four(tmp_path, "plain")
    whole = ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(sample.inputs["x"][:4])[0]
    model, notes = read(path, inputs, sample)
    assert [list(port.shape) for port in [*model.inputs, *model.outputs]] == [[1, 3, 8, 8], [1, 5]]
    assert notes == [
        "Input 'x' [4, 3, 8, 8] was fixed to [1, 3, 8, 8].",
        "The batch of 4 was reduced to 1: samples one by one give the outputs that they give in a batch.",
    ]
    single = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    np.testing.assert_allclose(np.concatenate([single(x[None])[0] for x in sample.inputs["x"][:4]]), whole, rtol=1e-4)


@pytest.mark.skipif(not DIGITS.exists(), reason="needs the digits recipe")
def test_an_onnx_file_of_a_fixed_batch(tmp_path: Path):
    import openvino as ov

    network = onnx.load(DIGITS)
    for port in [*network.graph.input, *network.graph.output]:
        port.type.tensor_type.shape.dim[0].dim_value = 8
    onnx.save(network, tmp_path / "digits.onnx")
    images = np.random.default_rng(0).random((9, 1, 28, 28), np.float32)
    model, notes = read(tmp_path / "digits.onnx", {}, Dataset({"image": images}))
    assert notes[-1].startswith("The batch of 8 was reduced to 1")
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    one, original = (ov.Core().compile_model(m, "CPU", settings) for m in (model, DIGITS))
    np.testing.assert_allclose(one(images[:1])[0], original(images[:1])[0], rtol=1e-4)


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        ("pairs", "it does not run with a batch of 1"),
        ("mixing", "samples one by one give other outputs than in a batch"),
        ("pooled", "its outputs do not have one row per sample"),
    ],
)
def test_a_batch_that_cannot_be_one_is_refused(tmp_path: Path, graph: str, reason: str):
    path, sample = batch_of_four(tmp_path, graph)
    message = rf"^model: m\.xml is exported with a fixed batch of 4 and cannot be given a batch of 1: {reason}; export"
    with pytest.raises(UserError, match=message) as caught:
        read(path, {}, sample)
    assert "\n" not in str(caught.value)


def test_an_input_that_the_samples_of_a_batch_share(tmp_path: Path):
    import openvino as ov
    from openvino import opset13 as ops

    one, shared = ops.parameter([4, 2], np.float32, name="one"), ops.parameter([1, 2], np.float32, name="shared")
    ov.save_model(ov.Model([ops.multiply(one, shared)], [one, shared]), tmp_path / "m.xml")
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    model, notes = read(tmp_path / "m.xml", {}, Dataset({"one": values, "shared": values + 1}))
    assert [list(port.shape) for port in model.inputs] == [[1, 2], [1, 2]]
    assert len(notes) == 2


def test_batches_that_differ_are_refused(tmp_path: Path):
    import openvino as ov
    from openvino import opset13 as ops

    one, two = ops.parameter([4, 2], np.float32, name="one"), ops.parameter([8, 2], np.float32, name="two")
    ov.save_model(ov.Model([ops.relu(one), ops.relu(two)], [one, two]), tmp_path / "m.xml")
    sample = Dataset({"one": np.zeros((3, 2), np.float32), "two": np.zeros((3, 2), np.float32)})
    with pytest.raises(UserError, match=r"a fixed batch of 4 and 8 .* its inputs have different ones"):
        read(tmp_path / "m.xml", {}, sample)


def test_a_cut_weights_file(ir: Path, tmp_path: Path):
    import openvino as ov
    from openvino import opset13 as ops

    x = ops.parameter([1, 64], np.float32, name="x")
    weights = ops.constant(np.random.default_rng(0).random((64, 64), np.float32))
    ov.save_model(ov.Model([ops.matmul(x, weights, False, False)], [x]), tmp_path / "m.xml", compress_to_fp16=False)
    binary = tmp_path / "m.bin"
    binary.write_bytes(binary.read_bytes()[:1000])
    sample = Dataset({"x": np.zeros((3, 64), np.float32)})
    with pytest.raises(UserError, match=r"cannot read .*m\.xml: .*it or its \.bin may be cut or damaged"):
        read(tmp_path / "m.xml", {}, sample)


@pytest.mark.parametrize("name", ["m.xml", "m.onnx", "m.tflite"])
def test_a_cut_or_foreign_file(tmp_path: Path, ir: Path, name: str):
    (tmp_path / name).write_bytes(ir.read_bytes()[:300])
    (tmp_path / "m.bin").write_bytes(b"")
    with pytest.raises(UserError, match=f"OpenVINO cannot read .*{name}") as caught:
        read(tmp_path / name, {}, data())
    assert "\n" not in str(caught.value)


def recipe(model: Path) -> Recipe:
    return Recipe.quick(str(model), "data.npz", "accuracy")


def test_locating(ir: Path, tmp_path: Path):
    assert locate(recipe(ir)) == ir
    with pytest.raises(UserError, match=r"nowhere\.onnx does not exist"):
        locate(recipe(tmp_path / "nowhere.onnx"))
    ir.with_suffix(".bin").unlink()
    with pytest.raises(UserError, match=r"model\.bin is missing; an IR is two files"):
        locate(recipe(ir))
    (tmp_path / "m.pt").write_bytes(b"x")
    with pytest.raises(UserError, match=r"not one of \.xml, \.onnx, \.tflite"):
        locate(recipe(tmp_path / "m.pt"))
