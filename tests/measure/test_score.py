import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from autotune.data import Dataset, Lengths
from autotune.errors import UserError
from autotune.measure.compiled import compile_model
from autotune.measure.score import outputs


def model_of(node, parameter) -> ov.Model:
    node.output(0).set_names({"y"})
    return ov.Model([node], [parameter], "m")


def parameter(*shape: int):
    x = ops.parameter(shape, np.float32)
    x.output(0).set_names({"x"})
    return x


def test_rows_in_order():
    x = parameter(1, 3)
    compiled = compile_model(model_of(ops.multiply(x, np.float32(2)), x), "f32", 1)
    data = Dataset({"x": np.arange(15, dtype=np.float32).reshape(5, 3)})
    np.testing.assert_array_equal(outputs(compiled, data, 1, 4)["y"], 2 * data.inputs["x"][1:4])


def test_output_without_batch_axis():
    x = parameter(1, 3)
    compiled = compile_model(model_of(ops.reduce_sum(x, np.array([0, 1])), x), "f32", 1)
    data = Dataset({"x": np.arange(6, dtype=np.float32).reshape(2, 3)})
    np.testing.assert_array_equal(outputs(compiled, data, 0, 2)["y"], [3.0, 12.0])


def test_output_shape_that_depends_on_the_sample():
    x = parameter(1, 3)
    compiled = compile_model(model_of(ops.non_zero(x), x), "f32", 1)
    data = Dataset({"x": np.array([[1, 0, 0], [1, 1, 0]], np.float32)})
    with pytest.raises(UserError, match="Output 'y' has shape"):
        outputs(compiled, data, 0, 2)


def test_outputs_of_the_length_of_the_sample_are_filled_up():
    x = parameter(1, -1)
    compiled = compile_model(model_of(ops.multiply(x, np.float32(2)), x), "f32", 1)
    data = Dataset({"x": np.ones((3, 4), np.float32)}, lengths=Lengths(np.array([2, 4, 1])))
    assert outputs(compiled, data, 0, 3)["y"].tolist() == [[2, 2, 0, 0], [2, 2, 2, 2], [2, 0, 0, 0]]
