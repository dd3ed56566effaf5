"""Where a size is asked for that the float model exceeds, float weights are stored as f16 from the start."""

from __future__ import annotations

from autotune import recipe
from autotune.space.public import Narrowed


def halved(space: recipe.Space, size: int, max_size: int | None) -> Narrowed:
    """Leave f16 alone where it may make a candidate small enough: it is measured as it would be written.

    Args:
        size: bytes of the float model's constants. max_size: that were asked for; None for no limit.
    """
    if max_size is None or size <= max_size or len(space.float_weights) == 1:
        return Narrowed(space, "")
    return Narrowed(
        space.model_copy(update={"float_weights": ("f16",)}),
        "Float weights are stored as f16 in all candidates but float f32, which is larger than asked.",
    )
