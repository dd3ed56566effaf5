"""Values as JSON can hold them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def plain(value: Any, odd: Callable[[float], str | None]) -> Any:
    """Return lists for tuples, all the way down, and ``odd`` of the numbers that JSON does not know."""
    if isinstance(value, dict):
        return {key: plain(item, odd) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, odd) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return odd(value)
    return value
