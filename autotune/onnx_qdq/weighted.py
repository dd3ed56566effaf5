"""Operators with weights, and pooling, in ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from autotune.onnx_qdq.building import Building, int8_weight
from autotune.onnx_qdq.refusal import NotExpressibleError
from autotune.onnx_qdq.scales import Scale, Weight, quantised_bias


def convolution(building: Building, node: ov.Node) -> None:
    """Write a convolution, with the bias behind it: only so do runtimes compute it in integers."""
    attributes = node.get_attributes()
    grouped = node.get_type_name() == "GroupConvolution"
    source, kernel = node.input_value(0), node.input_value(1)
    shape = [int(extent) for extent in kernel.get_shape()]
    groups = shape[0] if grouped else 1
    target = [shape[0] * shape[1], *shape[2:]] if grouped else shape
    weight = int8_weight(kernel)
    if weight is not None:
        weight = _ungrouped(weight, target) if grouped else weight
        given = building.add_weight(weight, f"{node.get_friendly_name()}/weights")
    elif kernel.get_node().get_type_name() == "Constant":
        given = building.add_constant(kernel.get_node().data.reshape(target), f"{node.get_friendly_name()}/weights")
    elif grouped:
        given = _reshaped(building, kernel, target)
    else:
        given = building.value(kernel)
    inputs = [building.value(source), given]
    output = _with_bias(building, node, inputs, weight, channels=target[0], axis=1)
    building.give(
        output,
        "Conv",
        inputs,
        group=groups,
        strides=list(attributes["strides"]),
        dilations=list(attributes["dilations"]),
        **padding(node, attributes),
    )


def padding(node: ov.Node, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return ONNX's attributes of how a window is padded.

    Raises:
        NotExpressibleError: it is worked out by OpenVINO.
    """
    if attributes["auto_pad"] == "valid":
        return {}
    if attributes["auto_pad"] in ("same_upper", "same_lower"):
        return {"auto_pad": attributes["auto_pad"].upper()}
    pads = [*attributes["pads_begin"], *attributes["pads_end"]]
    if attributes["auto_pad"] != "explicit" or min(pads) < 0:
        raise NotExpressibleError(f"the padding of '{node.get_friendly_name()}' has no form in ONNX")
    return {"pads": pads}


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


def pooling(building: Building, node: ov.Node) -> None:
    """Write MaxPool or AvgPool."""
    attributes = node.get_attributes()
    kind = node.get_type_name()
    rounding = attributes["rounding_type"]
    if rounding not in ("floor", "ceil"):
        raise NotExpressibleError(f"'{node.get_friendly_name()}' rounds its shape by {rounding}")
    more: dict[str, Any] = {}
    if kind == "AvgPool":
        more["count_include_pad"] = int(not attributes["exclude-pad"])
    elif any(output.get_target_inputs() for output in node.outputs()[1:]):
        raise NotExpressibleError(f"places of maxima of '{node.get_friendly_name()}' are used")
    if "dilations" in attributes:
        more["dilations"] = list(attributes["dilations"])
    building.give(
        node.output(0),
        "MaxPool" if kind == "MaxPool" else "AveragePool",
        [building.value(node.input_value(0))],
        kernel_shape=list(attributes["kernel"]),
        strides=list(attributes["strides"]),
        ceil_mode=int(rounding == "ceil"),
        **padding(node, attributes),
        **more,
    )


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


def _ungrouped(weight: Weight, shape: Sequence[int]) -> Weight:
    """Return weights of (groups, outputs, ...) as (groups * outputs, ...)."""
    values, by = weight.values, weight.by
    if by.axis is not None and by.axis < 2:
        spread = [1, 1]
        spread[by.axis] = -1
        scale, zero = (np.broadcast_to(v.reshape(spread), values.shape[:2]).reshape(-1) for v in (by.scale, by.zero))
        by = Scale(scale, zero, 0)
    elif by.axis is not None:
        by = replace(by, axis=by.axis - 1)
    return Weight(values.reshape(shape), by)


def _reshaped(building: Building, output: ov.Output, shape: Sequence[int]) -> str:
    name = building.value(output)
    return building.add("Reshape", [name, building.add_constant(np.array(shape, np.int64), "shape")], f"{name}/shaped")


def _swapped(building: Building, output: ov.Output) -> str:
    rank = len(output.get_shape())
    order = [*range(rank - 2), rank - 1, rank - 2]
    return building.add("Transpose", [building.value(output)], f"{building.value(output)}/swapped", perm=order)
