"""Numbers of things in sentences."""

from __future__ import annotations


def counted(value: int, noun: str, plural: str = "") -> str:
    """Return ``1 trial`` or ``1,200 trials``; ``plural`` where it is not the noun with an s."""
    return f"{value:,} {named(value, noun, plural)}"


def named(value: int, noun: str, plural: str = "") -> str:
    """Return what so many are called: ``trial`` or ``trials``."""
    return noun if value == 1 else plural or noun + "s"
