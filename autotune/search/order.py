"""What comes first: of plain configurations, and of the choices that are varied."""

from __future__ import annotations

from autotune.configuration import Configuration
from autotune.space import Kind

# What to vary: to get within the tolerance, and to get faster once there.
FOR_ACCURACY: tuple[Kind, ...] = (
    "estimator", "compression-of-all", "preset", "placement", "form", "form-detail", "symmetry", "bias-correction",
    "overflow-fix", "weights", "compression", "compression-detail", "operators", "precision", "bf16",
)  # fmt: skip
FOR_SPEED: tuple[Kind, ...] = (
    "compression", "form", "bf16", "precision", "preset", "placement", "symmetry", "operators", "form-detail",
    "compression-detail", "estimator", "weights", "bias-correction", "overflow-fix", "compression-of-all",
)  # fmt: skip


def likely_first(plain: Configuration) -> tuple[bool, bool]:
    """Sort plain configurations: floats need no observation; NNCF's transformer setting loses less than its default."""
    q = plain.quantization
    return q is not None, q is not None and q.placement != "transformer"
