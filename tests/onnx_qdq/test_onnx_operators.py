"""Every operator that is written, in a float graph: onnxruntime gives what OpenVINO gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import openvino as ov
import openvino.opset13 as ops
import pytest
from onnx_models import session

from autotune.onnx_qdq.graph import _WRITERS, to_onnx
from autotune.onnx_qdq.refusal import NotExpressibleError

Output = ov.Node
RANDOM = np.random.default_rng(0)


def drawn(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def truth(x: Output) -> Output:
    return ops.greater(x, np.float32(0))


def lstm(x: Output, direction: str, output: int) -> Output:
    both = 1 + (direction == "bidirectional")
    rows = ops.reshape(x, ints(2, 12, 6), False)
    shapes = ((both, 20, 6), (both, 20, 5), (both, 20))
    states = [drawn(2, both, 5) for _ in range(2)]
    lengths = np.full(2, 12, np.int32)
    return ops.lstm_sequence(rows, *states, lengths, *(drawn(*shape) for shape in shapes), 5, direction).output(output)


# Each takes positive and negative values of the shape [1, 4, 6, 6].
GRAPHS: dict[str, Callable[[Output], Output]] = {
    "Abs": ops.abs, "Ceiling": ops.ceiling, "Cos": ops.cos, "Erf": ops.erf, "Exp": ops.exp, "Floor": ops.floor,
    "HSwish": ops.hswish, "Log": lambda x: ops.log(ops.exp(x)), "Mish": ops.mish, "Negative": ops.negative,
    "Relu": ops.relu, "Sigmoid": ops.sigmoid, "Sign": ops.sign, "Sin": ops.sin, "SoftPlus": ops.softplus,
    "Sqrt": lambda x: ops.sqrt(ops.abs(x)), "Tanh": ops.tanh,
    "Add": lambda x: ops.add(x, drawn(6)), "Divide": lambda x: ops.divide(x, drawn(1, 4, 1, 1)),
    "Maximum": lambda x: ops.maximum(x, drawn(6)), "Minimum": lambda x: ops.minimum(x, drawn(6)),
    "Multiply": lambda x: ops.multiply(drawn(6, 6), x), "Power": lambda x: ops.power(x, np.float32(2)),
    "Subtract": lambda x: ops.subtract(drawn(6), x),
    "SquaredDifference": lambda x: ops.squared_difference(x, drawn(6)),
    "Equal": lambda x: ops.convert(ops.equal(ops.sign(x), np.float32(1)), "f32"),
    "Greater": lambda x: ops.convert(truth(x), "f32"),
    "GreaterEqual": lambda x: ops.convert(ops.greater_equal(x, np.float32(0)), "f32"),
    "Less": lambda x: ops.convert(ops.less(x, np.float32(0)), "f32"),
    "LessEqual": lambda x: ops.convert(ops.less_equal(x, np.float32(0)), "f32"),
    "LogicalAnd": lambda x: ops.convert(ops.logical_and(truth(x), ops.less(x, np.float32(1))), "f32"),
    "LogicalOr": lambda x: ops.convert(ops.logical_or(truth(x), ops.less(x, np.float32(-1))), "f32"),
    "LogicalNot": lambda x: ops.convert(ops.logical_not(truth(x)), "f32"),
    "Select": lambda x: ops.select(truth(x), x, np.float32(0.5)),
    "Convert": lambda x: ops.convert(ops.convert(x, "i32"), "f32"),
    "Clamp": lambda x: ops.clamp(x, -0.5, 1.0), "Elu": lambda x: ops.elu(x, 0.5),
    "HardSigmoid": lambda x: ops.hard_sigmoid(x, np.float32(0.2), np.float32(0.4)),
    "Gelu": lambda x: ops.gelu(x, "erf"), "Gelu tanh": lambda x: ops.gelu(x, "tanh"),
    "Swish": ops.swish, "Swish beta": lambda x: ops.swish(x, np.float32(1.5)),
    "Softmax": lambda x: ops.softmax(x, 1), "LogSoftmax": lambda x: ops.log_softmax(x, -1),
    "Reshape": lambda x: ops.reshape(x, ints(4, -1), False), "Squeeze": lambda x: ops.squeeze(x, ints(0)),
    "Unsqueeze": lambda x: ops.unsqueeze(x, ints(2)), "Transpose": lambda x: ops.transpose(x, ints(0, 2, 3, 1)),
    "Broadcast": lambda x: ops.broadcast(x, ints(2, 4, 6, 6)),
    "Concat": lambda x: ops.concat([x, ops.relu(x)], 1),
    "Gather": lambda x: ops.gather(x, ints(2, 0), ints(1)),
    "Slice": lambda x: ops.slice(x, ints(0), ints(4), ints(2), ints(1)),
    "Slice of all": lambda x: ops.slice(x, ints(0, 1), ints(1, 3), ints(1, 1)),
    "Split": lambda x: ops.add(*ops.split(x, np.int64(1), 2).outputs()),
    "VariadicSplit": lambda x: ops.add(*ops.variadic_split(x, np.int64(1), ints(1, 3)).outputs()),
    "ReduceMean": lambda x: ops.reduce_mean(x, ints(2, 3), True),
    "ReduceMean of one": lambda x: ops.reduce_mean(x, ints(-1), False),
    "ReduceSum": lambda x: ops.reduce_sum(x, ints(1), False), "ReduceMax": lambda x: ops.reduce_max(x, ints(1), True),
    "ReduceMin": lambda x: ops.reduce_min(x, ints(1), True), "ReduceProd": lambda x: ops.reduce_prod(x, ints(1), True),
    "ReduceL2": lambda x: ops.reduce_l2(x, ints(1), True),
    "MVN": lambda x: ops.mvn(x, ints(2, 3), True, 1e-5, "inside_sqrt"),
    "AvgPool": lambda x: ops.avg_pool(x, [2, 2], [1, 1], [1, 1], [3, 3], True, "ceil"),
    "MaxPool": lambda x: ops.max_pool(x, [2, 2], [1, 1], [0, 0], [1, 1], [3, 3], "floor").output(0),
    "Convolution": lambda x: ops.add(
        ops.convolution(x, drawn(5, 4, 3, 3), [2, 1], [1, 0], [0, 1], [1, 2]), drawn(1, 5, 1, 1)
    ),
    "Convolution same": lambda x: ops.convolution(x, drawn(5, 4, 3, 3), [2, 2], [0, 0], [0, 0], [1, 1], "same_upper"),
    "GroupConvolution": lambda x: ops.group_convolution(x, drawn(2, 3, 2, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1]),
    "ConvolutionBackpropData": lambda x: ops.add(
        ops.convolution_backprop_data(x, drawn(4, 5, 3, 3), [2, 1], pads_begin=[1, 0], pads_end=[0, 1],
            dilations=[1, 2], output_padding=[1, 0]), drawn(1, 5, 1, 1)
    ),
    "ConvolutionBackpropData same": lambda x: ops.convolution_backprop_data(
        x, drawn(4, 5, 3, 3), [2, 2], ints(12, 12), auto_pad="same_upper"
    ),
    "GroupConvolutionBackpropData": lambda x: ops.group_convolution_backprop_data(x, drawn(2, 2, 3, 3, 3), [2, 2]),
    "Interpolate": lambda x: ops.interpolate(x, ints(12, 9), "nearest", "sizes", axes=ints(2, 3)),
    "Interpolate simple": lambda x: ops.interpolate(
        x, np.array([2, 3], np.float32), "nearest", "scales", None, None, "asymmetric", "simple", axes=ints(2, 3)
    ),
    "Interpolate linear": lambda x: ops.interpolate(
        x, np.array([1, 1, 1.7, 0.6], np.float32), "linear_onnx", "scales"
    ),
    "Interpolate of segmentation": lambda x: ops.interpolate(
        x, ints(24, 24), "linear", "sizes", None, None, "align_corners", axes=ints(2, 3)
    ),
    "Interpolate cubic": lambda x: ops.interpolate(
        x, ints(9, 15), "cubic", "sizes", None, None, "pytorch_half_pixel", cube_coeff=-0.5, axes=ints(2, 3)
    ),
    "Pad": lambda x: ops.pad(x, ints(0, 1, 0, 2), ints(0, 0, 1, 0), "constant", np.float32(0.5)),
    "Pad cut": lambda x: ops.pad(x, ints(0, 1, -1, 2), ints(0, 0, 1, -2), "constant"),
    "Pad mirrored": lambda x: ops.pad(x, ints(0, 0, 1, 2), ints(0, 0, 3, 0), "reflect"),
    "Pad edge": lambda x: ops.pad(x, ints(0, 0, 1, 2), ints(0, 0, 3, 0), "edge"),
    "LSTMSequence": lambda x: lstm(x, "forward", 0),
    "LSTMSequence both": lambda x: lstm(x, "bidirectional", 1),
    "LSTMSequence backwards": lambda x: lstm(x, "reverse", 2),
    "Atan": ops.atan, "Tan": ops.tan, "SoftSign": ops.softsign, "HSigmoid": ops.hsigmoid,
    "PRelu": lambda x: ops.prelu(x, drawn(4, 1, 1)), "PRelu of all": lambda x: ops.prelu(x, drawn(4)),
    "Round": lambda x: ops.round(ops.multiply(x, np.float32(2)), "half_to_even"),
    "NotEqual": lambda x: ops.convert(ops.not_equal(ops.sign(x), np.float32(1)), "f32"),
    "LogicalXor": lambda x: ops.convert(ops.logical_xor(truth(x), ops.less(x, np.float32(1))), "f32"),
    "Tile": lambda x: ops.tile(x, ints(2, 1, 1, 3, 1)), "Tile of less": lambda x: ops.tile(x, ints(2, 3)),
    "DepthToSpace": lambda x: ops.depth_to_space(x, "blocks_first", 2),
    "DepthToSpace of depth": lambda x: ops.depth_to_space(x, "depth_first", 2),
    "SpaceToDepth": lambda x: ops.space_to_depth(x, "blocks_first", 2),
    "StridedSlice": lambda x: ops.strided_slice(
        x, ints(0, 1, 5, 0), ints(1, 3, 0, 0), ints(1, 1, -2, 2), [1, 0, 0, 1], [1, 0, 0, 1]
    ),
    "StridedSlice to fewer axes": lambda x: ops.strided_slice(
        x, ints(0, -1, 0), ints(0, 0, 4), ints(1, 1, 1), [1, 0, 1], [1, 0, 0], [], [0, 1, 0], []
    ),
    "ReduceL1": lambda x: ops.reduce_l1(x, ints(1), True),
    "MatMul": lambda x: ops.matmul(x, drawn(5, 6), False, True),
    "MatMul rows": lambda x: ops.add(
        ops.matmul(ops.reshape(x, ints(4, 36), False), drawn(36, 5), False, False), drawn(1, 5)
    ),
    "MatMul both": lambda x: ops.matmul(x, ops.relu(x), True, True),
    "ScaledDotProductAttention": lambda x: ops.scaled_dot_product_attention(x, ops.relu(x), ops.sin(x)),
    "ScaledDotProductAttention masked": lambda x: ops.scaled_dot_product_attention(
        x, ops.relu(x), ops.sin(x), drawn(1, 1, 6, 6), np.float32(0.3)
    ),
}  # fmt: skip


def model_of(graph: Callable[[Output], Output]) -> ov.Model:
    x = ops.parameter([1, 4, 6, 6], np.float32, name="x")
    x.output(0).set_names({"x"})
    return ov.Model([graph(x)], [x], "one")


def test_every_writer_has_a_graph_here() -> None:
    assert {name.split()[0] for name in GRAPHS} == set(_WRITERS)


@pytest.mark.parametrize("name", GRAPHS)
def test_onnxruntime_gives_what_openvino_gives(name: str, tmp_path: Path) -> None:
    model = model_of(GRAPHS[name])
    assert name.split(maxsplit=1)[0] in {node.get_type_name() for node in model.get_ops()}
    path = tmp_path / "one.onnx"
    onnx.save(to_onnx(model), path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    x = drawn(1, 4, 6, 6)
    expected = ov.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})({"x": x})[0]
    (got,) = session(path, optimised=False).run(None, {"x": x})
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)


def test_a_table_of_integers_is_read_as_floats(tmp_path: Path) -> None:
    ids = ops.parameter([1, 3], np.int32, name="ids")
    ids.output(0).set_names({"ids"})
    table = RANDOM.integers(-127, 128, (9, 4)).astype(np.int8)
    floats = ops.multiply(ops.convert(ops.constant(table), "f32"), np.abs(drawn(9, 1)))
    model = ov.Model([ops.gather(floats, ids, ints(0))], [ids], "table")
    path = tmp_path / "table.onnx"
    onnx.save(to_onnx(model), path)
    given = {"ids": np.array([[8, 0, 3]], np.int32)}
    (got,) = session(path, optimised=False).run(None, given)
    np.testing.assert_allclose(got, ov.compile_model(model, "CPU")(given)[0], rtol=1e-6)
    assert [node.op_type for node in onnx.load(path).graph.node] == ["DequantizeLinear", "Gather"]


def test_an_input_and_a_constant_may_be_outputs(tmp_path: Path) -> None:
    x = ops.parameter([1, 2], np.float32, name="x")
    x.output(0).set_names({"x"})
    y = ops.relu(x)
    path = tmp_path / "ends.onnx"
    onnx.save(to_onnx(ov.Model([x, y, y, ops.constant(drawn(1, 2))], [x], "ends")), path)
    assert len(session(path, optimised=False).run(None, {"x": drawn(1, 2)})) == 4


@pytest.mark.parametrize(
    ("graph", "why"),
    [
        (lambda x: ops.divide(ops.convert(x, "i32"), np.int32(2)), "divides integers"),
        (lambda x: ops.hard_sigmoid(x, ops.reduce_max(x, ints(0, 1, 2, 3)), np.float32(0)), "is computed at run time"),
        (lambda x: ops.mvn(x, ints(1), True, 1e-5, "inside_sqrt"), "LayerNormalization does not"),
        (lambda x: ops.scaled_dot_product_attention(x, x, x, causal=True), "causal mask"),
        (lambda x: ops.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(1), "places of maxima"),
        (lambda x: ops.gather(x, np.zeros((1, 2), np.int64), ints(1), 1), "gathers within a batch"),
        (lambda x: ops.convert(x, "bf16"), "elements of type bf16"),
        (lambda x: ops.pad(x, ints(0, 0, 1, 1), ints(0, 0, 1, 1), "symmetric"), "Pad '.*' repeats"),
        (
            lambda x: ops.interpolate(
                x, ints(12, 12), "nearest", "sizes", None, None, "tf_half_pixel_for_nn", axes=ints(2, 3)
            ),
            "Interpolate '.*' places its points .tf_half_pixel_for_nn.",
        ),
        (
            lambda x: ops.interpolate(x, ints(3, 3), "linear", "sizes", None, None, antialias=True, axes=ints(2, 3)),
            "linear, antialiased",
        ),
        (
            lambda x: ops.convolution_backprop_data(x, drawn(4, 5, 3, 3), [2, 2], ints(12, 12)),
            "the padding of ConvolutionBackpropData",
        ),
        (lambda x: ops.round(x, "half_away_from_zero"), "Round '.*' rounds halves"),
        (lambda x: ops.topk(x, np.int64(2), 1, "max", "value").output(0), "is a TopK, which has no writer"),
    ],
)  # fmt: skip
def test_a_variant_that_onnx_has_not_is_named(graph: Callable[[Output], Output], why: str) -> None:
    with pytest.raises(NotExpressibleError, match=why):
        to_onnx(model_of(graph))
