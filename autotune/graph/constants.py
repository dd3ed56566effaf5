"""Values of constants, also behind conversions and other foldable operators."""

from __future__ import annotations

import numpy as np
import openvino as ov
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def constant_value(output: ov.Output) -> Floats:
    """Return a constant output as float32.

    Raises:
        ValueError: the value depends on an input of the model.
    """
    node = output.get_node()
    kind = node.get_type_name()
    if kind == "Constant":
        value: Floats = np.asarray(node.get_data(dtype=np.float32))
        return value
    if kind == "Convert" and output.get_element_type().is_real():
        return constant_value(node.input_value(0))
    if not is_constant(output):
        raise ValueError(f"'{node.get_friendly_name()}' is not a constant")
    compiled = ov.compile_model(ov.Model([output], [], "constant"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(compiled([])[0], dtype=np.float32)


def is_constant(output: ov.Output) -> bool:
    """Tell whether the value depends on constants only."""
    pending = [output.get_node()]
    seen: set[str] = set()
    while pending:
        node = pending.pop()
        kind = node.get_type_name()
        if kind in ("Parameter", "ReadValue"):
            return False
        if node.get_name() not in seen and kind != "Constant":
            seen.add(node.get_name())
            pending += [node.input_value(port).get_node() for port in range(node.get_input_size())]
    return True
