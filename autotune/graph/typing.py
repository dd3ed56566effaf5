"""Single operators in bf16 while the rest of the model stays f32.

The plugin honours types in the graph where it ignores hints for single operators: an operator between a conversion to
bf16 and one back runs a bf16 kernel under the f32 hint. Operators next to each other, with nothing but element-wise
nodes and changes of the layout between them, are one region and hand over bf16; where accuracy is lost (sums,
normalisations, Softmax), the model stays f32.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from autotune.graph.constants import constant_value, is_constant
from autotune.graph.inspect import CONSTANT, is_float, nodes_by_name, tensor_key
from autotune.graph.regions import carriers, regions


@dataclass(frozen=True)
class Typed:
    """What became of operators that were to compute in bf16.

    Attributes:
        left: those that were left as they are: not f32, or their weights are not float constants.
        regions: names of the nodes that hand bf16 to each other, operators and what is between and after them.
    """

    left: tuple[str, ...]
    regions: tuple[frozenset[str], ...]


def type_bf16(model: ov.Model, names: Collection[str]) -> Typed:
    """Let these operators compute in bf16, in place; conversions stand at the borders of their regions only.

    Args:
        names: friendly names of operators with two inputs (products and convolutions).
    """
    nodes = nodes_by_name(model)
    wanted = [name for name in nodes if name in set(names)]
    operators = {name for name in wanted if _can_be_typed(nodes[name])}
    members = operators | carriers(model, operators)
    found = regions(model, members)
    converted: dict[str, ov.Output] = {}
    for name in [name for name in nodes if name in members]:
        node = nodes[name]
        for target in node.inputs():
            source = target.get_source_output()
            if is_float(source) and source.get_element_type() != ov.Type.bf16:
                key = tensor_key(source)
                if key not in converted:
                    converted[key] = _as_bf16(source, key)
                target.replace_source_output(converted[key])
        node.validate_and_infer_types()
    for name in members:
        for output in nodes[name].outputs():
            _give_back(output, members)
    model.validate_nodes_and_infer_types()
    return Typed(tuple(name for name in wanted if name not in operators), found)


def _can_be_typed(node: ov.Node) -> bool:
    if node.get_input_size() != 2 or node.get_output_element_type(0) != ov.Type.f32:
        return False
    weights = node.input_value(1)
    return not is_constant(weights) or weights.get_node().get_type_name() == CONSTANT


def _give_back(output: ov.Output, members: Collection[str]) -> None:
    """Give f32 to those who read an output of a region outside of it, and the tensor's names with it."""
    outside = [t for t in output.get_target_inputs() if t.get_node().get_friendly_name() not in members]
    if not outside:
        return
    back = ops.convert(output, "f32", name=f"{tensor_key(output)}/to_f32")
    back.output(0).get_tensor().set_names(output.get_names())
    output.get_tensor().set_names(set())
    for target in outside:
        target.replace_source_output(back.output(0))


def _as_bf16(source: ov.Output, key: str) -> ov.Output:
    if source.get_node().get_type_name() != CONSTANT:
        return ops.convert(source, "bf16", name=f"{key}/to_bf16").output(0)
    values = np.ascontiguousarray(constant_value(source), np.float32)
    tensor = ov.Tensor(ov.Type.bf16, ov.Shape(values.shape))  # owns its memory, a numpy array would be freed
    tensor.data.view(np.uint16)[...] = _rounded(values)
    constant = ov.op.Constant(tensor)
    constant.set_friendly_name(f"{key}/bf16")
    return constant.output(0)


def _rounded(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """Return the upper halves of float32 values, rounded to nearest, ties to even: bf16."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
