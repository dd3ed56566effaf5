"""How long things took, so that OpenVINO's part and what we add to it can be told apart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up wall seconds.

    Attributes:
        seconds: so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what happens inside; not to be nested."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - started
