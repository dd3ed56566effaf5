"""What libraries say of themselves in this process: kept off the screen, and put into the run's log."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path


class _Sink(io.TextIOBase):
    """Takes text until somebody wants it. Libraries keep the stream that they find when they are imported."""

    def __init__(self) -> None:
        self._said: list[str] = []

    def write(self, text: str, /) -> int:
        self._said.append(text)
        return len(text)

    def drained(self) -> str:
        said, self._said = "".join(self._said), []
        return said


_SINK = _Sink()


@contextlib.contextmanager
def caught() -> Iterator[None]:
    """Keep what is written to stderr, and what the libraries imported meanwhile will log later."""
    with contextlib.redirect_stderr(_SINK):
        yield


def add(text: str) -> None:
    """Keep what another process said."""
    _SINK.write(text)


def write_to(log: Path) -> None:
    """Append all that was kept to a file."""
    if said := _SINK.drained():
        with log.open("a", encoding="utf-8") as file:
            file.write(said)
