"""Numbers in sentences: significant digits without powers of ten, wherever a person would write them so."""

from __future__ import annotations

import math

# Beyond these a power of ten is shorter to read than zeros.
_SMALLEST, _LARGEST = 1e-7, 1e12


def digits(value: float, count: int = 3) -> str:
    """Return a number with so many significant digits, all of those before the point, and no zeros at its end."""
    if not math.isfinite(value) or value == 0 or not _SMALLEST <= abs(value) < _LARGEST:
        return f"{value + 0.0:.{count}g}"
    decimals = max(count - 1 - math.floor(math.log10(abs(value))), 0)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def drop_words(drop: float) -> str:
    """Return a drop as a part of a sentence; what sums of floats leave behind the last digit is none."""
    if abs(drop) < 1e-12:
        return "no drop"
    return f"drop {'+' if drop > 0 else ''}{digits(drop)}"
