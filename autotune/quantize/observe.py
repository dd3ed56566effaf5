"""One pass over the calibration samples: statistics at every point where a quantiser may go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import openvino as ov

from autotune.data import Dataset
from autotune.quantize.statistics import Floats, TensorStatistics


@dataclass(frozen=True, eq=False)
class Observation:
    """Statistics by tensor key (``<producer friendly name>:<output port>``), and means for bias correction.

    Attributes:
        tensors: integer tensors and those of unknown rank are left out.
        means: operator friendly name -> float32 (C,), mean of its input per channel, of operators with weights and bias.
    """

    tensors: Mapping[str, TensorStatistics]
    means: Mapping[str, Floats]

    def save(self, path: Path) -> None:
        """Write to an npz, whole or not at all."""
        raise NotImplementedError

    @classmethod
    def load(cls, path: Path) -> Observation:
        """Read what :meth:`save` wrote. Raises FileNotFoundError, or ValueError for anything else."""
        raise NotImplementedError


def observe(
    model: ov.Model, dataset: Dataset, tensors: Mapping[str, frozenset[int]], *, threads: int, seed: int = 0
) -> Observation:
    """Run the float model once per sample and record ``tensors`` (key -> channel axes needed, maybe none).

    ``model`` is normalised, static, batch 1, and is not changed. Means of the inputs of bias-corrected operators are
    found by itself.
    """
    raise NotImplementedError
