"""An ONNX graph as it grows, from the nodes of an OpenVINO graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import openvino as ov
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from autotune.graph.constants import is_constant
from autotune.onnx_qdq.refusal import NotExpressibleError
from autotune.onnx_qdq.scales import Scale, Weight, activation_scale, along

# The first with Gelu; every operator that is written here is in it.
OPSET = 20
IR_VERSION = 9
# A protobuf message holds no more.
LARGEST = (1 << 31) - (1 << 24)

_TYPES = {
    "f32": TensorProto.FLOAT,
    "f16": TensorProto.FLOAT16,
    "f64": TensorProto.DOUBLE,
    "i64": TensorProto.INT64,
    "i32": TensorProto.INT32,
    "i8": TensorProto.INT8,
    "u8": TensorProto.UINT8,
    "boolean": TensorProto.BOOL,
}
# Nodes that leave values as they are, so that what they give is quantised as what they take.
_MOVING = ("Reshape", "Transpose", "Squeeze", "Unsqueeze")


def element_type(kind: ov.Type, where: str) -> int:
    """Return ONNX's number of an element type.

    Raises:
        NotExpressibleError: it is none of those that are written.
    """
    name = kind.get_type_name()
    if name not in _TYPES:
        raise NotExpressibleError(f"'{where}' has elements of type {name}")
    return int(_TYPES[name])


class Building:
    """Nodes and initialisers of ONNX so far, and what stands for which output of OpenVINO's graph.

    Args:
        apart: leave the quantisers out and write each beside the rest, so that all parts can be compared one by one:
            ``NAME/before`` is what it would take, from input ``NAME/given`` it makes output ``NAME/after``, and what
            follows it reads input ``NAME/value``.

    Attributes:
        done: unique names of OpenVINO's nodes that were written together with an earlier one.
    """

    def __init__(self, apart: bool = False) -> None:
        self.done: set[str] = set()
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._size = 0
        self._values: dict[tuple[str, int], str] = {}
        self._scales: dict[tuple[str, int], Scale] = {}
        self._taken: set[str] = set()
        self._apart = apart
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def bind(self, output: ov.Output, name: str) -> None:
        """Say under which name an output is, or will be, in the ONNX graph."""
        self._taken.add(name)
        self._values[_key(output)] = name

    def is_bound(self, output: ov.Output) -> bool:
        """Tell whether it has a name already."""
        return _key(output) in self._values

    def name(self, output: ov.Output) -> str:
        """Return the name for an output: the given one, or one after its node."""
        if not self.is_bound(output):
            node = output.get_node()
            port = f":{output.get_index()}" if node.get_output_size() > 1 else ""
            self.bind(output, self.fresh(f"{node.get_friendly_name()}{port}"))
        return self._values[_key(output)]

    def value(self, output: ov.Output) -> str:
        """Return the name under which an output can be read; a constant is added the first time."""
        node = output.get_node()
        if node.get_type_name() == "Constant" and not self.is_bound(output):
            self.bind(output, self.add_constant(node.data, node.get_friendly_name()))
        return self.name(output)

    def fresh(self, hint: str) -> str:
        """Return a name that nothing has yet, and take it."""
        name, count = hint, 0
        while name in self._taken:
            count += 1
            name = f"{hint}_{count}"
        self._taken.add(name)
        return name

    def add_constant(self, values: Any, hint: str) -> str:
        """Add an initialiser.

        Raises:
            NotExpressibleError: the file would be larger than one of ONNX can be.
        """
        array = np.ascontiguousarray(values).reshape(np.shape(values))
        self._size += array.nbytes
        if self._size > LARGEST:
            raise NotExpressibleError(f"its constants take over {LARGEST} bytes, the most that one ONNX file holds")
        name = self.fresh(hint)
        self._initializers.append(numpy_helper.from_array(array, name))
        return name

    def add_weight(self, weight: Weight, hint: str) -> str:
        """Add integers and what makes floats of them."""
        given = [self.add_constant(weight.values, f"{hint}/int"), *self._scale(weight.by, hint)]
        return self.add("DequantizeLinear", given, hint, **_axis(weight.by))

    def add_quantizer(self, source: ov.Output, scale: Scale, target: ov.Output) -> None:
        """Add QuantizeLinear and DequantizeLinear."""
        self._scales[_key(target)] = scale
        name, taken = self.name(target), self.value(source)
        if self._apart:
            before, given, name, value = apart_names(target.get_node().get_friendly_name())
            self.node("Identity", [taken], [before])
            self.bind(target, value)
            self._inputs += [_described(target, given), _described(target, value)]
            self._outputs += [_described(target, before), _described(target, name)]
            taken = given
        numbers = self._scale(scale, name)
        rounded = self.add("QuantizeLinear", [taken, *numbers], f"{name}/int", **_axis(scale))
        self.node("DequantizeLinear", [rounded, *numbers], [name], **_axis(scale))

    def add(self, kind: str, inputs: Sequence[str], hint: str, **attributes: Any) -> str:
        """Add a node with one output, which nothing of OpenVINO's graph stands for."""
        name = self.fresh(hint)
        self.node(kind, inputs, [name], **attributes)
        return name

    def give(self, output: ov.Output, kind: str, inputs: Sequence[str], **attributes: Any) -> None:
        """Add the node that gives an output."""
        self.node(kind, inputs, [self.name(output)], **attributes)

    def node(self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:
        """Add a node, named after its first output."""
        self._nodes.append(helper.make_node(kind, list(inputs), list(outputs), name=outputs[0], **attributes))

    def scale(self, output: ov.Output) -> Scale | None:
        """Return how an output was quantised; None where it was not, or was per channel and has moved since."""
        node, moved = output.get_node(), False
        while node.get_type_name() in _MOVING:
            output, moved = node.input_value(0), True
            node = output.get_node()
        found = self._scales.get(_key(output))
        return None if found is not None and moved and found.axis is not None else found

    def model(self, name: str, inputs: Sequence[ov.Output], outputs: Sequence[ov.Output], names: Sequence[str]) -> Any:
        """Return the finished model. names: of the outputs."""
        graph = helper.make_graph(
            self._nodes,
            name,
            [*(_described(port, self.name(port)) for port in inputs), *self._inputs],
            [*(_described(port, given) for port, given in zip(outputs, names, strict=True)), *self._outputs],
            self._initializers,
        )
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, producer_name="autotune", opset_imports=opsets, ir_version=IR_VERSION)

    def _scale(self, scale: Scale, hint: str) -> list[str]:
        return [self.add_constant(scale.scale, f"{hint}/scale"), self.add_constant(scale.zero, f"{hint}/zero")]


def apart_names(quantizer: str) -> tuple[str, str, str, str]:
    """Return the names that a quantiser's tensors have where it is apart: before, given, after, value."""
    return f"{quantizer}/before", f"{quantizer}/given", f"{quantizer}/after", f"{quantizer}/value"


def array(output: ov.Output, what: str) -> NDArray[Any]:
    """Return the value of a constant.

    Raises:
        NotExpressibleError: it is computed. what: for the message.
    """
    node = output.get_node()
    if node.get_type_name() != "Constant":
        raise NotExpressibleError(f"{what} is computed at run time")
    found: NDArray[Any] = node.data
    return found


def fake_quantize_scale(node: ov.Node) -> Scale:
    """Return the scale of an activation quantiser; see :func:`activation_scale`."""
    name = node.get_friendly_name()
    borders = [array(node.input_value(port), f"the range of quantiser '{name}'") for port in range(1, 5)]
    return activation_scale(borders, int(node.get_attributes()["levels"]), name)


def is_int8_weight(output: ov.Output) -> bool:
    """Tell whether an output is of weights that are stored as integers, converted and scaled."""
    return _stored(output) is not None


def int8_weight(output: ov.Output, shape: Sequence[int] | None = None) -> Weight | None:
    """Return weights that are stored as integers, converted and scaled; None for any other output.

    Args:
        shape: that they get: the first two axes (groups, and channels of each) become one.

    Raises:
        NotExpressibleError: they have scales along two axes.
    """
    stored = _stored(output)
    if stored is None:
        return None
    values, scale, zero = stored
    name = output.get_node().get_friendly_name()
    scale = scale.reshape([1] * (values.ndim - scale.ndim) + list(scale.shape))
    zeros = np.broadcast_to(zero.reshape([1] * (values.ndim - zero.ndim) + list(zero.shape)), scale.shape)
    if shape is not None:
        groups, channels, *rest = scale.shape
        if groups * channels > 1:
            groups, channels = values.shape[:2]
        scale, zeros = (
            np.broadcast_to(each, (groups, channels, *rest)).reshape(groups * channels, *rest)
            for each in (scale, zeros)
        )
        values = values.reshape(shape)
    return Weight(values, along(scale, zeros.astype(values.dtype), name))


def _stored(output: ov.Output) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None:
    """Return integers, scale and zero point of weights."""
    node = output.get_node()
    if node.get_type_name() != "Multiply" or not is_constant(output):
        return None
    name = node.get_friendly_name()
    inner, scale = node.input_value(0).get_node(), array(node.input_value(1), f"the scale of '{name}'")
    zero: NDArray[Any] = np.zeros(1)
    if inner.get_type_name() == "Subtract":
        shift = inner.input_value(1).get_node()
        shift = shift.input_value(0).get_node() if shift.get_type_name() == "Convert" else shift
        zero, inner = shift.data, inner.input_value(0).get_node()
    stored = inner.input_value(0).get_node() if inner.get_type_name() == "Convert" else None
    if stored is None or stored.get_type_name() != "Constant" or stored.data.dtype not in (np.int8, np.uint8):
        return None
    return stored.data, scale, zero


def _key(output: ov.Output) -> tuple[str, int]:
    return output.get_node().get_name(), output.get_index()


def _axis(scale: Scale) -> dict[str, int]:
    return {} if scale.axis is None else {"axis": scale.axis}


def _described(port: ov.Output, name: str) -> onnx.ValueInfoProto:
    shape = [int(extent) for extent in port.get_shape()]
    return helper.make_tensor_value_info(name, element_type(port.get_element_type(), name), shape)
