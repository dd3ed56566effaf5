"""Operators that lay a window over an image, or an image over another grid, in ONNX: pooling, padding, resizing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino as ov

from autotune.onnx_qdq.building import Building, array
from autotune.onnx_qdq.elementwise import Writer
from autotune.onnx_qdq.refusal import NotExpressibleError

# OpenVINO's second linear mode weighs the same neighbours, where it does not look at more of them.
_MODES = {"nearest": "nearest", "linear": "linear", "linear_onnx": "linear", "cubic": "cubic"}
_COORDINATES = ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners")
_ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
_PADS = {"constant": "constant", "edge": "edge", "reflect": "reflect"}


def padding(node: ov.Node, attributes: Mapping[str, Any]) -> dict[str, Any]:
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


def pad(building: Building, node: ov.Node) -> None:
    """Write a border of a constant, of the edge or of what is mirrored in it."""
    name, mode = node.get_friendly_name(), str(node.get_attributes()["pad_mode"])
    if mode not in _PADS:
        raise NotExpressibleError(f"Pad '{name}' repeats its input in a way ({mode}) that ONNX has not")
    borders = [array(node.input_value(port), f"a border of '{name}'").astype(np.int64).ravel() for port in (1, 2)]
    if mode != "constant" and min(border.min(initial=0) for border in borders) < 0:
        raise NotExpressibleError(f"Pad '{name}' cuts off and mirrors at once")
    given = [building.value(node.input_value(0)), building.add_constant(np.concatenate(borders), f"{name}/pads")]
    if mode == "constant" and node.get_input_size() > 3:
        value = node.input_value(3)
        given.append(building.value(value))
    building.give(node.output(0), "Pad", given, mode=_PADS[mode])


def resize(building: Building, node: ov.Node) -> None:
    """Write Interpolate as Resize; by factors where it was given factors, for these place the points."""
    name, attributes = node.get_friendly_name(), node.get_attributes()
    mode, coordinates = str(attributes.get("mode")), str(attributes.get("coordinate_transformation_mode"))
    if coordinates not in _COORDINATES:
        raise NotExpressibleError(f"Interpolate '{name}' places its points ({coordinates}) as Resize does not")
    if mode not in _MODES or (attributes["antialias"] and mode != "linear_onnx"):
        smoothed = ", antialiased" if attributes["antialias"] else ""
        raise NotExpressibleError(f"Interpolate '{name}' weighs its neighbours ({mode}{smoothed}) as Resize does not")
    if any((*attributes["pads_begin"], *attributes["pads_end"])):
        raise NotExpressibleError(f"Interpolate '{name}' pads its input")
    before, after = ([int(extent) for extent in shape] for shape in (node.get_input_shape(0), node.get_output_shape(0)))
    scales = np.array(after, np.float32) / np.array(before, np.float32)
    given = [building.value(node.input_value(0)), ""]
    if attributes["shape_calculation_mode"] == "scales":
        rank = len(before)
        factors = array(node.input_value(1), f"a factor of '{name}'").astype(np.float32).ravel()
        axes = array(node.input_value(2), f"an axis of '{name}'").ravel() if node.get_input_size() > 2 else range(rank)
        scales = np.ones(rank, np.float32)
        scales[[int(axis) % rank for axis in axes]] = factors
        given += [building.add_constant(scales, f"{name}/scales")]
    else:
        given += ["", building.add_constant(np.array(after, np.int64), f"{name}/sizes")]
    more: dict[str, Any] = {}
    if mode == "nearest":
        more["nearest_mode"] = _rounding(str(attributes["nearest_mode"]), scales, name)
    if mode == "cubic":
        more["cubic_coeff_a"] = float(attributes["cube_coeff"])
    building.give(
        node.output(0), "Resize", given, mode=_MODES[mode], coordinate_transformation_mode=coordinates, **more
    )


def _rounding(asked: str, scales: Any, name: str) -> str:
    """Return which of two neighbours is the nearest; ``simple`` is one way for larger and another for smaller."""
    if asked in _ROUNDINGS:
        return asked
    if asked == "simple" and scales.min() >= 1:
        return "floor"
    if asked == "simple" and scales.max() <= 1:
        return "ceil"
    raise NotExpressibleError(f"Interpolate '{name}' rounds ({asked}) as Resize does not")


WRITERS: dict[str, Writer] = {"AvgPool": pooling, "Interpolate": resize, "MaxPool": pooling, "Pad": pad}
