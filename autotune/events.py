"""What a run tells while it goes on."""

from __future__ import annotations

from typing import Protocol

from autotune.record import Trial


class Events(Protocol):
    """Receives the progress of a run."""

    def stage(self, text: str) -> None:
        """A new phase begins."""

    def note(self, text: str) -> None:
        """A sentence that the user must see: something was fixed, dropped or ran differently."""

    def trial(self, trial: Trial, best: Trial | None, done: int, total: int) -> None:
        """A trial ended.

        Args:
            best: the fastest within the tolerance so far, other than float f32; None while there is none.
            done: trials measured, of ``total``.
        """
