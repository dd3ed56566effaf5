"""Single operators in bf16 while the rest of the model stays f32.

The plugin honours types in the graph where it ignores hints for single operators: an operator between a conversion to
bf16 and one back runs a bf16 kernel under the f32 hint, and the element-wise part around it, where accuracy is lost,
stays f32.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from autotune.graph.constants import constant_value, is_constant

_BACK = "/to_f32"


def type_bf16(model: ov.Model, names: Collection[str]) -> tuple[str, ...]:
    """Let these operators compute in bf16, in place.

    An operator that feeds another one directly hands over bf16.

    Args:
        names: friendly names of operators with two inputs (products and convolutions).

    Returns:
        Those that were left as they are: not f32, or their weights are not float constants.
    """
    left = []
    wanted = set(names)
    for node in model.get_ordered_ops():
        name = node.get_friendly_name()
        if name not in wanted:
            continue
        if not _can_be_typed(node):
            left.append(name)
            continue
        for port in range(2):
            node.input(port).replace_source_output(_as_bf16(node.input_value(port), f"{name}/bf16_{port}"))
        node.validate_and_infer_types()
        output = node.output(0)
        readers = output.get_target_inputs()
        back = ops.convert(output, "f32", name=f"{name}{_BACK}")
        back.output(0).get_tensor().set_names(output.get_names())
        output.get_tensor().set_names(set())
        for reader in readers:
            reader.replace_source_output(back.output(0))
    model.validate_nodes_and_infer_types()
    return tuple(left)


def _can_be_typed(node: ov.Node) -> bool:
    if node.get_input_size() != 2 or node.get_output_element_type(0) != ov.Type.f32:
        return False
    weights = node.input_value(1)
    return not is_constant(weights) or weights.get_node().get_type_name() == "Constant"


def _as_bf16(source: ov.Output, name: str) -> ov.Output:
    producer = source.get_node()
    if producer.get_type_name() == "Constant":
        values = np.ascontiguousarray(constant_value(source), np.float32)
        tensor = ov.Tensor(ov.Type.bf16, ov.Shape(values.shape))  # owns its memory, a numpy array would be freed
        tensor.data.view(np.uint16)[...] = _rounded(values)
        constant = ov.op.Constant(tensor)
        constant.set_friendly_name(name)
        return constant.output(0)
    if producer.get_type_name() == "Convert" and producer.get_friendly_name().endswith(_BACK):
        return producer.input_value(0)
    return ops.convert(source, "bf16", name=name).output(0)


def _rounded(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """Return the upper halves of float32 values, rounded to nearest, ties to even: bf16."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
