from __future__ import annotations

from pathlib import Path

import numpy as np
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


def test_a_fixed_batch_is_explained_and_can_be_changed(tmp_path: Path):
    import openvino as ov
    from openvino import opset13 as ops

    x = ops.parameter([8, 2], np.float32)
    x.output(0).set_names({"x"})
    ov.save_model(ov.Model([ops.relu(x)], [x]), tmp_path / "m.xml")
    sample = Dataset({"x": np.zeros((3, 2), np.float32)})
    with pytest.raises(UserError, match=r"\[8, 2\]: its batch is not 1; write 'inputs: \{x: \[1, 2\]\}'"):
        read(tmp_path / "m.xml", {}, sample)
    assert list(read(tmp_path / "m.xml", {"x": (1, 2)}, sample)[0].inputs[0].shape) == [1, 2]


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
