"""Put quantisers and biases into a copy of the float model."""

from __future__ import annotations

from collections.abc import Mapping

import openvino as ov

from autotune.quantize.points import Placement
from autotune.quantize.ranges import Range
from autotune.quantize.statistics import Floats


def build(
    model: ov.Model,
    placement: Placement,
    activations: Mapping[str, Range],
    weights: Mapping[str, Range],
    biases: Mapping[str, Floats],
) -> ov.Model:
    """Return a copy of ``model`` with the FakeQuantizes of ``placement``; weights are not compressed yet."""
    raise NotImplementedError
