"""Where quantisers go: frozen values between placement, observation and building."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ActivationQuantizer:
    """One activation FakeQuantize.

    Attributes:
        name: friendly name NNCF gives it, e.g. ``conv1/fq_output_0``.
        node, port, side: where it is inserted: after output ``port`` of ``node`` for all consumers
            (``output``), or before input ``port`` of ``node`` for that consumer alone (``input``).
        tensor: ``<producer friendly name>:<output port>`` of the tensor it quantises: the key of the observation.
        symmetric: what the preset (and NNCF's type passes) ask for.
        must_be_symmetric: an affine range would lose the int8 kernel or NNCF forces symmetric here.
        signed: True if NNCF forces a signed range even for non-negative data.
        channel_axis: axis of per-channel ranges (depthwise convolutions), None for per-tensor.
        group: quantisers with the same number share one range (NNCF's unified scales); None otherwise.
    """

    name: str
    node: str
    port: int
    side: Literal["output", "input"]
    tensor: str
    symmetric: bool
    must_be_symmetric: bool
    signed: bool
    channel_axis: int | None
    group: int | None


@dataclass(frozen=True)
class WeightQuantizer:
    """One weight FakeQuantize on input ``port`` of ``node``; ``channel_axes`` keep their extent in the ranges.

    ``first_layer`` marks the operators that NNCF's overflow fix ``first-layer`` gives half the range.
    """

    name: str
    node: str
    port: int
    channel_axes: tuple[int, ...]
    first_layer: bool


@dataclass(frozen=True)
class Placement:
    """All quantisers of one candidate."""

    activations: tuple[ActivationQuantizer, ...]
    weights: tuple[WeightQuantizer, ...]
