"""From estimated extremes to the ranges of FakeQuantize: NNCF's formulas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autotune.configuration import ActivationChoice, Granularity, OverflowFix
from autotune.quantize.observe import Observation
from autotune.quantize.points import Placement
from autotune.quantize.statistics import Floats


@dataclass(frozen=True, eq=False)
class Range:
    """Ranges of one FakeQuantize (input and output alike).

    Attributes:
        low, high: float32, shape () per tensor, or broadcastable to the tensor per channel.
        levels: 256, or 255 for narrow (weights).
    """

    low: Floats
    high: Floats
    levels: int


class ActivationRanges:
    """Ranges of activation quantisers, looked up in an observation and kept per (tensor, estimator, symmetry)."""

    def __init__(self, observation: Observation) -> None:
        raise NotImplementedError

    def of(
        self, placement: Placement, activation: ActivationChoice, overrides: Mapping[str, ActivationChoice]
    ) -> dict[str, Range]:
        """Return the ranges by quantiser name.

        Raises:
            ValueError: a range is not finite or its tensor was not observed; names the quantiser.
        """
        raise NotImplementedError


class WeightRanges:
    """Ranges of weight quantisers of one model, kept per (quantiser's node and port, axes, half)."""

    def __init__(self, model: object) -> None:  # ov.Model, normalised
        raise NotImplementedError

    def of(self, placement: Placement, granularity: Granularity, overflow_fix: OverflowFix) -> dict[str, Range]:
        """Return the ranges by quantiser name.

        Raises:
            ValueError: a range is not finite; names the quantiser.
        """
        raise NotImplementedError
