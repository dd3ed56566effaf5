"""From the graph of a candidate to a model in ONNX."""

from __future__ import annotations

from typing import Any

import openvino as ov

from autotune.onnx_qdq import elementwise, recurrent, shapes, weighted, windows
from autotune.onnx_qdq.building import Building, fake_quantize_scale, int8_weight, is_int8_weight
from autotune.onnx_qdq.elementwise import Writer
from autotune.onnx_qdq.refusal import NotExpressibleError

_WRITERS: dict[str, Writer] = {
    **elementwise.WRITERS,
    **recurrent.WRITERS,
    **shapes.WRITERS,
    **weighted.WRITERS,
    **windows.WRITERS,
}
# What reads such weights writes them.
_FOLDED = tuple(kind for kind in weighted.WRITERS if kind != "ScaledDotProductAttention")


def to_onnx(model: ov.Model, *, apart: bool = False) -> Any:
    """Return a candidate as ``onnx.ModelProto``, with inputs and outputs named and shaped as the candidate's.

    Args:
        model: with FakeQuantizes on activations, int8 weights that are converted and scaled, and static shapes.
        apart: for comparisons, see :class:`Building`.

    Raises:
        NotExpressibleError: names what has no form in ONNX QDQ.
    """
    if model.is_dynamic():
        raise NotExpressibleError("its shapes are dynamic")
    building = Building(apart)
    for parameter in model.get_parameters():
        output = parameter.output(0)
        building.bind(output, min(output.get_names(), default=parameter.get_friendly_name()))
    ends = []
    for result in model.get_results():
        source = result.input_value(0)
        name = min(source.get_names(), default=result.get_friendly_name())
        if not building.is_bound(source) and source.get_node().get_type_name() != "Constant":
            building.bind(source, name)
            ends.append((source, name))
        else:  # an input, or a second result of the same
            ends.append((source, building.fresh(name)))
    for node in model.get_ordered_ops():
        if node.get_name() not in building.done:
            _write(building, node)
    for source, name in ends:
        if building.value(source) != name:
            building.node("Identity", [building.value(source)], [name])
    inputs = [parameter.output(0) for parameter in model.get_parameters()]
    return building.model(model.get_friendly_name(), inputs, [s for s, _ in ends], [n for _, n in ends])


def _write(building: Building, node: ov.Node) -> None:
    kind = node.get_type_name()
    if kind in ("Parameter", "Constant", "Result") or _is_of_a_weight(node):
        return
    if kind == "FakeQuantize":
        building.add_quantizer(node.input_value(0), fake_quantize_scale(node), node.output(0))
        return
    if is_int8_weight(node.output(0)):
        if not all(map(_writes_weight, node.output(0).get_target_inputs())):  # such as an embedding
            weight = int8_weight(node.output(0))
            assert weight is not None
            building.bind(node.output(0), building.add_weight(weight, node.get_friendly_name()))
        return
    if kind not in _WRITERS:
        raise NotExpressibleError(f"operator '{node.get_friendly_name()}' is a {kind}, which has no writer for ONNX")
    _WRITERS[kind](building, node)


def _writes_weight(target: ov.Input) -> bool:
    kind = target.get_node().get_type_name()
    return kind in _FOLDED or (kind in recurrent.WRITERS and target.get_index() in recurrent.WEIGHTS)


def _is_of_a_weight(node: ov.Node) -> bool:
    """Tell whether a node is the conversion, or the zero point, of weights that are stored as integers."""
    targets = [target.get_node() for output in node.outputs() for target in output.get_target_inputs()]
    if node.get_type_name() == "Subtract":
        return bool(targets) and all(is_int8_weight(t.output(0)) for t in targets)
    if node.get_type_name() != "Convert" or node.input_value(0).get_node().get_type_name() != "Constant":
        return False
    return bool(targets) and all(_is_of_a_weight(t) or is_int8_weight(t.output(0)) for t in targets)
