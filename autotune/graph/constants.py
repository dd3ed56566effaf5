"""Values of constants, also behind conversions and other foldable operators."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray
from openvino.op import Constant

Floats = NDArray[np.float32]

# Unique names of nodes that were seen to depend on an input. Without it a question of every operator would follow each
# of them up to the inputs: quadratic in the depth of the model. It is the process's as the names are: OpenVINO gives
# none twice, clones included, so no answer can be about another model, and forgetting some only costs time.
_variable: set[str] = set()
_MOST_REMEMBERED = 100_000


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


def constant(values: Floats, kind: ov.Type, name: str) -> ov.Node:
    """Return a new constant of a floating-point type; ``ops.constant`` takes fifteen times as long for a small one.

    Args:
        values: any shape; copied.
    """
    if kind == ov.Type.bf16:  # numpy has no such type
        return ops.constant(values, kind, name=name)
    made = Constant(np.ascontiguousarray(values, kind.to_dtype()).reshape(np.shape(values)))
    made.set_friendly_name(name)
    return made


def is_constant(output: ov.Output) -> bool:
    """Tell whether the value depends on constants only; no node may come to depend on them only later."""
    start = output.get_node()
    if start.get_type_name() == "Constant":
        return True
    pending = [start]
    seen: set[str] = set()
    while pending:
        node = pending.pop()
        kind = node.get_type_name()
        name = node.get_name()
        if kind in ("Parameter", "ReadValue") or name in _variable:
            if len(_variable) >= _MOST_REMEMBERED:
                _variable.clear()
            _variable.add(start.get_name())
            return False
        if name not in seen and kind != "Constant":
            seen.add(name)
            # The first input comes off first: it is the one that depends on the model's.
            pending += [node.input_value(port).get_node() for port in reversed(range(node.get_input_size()))]
    return True


def with_plain_constants(model: ov.Model, kinds: Collection[str]) -> ov.Model:
    """Return a copy in which what operators of these types read is computed now, where it depends on constants only.

    The model itself where there is nothing to compute.
    """
    if not any(True for _ in _computed(model, kinds)):
        return model
    copy = model.clone()
    for target in list(_computed(copy, kinds)):
        source = target.get_source_output()
        plain = constant(constant_value(source), source.get_element_type(), source.get_node().get_friendly_name())
        target.replace_source_output(plain.output(0))
    return copy


def _computed(model: ov.Model, kinds: Collection[str]) -> Iterator[ov.Input]:
    for node in model.get_ops():
        for target in node.inputs() if node.get_type_name() in kinds else ():
            source = target.get_source_output()
            if source.get_node().get_type_name() != "Constant" and is_constant(source):
                yield target
