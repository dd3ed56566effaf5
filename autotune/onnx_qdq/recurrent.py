"""LSTM in ONNX: time comes first there, and the gates are in another order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import openvino as ov

from autotune.onnx_qdq.building import Building, array, int8_weight
from autotune.onnx_qdq.elementwise import Writer
from autotune.onnx_qdq.refusal import NotExpressibleError
from autotune.onnx_qdq.scales import Weight

# OpenVINO has the gates f, i, c, o; ONNX i, o, f, c.
_ORDER = (1, 3, 0, 2)
# Its inputs that are weights: of what it reads, and of its state.
WEIGHTS = (4, 5)
_ACTIVATIONS = ["sigmoid", "tanh", "tanh"]
# (directions, batch, ...) of ONNX's state is (batch, directions, ...) of OpenVINO's, both ways.
_STATE = (1, 0, 2)


def lstm(building: Building, node: ov.Node) -> None:
    """Write LSTMSequence.

    Raises:
        NotExpressibleError: its activations are others than the usual, or samples of one batch differ in length.
    """
    name, attributes = node.get_friendly_name(), node.get_attributes()
    if list(attributes["activations"]) != _ACTIVATIONS or attributes["activations_alpha"]:
        raise NotExpressibleError(f"LSTMSequence '{name}' has other activations than sigmoid and tanh")
    lengths = array(node.input_value(3), f"a length of '{name}'")
    if np.any(lengths != node.get_input_shape(0)[1]):
        raise NotExpressibleError(f"LSTMSequence '{name}' reads less than the whole of its input")
    matrices = [_matrix(building, node, port) for port in WEIGHTS]
    bias = _reordered(array(node.input_value(6), f"the bias of '{name}'"))
    biases = building.add_constant(np.concatenate([bias, np.zeros_like(bias)], axis=1), f"{name}/bias")
    states = [_transposed(building, building.value(node.input_value(port)), _STATE) for port in (1, 2)]
    first = _transposed(building, building.value(node.input_value(0)), (1, 0, 2))
    outputs = [building.fresh(f"{name}/{part}") for part in ("all", "hidden", "cell")]
    more = {"clip": float(attributes["clip"])} if attributes["clip"] else {}
    building.node(
        "LSTM",
        [first, *matrices, biases, "", *states],
        outputs,
        hidden_size=int(attributes["hidden_size"]),
        direction=str(attributes["direction"]),
        **more,
    )
    # (steps, directions, batch, width) to (batch, directions, steps, width)
    for output, given, order in zip(node.outputs(), outputs, ((2, 1, 0, 3), _STATE, _STATE), strict=True):
        building.give(output, "Transpose", [given], perm=list(order))


def _matrix(building: Building, node: ov.Node, port: int) -> str:
    """Add weights of shape (directions, 4 * width, inputs)."""
    source, hint = node.input_value(port), f"{node.get_friendly_name()}/{'WR'[port - 4]}"
    weight = int8_weight(source)
    if weight is None:
        return building.add_constant(_reordered(array(source, f"weights of '{node.get_friendly_name()}'")), hint)
    by = weight.by
    if by.axis == 1:
        by = replace(by, scale=_reordered(by.scale[None])[0], zero=_reordered(by.zero[None])[0])
    return building.add_weight(Weight(_reordered(weight.values), by), hint)


def _reordered(values: np.ndarray) -> np.ndarray:
    """Return values of which axis 1 is gates after one another, in ONNX's order."""
    gates = np.split(values, 4, axis=1)
    return np.concatenate([gates[gate] for gate in _ORDER], axis=1)


def _transposed(building: Building, name: str, order: tuple[int, ...]) -> str:
    return building.add("Transpose", [name], f"{name}/transposed", perm=list(order))


WRITERS: dict[str, Writer] = {"LSTMSequence": lstm}
