"""Weights that the source stores as f16 are stored as f16 again, where that loses no bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from autotune.graph.inspect import CONSTANT, clone, constants_size

_INTEGERS = {"i4", "u4", "i8", "u8"}
# The conversion beside a smaller constant takes as much room in the file as it saves.
_SMALLEST = 128


class HalfStorage:
    """Knows how the source stores its weights. Models are built and judged in f32, and only written as f16."""

    def __init__(self, source: ov.Model, model: ov.Model) -> None:
        """Take the model as it was read, and the same normalised, which candidates share constants with.

        Args:
            model: must live as long as this.
        """
        self.active = any(_decompressed(node) for node in source.get_ops())
        # Most constants of a candidate are the float model's own, at the same address: those are looked at once.
        known = [node for node in model.get_ops() if self.active and _is_large(node)]
        self._kept = model
        self._exact = {_place(node): _is_exact(node) for node in known}

    def size(self, model: ov.Model) -> int:
        """Return the bytes of a model's constants as they are written."""
        return constants_size(model) - sum(int(node.data.nbytes) // 2 for node in self._halved(model))

    def stored(self, model: ov.Model) -> ov.Model:
        """Return a copy with f16 constants and conversions behind them; the model itself if there are none to make."""
        if not any(True for _ in self._halved(model)):
            return model
        copy = clone(model)
        for node in list(self._halved(copy)):
            name = node.get_friendly_name()
            half = ops.constant(node.data.astype(np.float16), name=f"{name}/f16")
            converted = ops.convert(half, "f32", name=name)
            for target in node.output(0).get_target_inputs():
                target.replace_source_output(converted.output(0))
        copy.validate_nodes_and_infer_types()
        return copy

    def _halved(self, model: ov.Model) -> Iterator[Any]:
        for node in model.get_ops() if self.active else ():
            if not _is_large(node) or _is_of_a_quantiser(node):
                continue
            place = _place(node)
            if self._exact[place] if place in self._exact else _is_exact(node):
                yield node


def _decompressed(node: ov.Node) -> bool:
    if node.get_type_name() != "Convert" or node.output(0).get_element_type() != ov.Type.f32:
        return False
    source = node.input_value(0)
    return bool(source.get_node().get_type_name() == CONSTANT and source.get_element_type() == ov.Type.f16)


def _is_large(node: Any) -> bool:
    if node.get_type_name() != CONSTANT or node.output(0).get_element_type() != ov.Type.f32:
        return False
    return int(node.data.size) >= _SMALLEST


def _place(constant: Any) -> tuple[int, int]:
    values = constant.data
    return values.__array_interface__["data"][0], values.nbytes


def _is_exact(constant: Any) -> bool:
    values = constant.data
    with np.errstate(over="ignore"):
        return bool((values.astype(np.float16).astype(np.float32) == values).all())


def _is_of_a_quantiser(constant: ov.Node) -> bool:
    """Ranges, scales and zero points stay as OpenVINO's int8 transformations look for them."""
    for target in constant.output(0).get_target_inputs():
        node = target.get_node()
        others = [node.input_value(i).get_node() for i in range(node.get_input_size())]
        scales = node.get_type_name() in ("Multiply", "Subtract") and any(_is_dequantised(other) for other in others)
        if node.get_type_name() == "FakeQuantize" or scales:
            return True
    return False


def _is_dequantised(node: ov.Node) -> bool:
    """Tell whether this is an integer constant converted, or that minus its zero point."""
    if node.get_type_name() == "Subtract":
        node = node.input_value(0).get_node()
    if node.get_type_name() != "Convert":
        return False
    return str(node.input_value(0).get_element_type().get_type_name()) in _INTEGERS
