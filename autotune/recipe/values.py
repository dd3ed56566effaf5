"""The small values inside a recipe: how each is written, checked and printed.

Every parser takes what a person writes (``1%``, ``3m``, ``5ms``), raises ``ValueError`` with the end of an error
sentence, and has a formatter that is its exact inverse.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError

from autotune.errors import suggest
from autotune.frozen import FrozenMap

_QUANTITY = re.compile(r"\s*([0-9.]+(?:e[+-]?[0-9]+)?)\s*([a-zA-Z%]*)\s*", re.ASCII)
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_BYTES = {"": 1.0, "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30}
_TIMES = {"": 1.0, "x": 1.0}
_MILLISECONDS = {"": 1.0, "ms": 1.0, "us": 1e-3, "s": 1000.0}


def problem(message: str, *key: str | int) -> PydanticCustomError:
    """Return an error for a pydantic validator to raise; ``key`` leads from the validated value to the culprit."""
    return PydanticCustomError("recipe", "{sentence}", {"sentence": message, "key": list(key)})


@dataclass(frozen=True)
class Drop:
    """How much of the metric may be lost.

    Attributes:
        value: a fraction of the float score when ``relative`` (0.01 is 1 %), else in the metric's own units.
    """

    value: float
    relative: bool

    def tolerance(self, score: float) -> float:
        """Return the drop allowed from the float ``score``, in the metric's own units."""
        return self.value * abs(score) if self.relative else self.value

    def __str__(self) -> str:
        return f"{number_text(percent(self.value))}%" if self.relative else number_text(self.value)


def percent(fraction: float) -> float:
    """Return the percentage that :func:`parse_drop` turns back into exactly ``fraction``."""
    guess = float(f"{fraction * 100:.12g}")
    return guess if guess / 100 == fraction else _exact(fraction, 100.0)


def parse_drop(raw: object) -> Drop:
    """Parse ``1%`` (of the float score) or ``0.01`` (the metric's own units).

    Raises:
        ValueError: not such a text, negative, not finite, or 100 % and more.
    """
    if isinstance(raw, Drop):
        return raw
    hint = "write a share of the float score such as '1%', or a number in the metric's units such as 0.01"
    if is_number(raw):
        value, relative = float(raw), False  # type: ignore[arg-type]
    else:
        match = re.fullmatch(r"\s*(\S+?)\s*(%?)\s*", raw) if isinstance(raw, str) else None
        try:
            value, relative = float(match[1] if match else "x"), bool(match and match[2])
        except ValueError:
            raise ValueError(f"{raw!r} is not a drop: {hint}") from None
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"must be zero or more and finite, not {raw}: {hint}")
    if relative and value >= 100:
        raise ValueError(f"{raw} would allow losing the whole score: give less than 100%")
    return Drop(value / 100 if relative else value, relative)


def parse_threads(raw: object) -> str | int:
    """Parse ``all`` (threads that the run may use), ``fewer`` (half of them, a quarter and so on to 1), or a number.

    Raises:
        ValueError: none of these.
    """
    if raw in ("all", "fewer") or (type(raw) is int and raw >= 1):
        return raw
    raise ValueError(f"{raw!r} is no number of threads: write all, fewer or a number from 1")


def parse_duration(raw: object) -> float:
    """Parse ``10m``, ``90s``, ``1.5h`` or a number of seconds; return seconds.

    Raises:
        ValueError: not a positive duration.
    """
    return _quantity(raw, _SECONDS, "duration", "'10m', '90s' or '1h'")


def parse_latency(raw: object) -> float:
    """Parse ``5ms``, ``800us`` or a number of milliseconds; return milliseconds.

    Raises:
        ValueError: not a positive latency.
    """
    return _quantity(raw, _MILLISECONDS, "latency", "'5ms' or '0.8ms'")


def parse_speedup(raw: object) -> float:
    """Parse ``1.5x`` or a number: how many times as fast as float f32.

    Raises:
        ValueError: not above 1.
    """
    times = _quantity(raw, _TIMES, "speedup", "'1.5x' or 2")
    if times <= 1:
        raise ValueError(f"must be above 1, which is float f32's own speed, not {raw}: write '1.5x'")
    return times


def parse_size(raw: object) -> int:
    """Parse ``25MB``, ``24MiB`` or a number of bytes; return bytes, rounded.

    Raises:
        ValueError: not a positive size.
    """
    size = round(_quantity(raw, _BYTES, "size", "'25MB' or '800kB'"))
    if size == 0:
        raise ValueError(f"must be at least one byte, not {raw}: write '25MB' or '800kB'")
    return size


def size_text(size: int) -> str:
    """Return the short text that :func:`parse_size` reads as exactly ``size``."""
    for unit, count in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size % count == 0:
            return f"{size // count}{unit}"
    return f"{size}B"


def duration_text(seconds: float) -> str:
    """Return the short text that :func:`parse_duration` reads as exactly ``seconds``."""
    for unit in ("h", "m"):
        count = seconds / _SECONDS[unit]
        if count == int(count) and count * _SECONDS[unit] == seconds:
            return f"{int(count)}{unit}"
    return f"{number_text(seconds)}s"


def speedup_text(times: float) -> str:
    """Return the text that :func:`parse_speedup` reads as exactly ``times``."""
    return f"{number_text(times)}x"


def latency_text(milliseconds: float) -> str:
    """Return the text that :func:`parse_latency` reads as exactly ``milliseconds``."""
    return f"{number_text(milliseconds)}ms"


def number_text(value: float) -> str:
    """Return the shortest text that reads as exactly ``value``, without a trailing ``.0``."""
    return repr(value).removesuffix(".0")


def unknown(what: str, raw: object, known: tuple[str, ...]) -> str:
    """Return ``unknown estimator 'mes'. Did you mean 'mse'?``; the known names when none is close."""
    begun = [name for name in known if isinstance(raw, str) and raw and name.startswith(raw)]
    hint = f"Did you mean '{begun[0]}'?" if len(begun) == 1 else suggest(str(raw), known)
    return f"unknown {what} {shown(raw)}. {hint}"


def shown(raw: object) -> str:
    """Return a value as the reader of an error message would recognise it."""
    if raw is None:
        return "nothing"
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, Mapping):
        return "a mapping"
    if isinstance(raw, list | tuple):
        return "a list"
    text = repr(raw)
    return text if len(text) <= 60 else f"{text[:57]}..."


def frozen(raw: object) -> Hashable:
    """Return an immutable copy of plain data: lists become tuples, mappings :class:`FrozenMap`."""
    if isinstance(raw, Mapping):
        return FrozenMap({key: frozen(value) for key, value in raw.items()})
    if isinstance(raw, list | tuple):
        return tuple(frozen(item) for item in raw)
    assert isinstance(raw, Hashable)
    return raw


def thawed(value: object) -> Any:
    """Return plain data again: the inverse of :func:`frozen`."""
    if isinstance(value, Mapping):
        return {key: thawed(item) for key, item in value.items()}
    return [thawed(item) for item in value] if isinstance(value, list | tuple) else value


def _quantity(raw: object, units: dict[str, float], what: str, example: str) -> float:
    if is_number(raw):
        value = float(raw)  # type: ignore[arg-type]
    else:
        match = _QUANTITY.fullmatch(raw) if isinstance(raw, str) else None
        if match is None or match[2].lower() not in units:
            raise ValueError(f"{shown(raw)} is not a {what}: write {example}")
        try:
            value = float(match[1]) * units[match[2].lower()]
        except ValueError:
            raise ValueError(f"{shown(raw)} is not a {what}: write {example}") from None
    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"must be above zero and finite, not {raw}: write {example}")
    return value


def is_number(raw: object) -> bool:
    return isinstance(raw, int | float) and not isinstance(raw, bool)


def _exact(target: float, divisor: float) -> float:
    """Return x near ``target * divisor`` with ``x / divisor == target``; division is monotone, so one is adjacent."""
    x = target * divisor
    while x / divisor < target:
        x = math.nextafter(x, math.inf)
    while x / divisor > target:
        x = math.nextafter(x, -math.inf)
    return x
