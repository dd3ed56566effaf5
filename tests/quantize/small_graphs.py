"""Small real graphs and statistics for the tests of quantize."""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from autotune.data import Dataset
from autotune.quantize.points import ActivationQuantizer, Placement, WeightQuantizer
from autotune.quantize.statistics import TensorStatistics

Array = NDArray[np.float32]


def statistics(*samples: list[float]) -> TensorStatistics:
    """Return the statistics of a tensor whose samples are known in full."""
    values = np.array(samples, np.float32)
    return TensorStatistics(values.min(axis=1), values.max(axis=1), np.sort(values, axis=None), values.shape[1])


def convolutional(padding: int = 1, seed: int = 0) -> ov.Model:
    """Return a convolution, a depthwise one and a linear layer, all with biases: (1, 3, 8, 8) to (1, 5)."""
    random = np.random.default_rng(seed)

    def constant(*shape: int) -> ov.Node:
        return ops.constant(random.normal(size=shape).astype(np.float32))

    image = ops.parameter([1, 3, 8, 8], np.float32, name="image")
    image.output(0).set_names({"image"})
    pads = [padding, padding]
    node = ops.convolution(image, constant(4, 3, 3, 3), [1, 1], pads, pads, [1, 1], name="conv")
    node = ops.relu(ops.add(node, constant(1, 4, 1, 1), name="conv_bias"), name="relu")
    node = ops.group_convolution(node, constant(4, 1, 1, 3, 3), [2, 2], [1, 1], [1, 1], [1, 1], name="depthwise")
    node = ops.add(node, constant(1, 4, 1, 1), name="depthwise_bias")
    node = ops.reduce_mean(node, np.array([2, 3]), False, name="pool")
    node = ops.add(ops.matmul(node, constant(5, 4), False, True, name="linear"), constant(1, 5), name="linear_bias")
    result = ops.result(node, name="result")
    result.output(0).set_names({"scores"})
    return ov.Model([result], [image], "small")


def images(count: int, seed: int = 1) -> Dataset:
    """Return samples for :func:`convolutional`."""
    random = np.random.default_rng(seed)
    return Dataset({"image": (random.normal(size=(count, 3, 8, 8)) + 0.5).astype(np.float32)})


def placement(model: ov.Model) -> Placement:
    """Return what NNCF places in :func:`convolutional`."""
    weighted = [n for n in model.get_ordered_ops() if n.get_friendly_name() in ("conv", "depthwise", "linear")]
    activations = []
    for node in weighted:
        source = node.input_value(0)
        name = source.get_node().get_friendly_name()
        axis = 1 if node.get_friendly_name() == "depthwise" else None
        activations.append(
            ActivationQuantizer(f"{name}/fq_output_0", name, 0, "output", f"{name}:0", True, False, False, axis, None)
        )
    axes = {"conv": (0,), "depthwise": (0,), "linear": (0,)}
    weights = [
        WeightQuantizer(f"{name}/fq_weights_1", name, 1, axes[name], name == "conv")
        for name in (n.get_friendly_name() for n in weighted)
    ]
    return Placement(tuple(activations), tuple(weights))


def infer(model: ov.Model, dataset: Dataset) -> Array:
    """Return the outputs in f32, stacked over the samples."""
    compiled = ov.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.concatenate([compiled(dataset.row(i))[0] for i in range(len(dataset))])


def borders(model: ov.Model) -> dict[str, tuple[int, Array, Array]]:
    """Return (levels, input low, input high) of every FakeQuantize by name."""
    found = {}
    for node in model.get_ops():
        if node.get_type_name() == "FakeQuantize":
            low, high = (np.array(node.input_value(i).get_node().get_data(dtype=np.float32)) for i in (1, 2))
            found[node.get_friendly_name()] = (node.get_attributes()["levels"], low, high)
    return found
