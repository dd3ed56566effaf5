"""What a wrong name may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

NAMES_SHOWN = 8


def hint(wrong: str, known: Iterable[str]) -> str:
    """Like ``errors.suggest``, but does not list hundreds of names."""
    names = list(known)
    close = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{close[0]}'?"
    if not names:
        return "It has none."
    rest = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return f"It has {', '.join(names[:NAMES_SHOWN])}{rest}."
