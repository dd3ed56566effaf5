"""Small sources in ONNX, their candidates, and files of ONNX run by both runtimes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from autotune.configuration import Configuration
from autotune.data import Dataset
from autotune.graph.normalise import normalise
from autotune.measure.compiled import compile_emulated
from autotune.onnx_qdq.write import write
from autotune.outcome import OnnxExport
from autotune.quantize.variants import Variants

DIGITS = Path(__file__).parents[2] / "recipes" / "digits" / "digits.onnx"


def source(path: Path) -> Path:
    """Write a net [1,3,16,16] -> [1,5]: convolution, batch norm, ReLU, depthwise, a sum, pooling, linear layer."""
    rng = np.random.default_rng(0)

    def values(name: str, *shape: int, near: float = 0.0) -> onnx.TensorProto:
        drawn = rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]) if len(shape) > 1 else 4) + near
        return numpy_helper.from_array(drawn.astype(np.float32), name)

    node = helper.make_node
    nodes = [
        node("Conv", ["image", "w1"], ["c1"], name="conv1", pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["c1", "scale", "shift", "mean", "var"], ["b1"], name="norm1"),
        node("Relu", ["b1"], ["r1"], name="relu1"),
        node("Conv", ["r1", "w2", "bias2"], ["c2"], name="depthwise", pads=[1, 1, 1, 1], group=8),
        node("Relu", ["c2"], ["r2"], name="relu2"),
        node("Add", ["r1", "r2"], ["s"], name="sum"),
        node("GlobalAveragePool", ["s"], ["p"], name="pool"),
        node("Flatten", ["p"], ["f"], name="flat"),
        node("Gemm", ["f", "w3", "bias3"], ["logits"], name="linear", transB=1),
    ]
    weights = [
        values("w1", 8, 3, 3, 3), values("scale", 8, near=1.0), values("shift", 8), values("mean", 8),
        numpy_helper.from_array(np.linspace(0.5, 2, 8, dtype=np.float32), "var"),
        values("w2", 8, 1, 3, 3), values("bias2", 8), values("w3", 5, 8), values("bias3", 5),
    ]  # fmt: skip
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
        for n, s in (("image", [1, 3, 16, 16]), ("logits", [1, 5]))
    ]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def upsampling(path: Path) -> Path:
    """Write a net [1,3,8,8] -> [1,2,34,34] of what segmentation has: padding, resizing, transposed convolutions."""
    rng = np.random.default_rng(0)

    def values(*shape: int) -> NDArray[np.float32]:
        return (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    image = ops.parameter([1, 3, 8, 8], np.float32, name="image")
    image.output(0).set_names({"image"})
    edged = ops.pad(image, *(np.array([0, 0, 1, 1], np.int64) for _ in range(2)), "edge")
    y = ops.relu(ops.convolution(edged, values(8, 3, 3, 3), [1, 1], [0, 0], [0, 0], [1, 1], name="down"))
    size = np.array([16, 16], np.int64)
    y = ops.interpolate(y, size, "nearest", "sizes", axes=np.array([2, 3], np.int64), name="larger")
    grouped = ops.group_convolution(y, values(2, 3, 4, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1], name="grouped")
    y = ops.relu(ops.add(grouped, values(1, 6, 1, 1)))
    y = ops.relu(ops.group_convolution_backprop_data(y, values(6, 1, 1, 2, 2), [1, 1], name="depthwise"))
    up = ops.convolution_backprop_data(y, values(6, 2, 2, 2), [2, 2], name="up")
    mask = ops.add(up, values(1, 2, 1, 1))
    mask.output(0).set_names({"mask"})
    ov.save_model(ov.Model([mask], [image], "net"), path, compress_to_fp16=False)
    return path


def recurrent(path: Path) -> Path:
    """Write a net [1,6,12] -> [1,5] of an LSTM and a linear layer."""
    rng = np.random.default_rng(0)

    def values(*shape: int) -> NDArray[np.float32]:
        return (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)

    frames = ops.parameter([1, 6, 12], np.float32, name="frames")
    frames.output(0).set_names({"frames"})
    states = [values(1, 1, 8) for _ in range(2)]
    weights = [values(1, 32, 12), values(1, 32, 8), values(1, 32)]
    steps = ops.lstm_sequence(frames, *states, np.array([6], np.int32), *weights, 8, "forward", name="lstm")
    last = ops.reshape(steps.output(1), np.array([1, 8], np.int64), False)
    logits = ops.matmul(last, values(5, 8), False, True, name="linear")
    logits.output(0).set_names({"logits"})
    ov.save_model(ov.Model([logits], [frames], "net"), path, compress_to_fp16=False)
    return path


class Written:
    """A candidate of an ONNX source, written as ONNX QDQ."""

    def __init__(
        self, path: Path, samples: dict[str, NDArray[np.float32]], configuration: Configuration, made: Path
    ) -> None:
        (self.name,) = samples
        self.samples = samples[self.name]
        model, _ = normalise(ov.Core().read_model(path))
        variants = Variants(model, Dataset(samples, np.zeros(len(self.samples))), made / "cache", 1)
        variants.observe()
        self.folder = made
        self.configuration = configuration
        self.candidate = variants.build(configuration)

    def write(self) -> OnnxExport:
        each = [{self.name: self.samples[i : i + 1]} for i in range(4)]
        return write(self.candidate, self.configuration, self.folder, each, emulated)

    @property
    def file(self) -> Path:
        return self.folder / "model_qdq.onnx"

    def outputs(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """The judged model's outputs, then the file's: by OpenVINO with its int8 kernels, and by onnxruntime."""
        judged = ov.compile_model(self.candidate, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        back = ov.compile_model(ov.Core().read_model(self.file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        other = session(self.file)
        rows = [{self.name: self.samples[i : i + 1]} for i in range(len(self.samples))]
        found = [
            [judged(row)[0] for row in rows],
            [back(row)[0] for row in rows],
            [other.run(None, row)[0] for row in rows],
        ]
        first, second, third = (np.concatenate(part) for part in found)
        return first, second, third


def emulated(model: ov.Model):
    return compile_emulated(model, "f32", 1).infer


def session(path: Path, optimised: bool = True) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
