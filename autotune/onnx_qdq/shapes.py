"""Operators that move elements, or reduce over axes, in ONNX; every shape is static."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from autotune.onnx_qdq.building import Building, array
from autotune.onnx_qdq.elementwise import Writer
from autotune.onnx_qdq.refusal import NotExpressibleError

_REDUCTIONS = {
    "ReduceMean": "ReduceMean", "ReduceSum": "ReduceSum", "ReduceMax": "ReduceMax", "ReduceMin": "ReduceMin",
    "ReduceProd": "ReduceProd", "ReduceL1": "ReduceL1", "ReduceL2": "ReduceL2",
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


def strided_slice(building: Building, node: ov.Node) -> None:
    """Write a slice whose masks leave borders open, or drop an axis of which one element is left."""
    name, attributes = node.get_friendly_name(), node.get_attributes()
    if any(attributes["new_axis_mask"]) or any(attributes["ellipsis_mask"]):
        raise NotExpressibleError(f"StridedSlice '{name}' makes new axes, or leaves axes out")
    start, stop = (array(node.input_value(port), f"a border of '{name}'").astype(np.int64) for port in (1, 2))
    step = np.ones_like(start)
    if node.get_input_size() > 3:
        step = array(node.input_value(3), f"a step of '{name}'").astype(np.int64)
    shrunk = _mask(attributes["shrink_axis_mask"], start.size)
    limit = np.iinfo(np.int64).max
    step = np.where(shrunk, 1, step)
    start = np.where(_mask(attributes["begin_mask"], start.size), np.where(step > 0, 0, limit), start)
    stop = np.where(_mask(attributes["end_mask"], start.size), np.where(step > 0, limit, -limit), stop)
    stop = np.where(shrunk, np.where(start == -1, limit, start + 1), stop)
    given = [
        building.add_constant(values, f"{name}/{label}")
        for values, label in ((start, "start"), (stop, "stop"), (np.arange(start.size), "axes"), (step, "step"))
    ]
    cut = building.add("Slice", [building.value(node.input_value(0)), *given], f"{name}/cut")
    shape = building.add_constant(np.array(node.get_output_shape(0), np.int64), f"{name}/shape")
    building.give(node.output(0), "Reshape", [cut, shape], allowzero=0)


def _mask(values: Sequence[int], size: int) -> NDArray[np.bool_]:
    return np.array([*values, *[0] * size][:size], bool)


def tile(building: Building, node: ov.Node) -> None:
    """Write repetitions along each axis; both add axes in front."""
    name = node.get_friendly_name()
    repeats = array(node.input_value(1), f"the repeats of '{name}'").astype(np.int64).ravel()
    shape = [int(extent) for extent in node.get_input_shape(0)]
    rank = max(len(shape), repeats.size)
    source = building.value(node.input_value(0))
    if rank > len(shape):
        longer = building.add_constant(np.array([1] * (rank - len(shape)) + shape, np.int64), f"{name}/shape")
        source = building.add("Reshape", [source, longer], f"{name}/longer", allowzero=0)
    repeats = np.concatenate([np.ones(rank - repeats.size, np.int64), repeats])
    building.give(node.output(0), "Tile", [source, building.add_constant(repeats, f"{name}/repeats")])


def depth_to_space(building: Building, node: ov.Node) -> None:
    """Write DepthToSpace of an image."""
    attributes = node.get_attributes()
    mode = "DCR" if "block" in str(attributes["mode"]).lower() else "CRD"
    building.give(
        node.output(0),
        "DepthToSpace",
        [building.value(node.input_value(0))],
        blocksize=_block(node),
        mode=mode,
    )


def space_to_depth(building: Building, node: ov.Node) -> None:
    """Write SpaceToDepth of an image, whose channels come last within a block."""
    if "block" not in str(node.get_attributes()["mode"]).lower():
        raise NotExpressibleError(f"SpaceToDepth '{node.get_friendly_name()}' puts depth first")
    building.give(node.output(0), "SpaceToDepth", [building.value(node.input_value(0))], blocksize=_block(node))


def _block(node: ov.Node) -> int:
    if len(node.get_input_shape(0)) != 4:
        raise NotExpressibleError(f"{node.get_type_name()} '{node.get_friendly_name()}' is not of an image")
    return int(node.get_attributes()["block_size"])


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
    "DepthToSpace": depth_to_space,
    "Gather": gather,
    "MVN": normalisation,
    "Slice": slices,
    "SpaceToDepth": space_to_depth,
    "StridedSlice": strided_slice,
    "Tile": tile,
    "Transpose": transpose,
}
