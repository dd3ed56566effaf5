"""How long things took, so that OpenVINO's part and what we add to it can be told apart."""

from __future__ import annotations

import time


class Stopwatch:
    """Adds up wall seconds.

    Attributes:
        seconds: so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started = 0.0

    def running(self) -> Stopwatch:
        """Count what happens inside, as a context; not to be nested."""
        return self

    def __enter__(self) -> None:  # no generator: it is asked three times per inference
        self._started = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.monotonic() - self._started
