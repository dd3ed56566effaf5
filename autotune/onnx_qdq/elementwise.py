"""Operators that compute each element by itself, or along an axis, in ONNX."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import openvino as ov

from autotune.onnx_qdq.building import Building, array, element_type
from autotune.onnx_qdq.refusal import NotExpressibleError

# The same in both, with no attributes.
SAME = {
    "Abs": "Abs", "Atan": "Atan", "Ceiling": "Ceil", "Cos": "Cos", "Erf": "Erf", "Exp": "Exp", "Floor": "Floor",
    "HSwish": "HardSwish", "Log": "Log", "LogicalNot": "Not", "Mish": "Mish", "Negative": "Neg",
    "Relu": "Relu", "Sigmoid": "Sigmoid", "Sign": "Sign", "Sin": "Sin", "SoftPlus": "Softplus",
    "SoftSign": "Softsign", "Sqrt": "Sqrt", "Tan": "Tan", "Tanh": "Tanh",
}  # fmt: skip
BINARY = {
    "Add": "Add", "Divide": "Div", "Equal": "Equal", "Greater": "Greater", "GreaterEqual": "GreaterOrEqual",
    "Less": "Less", "LessEqual": "LessOrEqual", "LogicalAnd": "And", "LogicalOr": "Or", "LogicalXor": "Xor",
    "Maximum": "Max", "Minimum": "Min", "Multiply": "Mul", "Power": "Pow", "Subtract": "Sub",
}  # fmt: skip


def same(building: Building, node: ov.Node) -> None:
    """Write a node that is one of :data:`SAME`."""
    building.give(node.output(0), SAME[node.get_type_name()], _inputs(building, node))


def binary(building: Building, node: ov.Node) -> None:
    """Write a node of two inputs that are broadcast as numpy does."""
    name, kind = node.get_friendly_name(), node.get_type_name()
    if node.get_attributes()["auto_broadcast"] not in ("numpy", "none"):
        raise NotExpressibleError(f"'{name}' broadcasts its inputs in a way that ONNX has not")
    if kind == "Divide" and not node.get_output_element_type(0).is_real():
        raise NotExpressibleError(f"'{name}' divides integers")  # which way it rounds differs
    building.give(node.output(0), BINARY[kind], _inputs(building, node))


def squared_difference(building: Building, node: ov.Node) -> None:
    """Write it as a difference times itself."""
    difference = building.add("Sub", _inputs(building, node), f"{node.get_friendly_name()}/difference")
    building.give(node.output(0), "Mul", [difference, difference])


def swish(building: Building, node: ov.Node) -> None:
    """Write ``x * sigmoid(beta * x)``."""
    name, source = node.get_friendly_name(), building.value(node.input_value(0))
    inner = source
    if node.get_input_size() > 1:
        inner = building.add("Mul", _inputs(building, node), f"{name}/scaled")
    building.give(node.output(0), "Mul", [source, building.add("Sigmoid", [inner], f"{name}/sigmoid")])


def gelu(building: Building, node: ov.Node) -> None:
    """Write Gelu; its first version in OpenVINO has no choice of approximation."""
    mode = str(node.get_attributes().get("approximation_mode", "ERF"))
    building.give(node.output(0), "Gelu", _inputs(building, node)[:1], approximate="tanh" if mode == "TANH" else "none")


def clamp(building: Building, node: ov.Node) -> None:
    """Write Clip with its two bounds."""
    name, kind = node.get_friendly_name(), node.get_output_element_type(0).to_dtype()
    bounds = [building.add_constant(np.asarray(node.get_attributes()[b], kind), f"{name}/{b}") for b in ("min", "max")]
    building.give(node.output(0), "Clip", [building.value(node.input_value(0)), *bounds])


def hard_sigmoid(building: Building, node: ov.Node) -> None:
    """Write HardSigmoid, whose parameters are inputs in OpenVINO."""
    alpha, beta = (float(array(node.input_value(i), f"a parameter of '{node.get_friendly_name()}'")) for i in (1, 2))
    building.give(node.output(0), "HardSigmoid", [building.value(node.input_value(0))], alpha=alpha, beta=beta)


def hsigmoid(building: Building, node: ov.Node) -> None:
    """Write ``min(max(x + 3, 0), 6) / 6`` as HardSigmoid."""
    building.give(node.output(0), "HardSigmoid", _inputs(building, node), alpha=1 / 6, beta=0.5)


def prelu(building: Building, node: ov.Node) -> None:
    """Write PRelu; a row of slopes is of channels in OpenVINO, and of the last axis in ONNX."""
    source, slope = _inputs(building, node)
    rank, extents = len(node.get_input_shape(0)), [int(extent) for extent in node.get_input_shape(1)]
    if len(extents) == 1 and extents[0] > 1 and rank > 2:
        hint = f"{node.get_friendly_name()}/slope"
        shape = building.add_constant(np.array([*extents, *[1] * (rank - 2)], np.int64), f"{hint}/shape")
        slope = building.add("Reshape", [slope, shape], hint)
    building.give(node.output(0), "PRelu", [source, slope])


def not_equal(building: Building, node: ov.Node) -> None:
    """Write it as what is not equal."""
    equal = building.add("Equal", _inputs(building, node), f"{node.get_friendly_name()}/equal")
    building.give(node.output(0), "Not", [equal])


def rounding(building: Building, node: ov.Node) -> None:
    """Write Round, which goes to the even one of two neighbours."""
    if str(node.get_attributes()["mode"]).lower() != "half_to_even":
        raise NotExpressibleError(f"Round '{node.get_friendly_name()}' rounds halves away from zero")
    building.give(node.output(0), "Round", _inputs(building, node))


def elu(building: Building, node: ov.Node) -> None:
    """Write Elu."""
    building.give(node.output(0), "Elu", _inputs(building, node), alpha=float(node.get_attributes()["alpha"]))


def softmax(building: Building, node: ov.Node) -> None:
    """Write Softmax or LogSoftmax."""
    building.give(
        node.output(0), node.get_type_name(), _inputs(building, node), axis=int(node.get_attributes()["axis"])
    )


def cast(building: Building, node: ov.Node) -> None:
    """Write a change of the element type."""
    target = element_type(node.get_output_element_type(0), node.get_friendly_name())
    building.give(node.output(0), "Cast", _inputs(building, node), to=target)


def select(building: Building, node: ov.Node) -> None:
    """Write a choice by element."""
    building.give(node.output(0), "Where", _inputs(building, node))


def _inputs(building: Building, node: ov.Node) -> list[str]:
    return [building.value(node.input_value(port)) for port in range(node.get_input_size())]


Writer = Callable[[Building, ov.Node], None]

WRITERS: dict[str, Writer] = {
    **dict.fromkeys(SAME, same),
    **dict.fromkeys(BINARY, binary),
    "Clamp": clamp,
    "Convert": cast,
    "Elu": elu,
    "Gelu": gelu,
    "HSigmoid": hsigmoid,
    "HardSigmoid": hard_sigmoid,
    "LogSoftmax": softmax,
    "NotEqual": not_equal,
    "PRelu": prelu,
    "Round": rounding,
    "Select": select,
    "Softmax": softmax,
    "SquaredDifference": squared_difference,
    "Swish": swish,
}
