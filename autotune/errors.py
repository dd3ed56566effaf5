"""Exceptions of autotune.

AutotuneError
├── UserError            the user can mend it: one sentence, exit code 2
└── WorkerDied           the child process crashed, hung or outgrew its memory: costs one trial
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AutotuneError(Exception):
    """Base of every exception that autotune raises on purpose."""


class UserError(AutotuneError):
    """A mistake the user can mend.

    The message is one clear sentence: what is wrong, where (file, key, line), what to do.
    """


class WorkerDied(AutotuneError):
    """The child process ended without an answer.

    Attributes:
        kind: ``crash``, ``timeout`` or ``memory``.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def suggest(wrong: str, known: Iterable[str]) -> str:
    """Return ``Did you mean 'x'?`` or the list of known names, to end an error message with."""
    names = sorted(known)
    close = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{close[0]}'?"
    return f"Known: {', '.join(names)}."


def one_line(error: BaseException) -> str:
    """Return an exception as one short line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"
