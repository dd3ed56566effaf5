"""How long a request may take before its child counts as caught in a loop: generous, yet bounded. Pure.

A child that does nothing is found out by its processor time, one that spins is not. What it should take follows from
what the child's own set-up took, which loads the model and runs float f32 over the search split with the user's metric:
a pass. That a request takes :data:`SLOWEST` times as long as all passes it could need is no longer slowness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autotune.protocol.finalists import Race, Recheck

# The least that any request gets, in seconds; and what weights add: packing, writing, reading, digesting so many bytes.
LEAST_SECONDS = 300.0
BYTES_PER_SECOND = 10e6
# As of candidates: emulated kernels are 20 times slower than float f32.
SLOWEST = 40
# Values of a corpus metric that one request may compute, with a margin for a busy machine.
METRIC_VALUES = 1000
# Before anything has run: the set-up itself, and one sample, with what a byte of weights adds to it.
SETUP_SECONDS = 1800.0
SAMPLE_SECONDS = 5.0
SAMPLE_BYTES_PER_SECOND = 50e6


@dataclass(frozen=True)
class Patience:
    """What is known of a run before its child has run anything.

    Attributes:
        calibration, search, holdout: samples.
        weights: bytes of the model's files.
    """

    calibration: int
    search: int
    holdout: int
    weights: int

    def preparing(self, usual: float = 0.0) -> float:
        """Return the seconds that a child's set-up may take.

        Args:
            usual: seconds that it took before; 0 where it is the first.
        """
        least = LEAST_SECONDS + self.weights / BYTES_PER_SECOND
        if usual:
            return least + SLOWEST * usual
        sample = SAMPLE_SECONDS + self.weights / SAMPLE_BYTES_PER_SECOND
        return least + SETUP_SECONDS + self.search * sample

    def answering(self, request: Any, usual: float, metric_seconds: float) -> float:
        """Return the seconds that the answer to a request may take.

        Args:
            usual: seconds that the set-up took.
            metric_seconds: for one value of the metric on the search split; 0 for a mean of scores.
        """
        passes = 1 + (self.calibration + self.holdout) / max(1, self.search)
        models = 1
        asked = getattr(request, "seconds", 0.0)  # a round of training names its own
        if isinstance(request, Race):
            models, asked = len(request.configurations), request.max_seconds
        elif isinstance(request, Recheck):
            models, asked = len(request.floats) + 1, request.max_seconds
        one = LEAST_SECONDS + self.weights / BYTES_PER_SECOND
        one += passes * (SLOWEST * usual + METRIC_VALUES * metric_seconds)
        return models * one + float(asked)
