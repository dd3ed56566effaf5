"""Weights as the integers that are measured and saved, worked out once for each range.

They are what OpenVINO's ``compress_quantize_weights`` makes of a FakeQuantize of constants: an int8 constant, converted
and multiplied by a scale. That is a pass over the whole graph for every candidate, and computes each weight anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from autotune.graph.constants import constant, constant_value
from autotune.graph.inspect import CONSTANT
from autotune.quantize.points import Placement
from autotune.quantize.ranges import Range
from autotune.quantize.statistics import Floats

# Integers go as far as this on both sides: 255 levels.
_TOP = 127


@dataclass(frozen=True, eq=False)
class Stored:
    """One tensor of weights.

    Attributes:
        integers: int8, of the weights' shape, -127 to 127.
        scale: float32, of the range's shape.
    """

    integers: NDArray[np.int8]
    scale: Floats

    @property
    def levels(self) -> Floats:
        """The levels of the FakeQuantize, float32, 0 to 254."""
        return self.integers.astype(np.float32) + np.float32(_TOP)


class StoredWeights:
    """Integers of the weights of one float model."""

    def __init__(self, model: ov.Model) -> None:
        self._nodes = {node.get_friendly_name(): node for node in model.get_ops()}
        self._known: dict[tuple[str, int, bytes, bytes], Stored] = {}

    def of(self, placement: Placement, ranges: Mapping[str, Range]) -> dict[str, Stored]:
        """Return them by quantiser name; not those of weights that are no plain f32 constants, or of another range."""
        found = {}
        for quantizer in placement.weights:
            chosen = ranges[quantizer.name]
            key = (quantizer.node, quantizer.port, chosen.low.tobytes(), chosen.high.tobytes())
            if key not in self._known:
                output = self._nodes[quantizer.node].input_value(quantizer.port)
                if not _can_be_stored(output, chosen):
                    continue
                self._known[key] = stored(constant_value(output), chosen)
            found[quantizer.name] = self._known[key]
        return found


def stored(weights: Floats, chosen: Range) -> Stored:
    """Return weights as integers of a symmetric range of 255 levels."""
    levels = levels_of(weights, chosen)
    levels -= np.float32(_TOP)
    return Stored(levels.astype(np.int8), (chosen.high - chosen.low) / np.float32(2 * _TOP))


def levels_of(values: Floats, chosen: Range) -> Floats:
    """Return the level that FakeQuantize gives to each value, in the order of OpenVINO's reference."""
    width, steps = chosen.high - chosen.low, np.float32(chosen.levels - 1)
    found: Floats = np.clip(values, chosen.low, chosen.high)
    found -= chosen.low  # in the same memory: a new one for each step took longer than the steps
    found /= width
    found *= steps
    np.round(found, out=found)
    return found


def integers_instead(source: ov.Output, weights: Stored, name: str) -> ov.Output:
    """Return the weights made of integers, in the place of a FakeQuantize of that name."""
    numbers = ops.constant(weights.integers)
    converted = ops.convert(numbers, source.get_element_type())
    converted.set_rt_info(_mark(), _MARK)
    scale = constant(weights.scale, source.get_element_type(), f"{name}/scale")
    return ops.multiply(converted, scale, name=name).output(0)


def _can_be_stored(output: ov.Output, chosen: Range) -> bool:
    plain = output.get_node().get_type_name() == CONSTANT and output.get_element_type() == ov.Type.f32
    return plain and chosen.levels == 2 * _TOP + 1 and bool((chosen.low == -chosen.high).all())


# Keeps OpenVINO from folding the integers back into floats; Python can copy the mark, not make it.
_MARK = "DisableConstantFolding_0"


@cache
def _marked() -> Any:
    """Return a conversion as OpenVINO makes it."""
    from openvino._offline_transformations import compress_quantize_weights_transformation

    x = ops.parameter([1, 2], ov.Type.f32)
    border = [ops.constant(np.float32(value)) for value in (-1, 1, -1, 1)]
    weights = ops.fake_quantize(ops.constant(np.ones((2, 2), np.float32)), *border, 2 * _TOP + 1)
    model = ov.Model([ops.matmul(x, weights, False, True)], [x], "marked")
    compress_quantize_weights_transformation(model)
    return next(node for node in model.get_ops() if node.get_type_name() == "Convert")


def _mark() -> Any:
    return _marked().get_rt_info()[_MARK]
