"""Weights stored as f16: rounded to it where a configuration asks for that; what it holds exactly is written so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from autotune.configuration import FloatWeights
from autotune.graph.constants import Floats, constant
from autotune.graph.inspect import CONSTANT, clone, constants_size

_INTEGERS = {"i4", "u4", "i8", "u8"}
# The conversion beside a smaller constant takes as much room in the file as it saves.
_SMALLEST = 128
# What rounding to the 11 bits of f16 may change, as a share. Where it changes more, values are so small that f16 has
# fewer bits for them.
_PRECISION = 2.0**-11


@dataclass(frozen=True)
class Rounded:
    """A model whose float weights are values of f16, stored as f32.

    Attributes:
        model: a copy; the model itself where nothing had to be rounded.
        kept: names of the operators that read weights which f16 cannot hold: these stay as they are.
    """

    model: ov.Model
    kept: tuple[str, ...]


def rounded(model: ov.Model) -> Rounded:
    """Round the float weights of a model to f16: all constants of 128 values and more that do not belong to quantisers.

    A constant stays as it is where a value is beyond f16's 65504, or where rounding changes more of it (of its root
    mean square) than the 11 bits of f16 allow: then its values are so small that f16 loses them.
    """
    copy, changed, kept = clone(model), False, list[str]()
    for node in list(_weights(copy)):
        values, readers = node.data, node.output(0).get_target_inputs()
        halves = _halves(values)
        if halves is None:
            kept += [target.get_node().get_friendly_name() for target in readers]
        elif halves is not values:
            made, changed = constant(halves, ov.Type.f32, node.get_friendly_name()), True
            for target in readers:
                target.replace_source_output(made.output(0))
    return Rounded(copy if changed else model, tuple(kept))


class HalfStorage:
    """Knows how weights are stored. Models are built and judged in f32, and only written as f16.

    That is done where the source does so, and where a configuration asks for it: then its model is :func:`rounded`.
    """

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

    def size(self, model: ov.Model, asked: FloatWeights = "f32") -> int:
        """Return the bytes of a model's constants as they are written.

        Args:
            asked: by the model's configuration.
        """
        return constants_size(model) - sum(int(node.data.nbytes) // 2 for node in self._halved(model, asked))

    def stored(self, model: ov.Model, asked: FloatWeights = "f32") -> ov.Model:
        """Return a copy with f16 constants and conversions behind them; the model itself if there are none to make.

        Args:
            asked: by the model's configuration.
        """
        if not any(True for _ in self._halved(model, asked)):
            return model
        copy = clone(model)
        for node in list(self._halved(copy, asked)):
            name = node.get_friendly_name()
            half = ops.constant(node.data.astype(np.float16), name=f"{name}/f16")
            converted = ops.convert(half, "f32", name=name)
            for target in node.output(0).get_target_inputs():
                target.replace_source_output(converted.output(0))
        copy.validate_nodes_and_infer_types()
        return copy

    def _halved(self, model: ov.Model, asked: FloatWeights) -> Iterator[Any]:
        for node in _weights(model) if self.active or asked == "f16" else ():
            place = _place(node)
            if self._exact[place] if place in self._exact else _is_exact(node):
                yield node


def _decompressed(node: ov.Node) -> bool:
    if node.get_type_name() != "Convert" or node.output(0).get_element_type() != ov.Type.f32:
        return False
    source = node.input_value(0)
    return bool(source.get_node().get_type_name() == CONSTANT and source.get_element_type() == ov.Type.f16)


def _weights(model: ov.Model) -> Iterator[Any]:
    """Yield the constants that may be stored as f16."""
    for node in model.get_ops():
        if _is_large(node) and not _is_of_a_quantiser(node):
            yield node


def _halves(values: Floats) -> Floats | None:
    """Return the nearest values of f16, the same array if it has no others; None where these are too far away."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        halves: Floats = values.astype(np.float16).astype(np.float32)
        error = halves - values
        changed, size = (float(np.linalg.norm(some.ravel())) for some in (error, values))
    if not np.isfinite(changed + size):  # infinity and NaN, which f16 has too, or what became infinite
        finite = np.isfinite(values)
        if not np.array_equal(np.isfinite(halves), finite):
            return None
        changed, size = (float(np.linalg.norm(some[finite])) for some in (error, values))
    if not changed:
        return values
    return halves if changed <= _PRECISION * size else None


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
