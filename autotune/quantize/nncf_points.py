"""Where NNCF puts quantisers: what both ways of asking it return."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ActivationPoint:
    """An activation quantiser as NNCF decides it.

    Attributes:
        port: output port of ``node``, or input port if ``before``.
        operators: names of the operators whose inputs it quantises.
        group: number of the unified scale, None if it has its own.
    """

    node: str
    port: int
    before: bool
    symmetric: bool
    signed: bool
    per_channel: bool
    operators: tuple[str, ...]
    group: int | None


@dataclass(frozen=True)
class WeightPoint:
    """A weight quantiser as NNCF decides it; ``channel_axes`` is empty per tensor."""

    node: str
    port: int
    channel_axes: tuple[int, ...]
    first_layer: bool


@dataclass(frozen=True)
class Points:
    """All quantisers of one candidate, in any order."""

    activations: tuple[ActivationPoint, ...]
    weights: tuple[WeightPoint, ...]
