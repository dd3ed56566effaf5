"""Fast bias correction, worked out from the means of the inputs."""

from __future__ import annotations

from collections.abc import Mapping

from autotune.quantize.observe import Observation
from autotune.quantize.points import Placement
from autotune.quantize.ranges import Range
from autotune.quantize.statistics import Floats


class BiasTable:
    """Corrected biases, kept per (operator, weight range)."""

    def __init__(self, model: object, observation: Observation) -> None:  # ov.Model, normalised
        raise NotImplementedError

    def of(self, placement: Placement, weights: Mapping[str, Range]) -> dict[str, Floats]:
        """Return new biases by operator friendly name, of the operators whose bias is corrected."""
        raise NotImplementedError
