"""Operators that move elements, or reduce over axes, in ONNX; every shape is static."""

from __future__ import annotations

import numpy as np
import openvino as ov

from autotune.onnx_qdq.building import Building, array
from autotune.onnx_qdq.elementwise import Writer
from autotune.onnx_qdq.refusal import NotExpressibleError

_REDUCTIONS = {
    "ReduceMean": "ReduceMean", "ReduceSum": "ReduceSum", "ReduceMax": "ReduceMax", "ReduceMin": "ReduceMin",
    "ReduceProd": "ReduceProd", "ReduceL2": "ReduceL2",
}  # fmt: skip


def reshape(building: Building, node: ov.Node) -> None:
    """Write whatever only changes the shape, as a reshape to the shape that it leads to."""
    name = node.get_friendly_name()
    shape = building.add_constant(np.array(node.get_output_shape(0), np.int64), f"{name}/shape")
    building.give(node.output(0), "Reshape", [building.value(node.input_value(0)), shape], allowzero=0)


def broadcast(building: Building, node: ov.Node) -> None:
    """Write a broadcast as Expand, where it is one of numpy's."""
    name = node.get_friendly_name()
    if node.get_attributes()["mode"] not in ("numpy", "bidirectional"):
        raise NotExpressibleError(f"'{name}' broadcasts its input in a way that ONNX has not")
    shape = building.add_constant(np.array(node.get_output_shape(0), np.int64), f"{name}/shape")
    building.give(node.output(0), "Expand", [building.value(node.input_value(0)), shape])


def transpose(building: Building, node: ov.Node) -> None:
    """Write a transpose; without an order it reverses the axes in both."""
    order = [int(axis) for axis in array(node.input_value(1), f"the order of '{node.get_friendly_name()}'").ravel()]
    perm = {"perm": order} if order else {}
    building.give(node.output(0), "Transpose", [building.value(node.input_value(0))], **perm)


def concat(building: Building, node: ov.Node) -> None:
    """Write a concatenation."""
    inputs = [building.value(node.input_value(port)) for port in range(node.get_input_size())]
    building.give(node.output(0), "Concat", inputs, axis=int(node.get_attributes()["axis"]))


def split(building: Building, node: ov.Node) -> None:
    """Write a split, into equal parts or not."""
    name = node.get_friendly_name()
    axis = int(array(node.input_value(1), f"the axis of '{name}'").ravel()[0])
    extents = np.array([output.get_shape()[axis] for output in node.outputs()], np.int64)
    lengths = building.add_constant(extents, f"{name}/lengths")
    names = [building.name(output) for output in node.outputs()]
    building.node("Split", [building.value(node.input_value(0)), lengths], names, axis=axis)


def gather(building: Building, node: ov.Node) -> None:
    """Write a gather along one axis."""
    name = node.get_friendly_name()
    if int(node.get_attributes().get("batch_dims", 0)):
        raise NotExpressibleError(f"'{name}' gathers within a batch")
    axis = int(array(node.input_value(2), f"the axis of '{name}'").ravel()[0])
    building.give(node.output(0), "Gather", [building.value(node.input_value(port)) for port in (0, 1)], axis=axis)


def slices(building: Building, node: ov.Node) -> None:
    """Write a slice with start, stop and step along axes."""
    name = node.get_friendly_name()
    ports = range(1, node.get_input_size())
    given = [array(node.input_value(port), f"a border of '{name}'").astype(np.int64) for port in ports]
    if len(given) == 3:
        given.append(np.arange(given[0].size, dtype=np.int64))
    start, stop, step, axes = (
        building.add_constant(v, f"{name}/{label}")
        for v, label in zip(given, ("start", "stop", "step", "axes"), strict=True)
    )
    building.give(node.output(0), "Slice", [building.value(node.input_value(0)), start, stop, axes, step])


def reduction(building: Building, node: ov.Node) -> None:
    """Write a reduction; the mean of whole images as the pooling that runtimes have in integers."""
    name, kind = node.get_friendly_name(), node.get_type_name()
    rank = len(node.get_input_shape(0))
    axes = sorted(int(axis) % rank for axis in array(node.input_value(1), f"the axes of '{name}'").ravel())
    source = building.value(node.input_value(0))
    keep = bool(node.get_attributes()["keep_dims"])
    if not axes:
        building.give(node.output(0), "Identity", [source])
    elif kind == "ReduceMean" and keep and rank > 2 and axes == list(range(2, rank)):
        building.give(node.output(0), "GlobalAveragePool", [source])
    else:
        given = building.add_constant(np.array(axes, np.int64), f"{name}/axes")
        building.give(node.output(0), _REDUCTIONS[kind], [source, given], keepdims=int(keep))


def normalisation(building: Building, node: ov.Node) -> None:
    """Write MVN over the last axes as LayerNormalization that scales by one."""
    name, attributes = node.get_friendly_name(), node.get_attributes()
    shape = [int(extent) for extent in node.get_input_shape(0)]
    if node.get_input_size() < 2:
        raise NotExpressibleError(f"'{name}' is of an older kind of MVN")
    axes = sorted(int(axis) % len(shape) for axis in array(node.input_value(1), f"the axes of '{name}'").ravel())
    trailing = axes == list(range(len(shape) - len(axes), len(shape)))
    inside = str(attributes["eps_mode"]).upper() == "INSIDE_SQRT"
    if not (trailing and inside and attributes["normalize_variance"]):
        raise NotExpressibleError(f"'{name}' normalises in a way that LayerNormalization does not")
    ones = building.add_constant(np.ones(shape[axes[0] :], np.float32), f"{name}/ones")
    given = [building.value(node.input_value(0)), ones]
    building.give(node.output(0), "LayerNormalization", given, axis=axes[0], epsilon=float(attributes["eps"]))


WRITERS: dict[str, Writer] = {
    **dict.fromkeys(_REDUCTIONS, reduction),
    **dict.fromkeys(("Reshape", "Squeeze", "Unsqueeze"), reshape),
    **dict.fromkeys(("Split", "VariadicSplit"), split),
    "Broadcast": broadcast,
    "Concat": concat,
    "Gather": gather,
    "MVN": normalisation,
    "Slice": slices,
    "Transpose": transpose,
}
