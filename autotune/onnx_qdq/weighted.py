"""Operators with weights in ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from autotune.onnx_qdq.building import Building, int8_weight
from autotune.onnx_qdq.elementwise import Writer
from autotune.onnx_qdq.refusal import NotExpressibleError
from autotune.onnx_qdq.scales import Weight, quantised_bias
from autotune.onnx_qdq.windows import padding


def convolution(building: Building, node: ov.Node) -> None:
    """Write a convolution, with the bias behind it: only so do runtimes compute it in integers."""
    attributes = node.get_attributes()
    kernel = node.input_value(1)
    grouped = node.get_type_name() == "GroupConvolution"
    weight, given, groups = _kernel(building, node, grouped)
    shape = [int(extent) for extent in kernel.get_shape()]
    inputs = [building.value(node.input_value(0)), given]
    channels = shape[0] * shape[1] if grouped else shape[0]
    output = _with_bias(building, node, inputs, weight, channels=channels, axis=1)
    building.give(
        output,
        "Conv",
        inputs,
        group=groups,
        strides=list(attributes["strides"]),
        dilations=list(attributes["dilations"]),
        **padding(node, attributes),
    )


def transposed_convolution(building: Building, node: ov.Node) -> None:
    """Write ConvTranspose, with the bias behind it; its kernel is (inputs, outputs, ...) in both.

    Raises:
        NotExpressibleError: OpenVINO cuts its output to a shape that the padding does not lead to.
    """
    name, attributes = node.get_friendly_name(), node.get_attributes()
    grouped = node.get_type_name() == "GroupConvolutionBackpropData"
    shape = [int(extent) for extent in node.input_value(1).get_shape()]
    strides, dilations, added, begin, end = (
        [int(value) for value in attributes[key]]
        for key in ("strides", "dilations", "output_padding", "pads_begin", "pads_end")
    )
    extents = [int(extent) for extent in node.get_input_shape(0)[2:]]
    kernel = shape[3:] if grouped else shape[2:]
    whole = zip(strides, extents, dilations, kernel, added, begin, end, strict=True)
    made = [s * (n - 1) + d * (k - 1) + 1 + o - b - e for s, n, d, k, o, b, e in whole]
    if made != [int(extent) for extent in node.get_output_shape(0)[2:]] or min(*begin, *end) < 0:
        raise NotExpressibleError(f"the padding of {node.get_type_name()} '{name}' has no form in ONNX")
    weight, given, groups = _kernel(building, node, grouped)
    inputs = [building.value(node.input_value(0)), given]
    channels = int(node.get_output_shape(0)[1])
    # The scale of an int32 bias is one per output channel; kernels of groups have theirs along other axes.
    by = None if weight is None or (weight.by.axis is not None and (grouped or weight.by.axis != 1)) else weight
    output = _with_bias(building, node, inputs, by, channels=channels, axis=1)
    building.give(
        output,
        "ConvTranspose",
        inputs,
        group=groups,
        strides=strides,
        dilations=dilations,
        pads=[*begin, *end],
        output_padding=added,
    )


def _kernel(building: Building, node: ov.Node, grouped: bool) -> tuple[Weight | None, str, int]:
    """Add a kernel, its first two axes made one if it is in groups; return its integers, name and groups."""
    kernel, hint = node.input_value(1), f"{node.get_friendly_name()}/weights"
    shape = [int(extent) for extent in kernel.get_shape()]
    target, groups = ([shape[0] * shape[1], *shape[2:]], shape[0]) if grouped else (shape, 1)
    weight = int8_weight(kernel, target if grouped else None)
    if weight is not None:
        return weight, building.add_weight(weight, hint), groups
    if kernel.get_node().get_type_name() == "Constant":
        return None, building.add_constant(kernel.get_node().data.reshape(target), hint), groups
    return None, _reshaped(building, kernel, target) if grouped else building.value(kernel), groups


def matmul(building: Building, node: ov.Node) -> None:
    """Write a product; of rows with a matrix of weights with the bias behind it, as Gemm."""
    left, right = node.input_value(0), node.input_value(1)
    transposed = [bool(node.get_attributes()[name]) for name in ("transpose_a", "transpose_b")]
    weight = int8_weight(right)
    if len(left.get_shape()) == 2 and not transposed[0] and len(right.get_shape()) == 2 and _is_stored(right, weight):
        given = _stored(building, right, weight, node)
        inputs = [building.value(left), given]
        channels = int(right.get_shape()[0 if transposed[1] else 1])
        output = _with_bias(building, node, inputs, weight, channels=channels, axis=1)
        building.give(output, "Gemm", inputs, transB=int(transposed[1]))
        return
    if min(len(left.get_shape()), len(right.get_shape())) < 2 and any(transposed):
        raise NotExpressibleError(f"'{node.get_friendly_name()}' transposes a vector")
    if transposed[1] and _is_stored(right, weight):
        second = _stored(building, right, weight, node, swap=True)
    elif weight is not None:
        second = building.add_weight(weight, f"{node.get_friendly_name()}/weights")
    else:
        second = _swapped(building, right) if transposed[1] else building.value(right)
    first = _swapped(building, left) if transposed[0] else building.value(left)
    building.give(node.output(0), "MatMul", [first, second])


def attention(building: Building, node: ov.Node) -> None:
    """Write scaled dot product attention as its two products and the Softmax between them."""
    name = node.get_friendly_name()
    if node.get_attributes()["causal"] or node.get_input_size() > 5:
        raise NotExpressibleError(f"attention '{name}' has a causal mask or sinks of its own")
    query, key, value = (node.input_value(port) for port in range(3))
    if node.get_input_size() == 5:
        scale = building.value(node.input_value(4))
    else:
        scale = building.add_constant(np.float32(1 / np.sqrt(query.get_shape()[-1])), f"{name}/scale")
    scaled = building.add("Mul", [building.value(query), scale], f"{name}/query")
    logits = building.add("MatMul", [scaled, _swapped(building, key)], f"{name}/logits")
    if node.get_input_size() > 3:
        mask = node.input_value(3)
        if not mask.get_element_type().is_real():
            raise NotExpressibleError(f"attention '{name}' has a mask that is not of floats")
        logits = building.add("Add", [logits, building.value(mask)], f"{name}/masked")
    shares = building.add("Softmax", [logits], f"{name}/shares", axis=-1)
    building.give(node.output(0), "MatMul", [shares, building.value(value)])


def _with_bias(
    building: Building, node: ov.Node, inputs: list[str], weight: Weight | None, *, channels: int, axis: int
) -> ov.Output:
    """Append the bias that is added behind a node to its inputs; return the output that it then gives."""
    output = node.output(0)
    targets = list(output.get_target_inputs())
    rank = len(output.get_shape())
    if len(targets) != 1 or targets[0].get_node().get_type_name() != "Add" or building.is_bound(output):
        return output
    add = targets[0].get_node()
    bias = add.input_value(1 - targets[0].get_index()).get_node()
    per_channel = [channels if position == axis else 1 for position in range(rank)]
    if bias.get_type_name() != "Constant" or list(bias.data.shape) != per_channel:
        return output
    values: NDArray[Any] = bias.data.reshape(-1)
    hint = f"{add.get_friendly_name()}/bias"
    scale = building.scale(node.input_value(0))
    whole = quantised_bias(values, scale, weight.by) if scale is not None and weight is not None else None
    inputs.append(building.add_constant(values, hint) if whole is None else building.add_weight(whole, hint))
    building.done.add(add.get_name())
    return add.output(0)


def _is_stored(output: ov.Output, weight: Weight | None) -> bool:
    return weight is not None or output.get_node().get_type_name() == "Constant"


def _stored(building: Building, output: ov.Output, weight: Weight | None, node: ov.Node, swap: bool = False) -> str:
    """Add a matrix of weights, perhaps with its last two axes swapped."""
    hint = f"{node.get_friendly_name()}/weights"
    if weight is None:
        values = output.get_node().data
        return building.add_constant(values.swapaxes(-1, -2) if swap else values, hint)
    if not swap:
        return building.add_weight(weight, hint)
    last = weight.values.ndim - 1
    axis = {last: last - 1, last - 1: last}.get(weight.by.axis, weight.by.axis) if weight.by.axis is not None else None
    return building.add_weight(Weight(weight.values.swapaxes(-1, -2), replace(weight.by, axis=axis)), hint)


def _reshaped(building: Building, output: ov.Output, shape: Sequence[int]) -> str:
    name = building.value(output)
    return building.add("Reshape", [name, building.add_constant(np.array(shape, np.int64), "shape")], f"{name}/shaped")


def _swapped(building: Building, output: ov.Output) -> str:
    rank = len(output.get_shape())
    order = [*range(rank - 2), rank - 1, rank - 2]
    return building.add("Transpose", [building.value(output)], f"{building.value(output)}/swapped", perm=order)


WRITERS: dict[str, Writer] = {
    "Convolution": convolution,
    "ConvolutionBackpropData": transposed_convolution,
    "GroupConvolution": convolution,
    "GroupConvolutionBackpropData": transposed_convolution,
    "MatMul": matmul,
    "ScaledDotProductAttention": attention,
}
