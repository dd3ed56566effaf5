"""Intervals and bounds, as pure functions of numpy arrays.

A *drop* is how much worse a candidate scores than the float model on the same samples; positive is worse.
"""

from autotune.stats.clusters import Clusters, t_errors
from autotune.stats.drops import (
    JACKKNIFE_GROUPS,
    RESAMPLES_CORPUS,
    DropBound,
    drop_error,
    drop_lower,
    drop_upper,
    samples_needed,
)
from autotune.stats.medians import median_interval, values_needed
from autotune.stats.paired import paired_upper
from autotune.stats.pairs import Scores, Value
from autotune.stats.sequential import DropTest

__all__ = [
    "JACKKNIFE_GROUPS",
    "RESAMPLES_CORPUS",
    "Clusters",
    "DropBound",
    "DropTest",
    "Scores",
    "Value",
    "drop_error",
    "drop_lower",
    "drop_upper",
    "median_interval",
    "paired_upper",
    "samples_needed",
    "t_errors",
    "values_needed",
]
