"""The progress bar of a search: trials, the best so far, the rate, and the time left. Fits 80 columns."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text


def search_progress(console: Console, deadline: float | None) -> Progress:
    """Return a bar whose task has ``trials`` as total and the best so far as description.

    Args:
        deadline: ``time.monotonic()`` at which the whole run is to be over; None without a timeout.
    """
    return Progress(
        SpinnerColumn(),
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
        _Rate(),
        _Left(deadline),
        console=console,
    )


class _Rate(ProgressColumn):
    """Trials per minute, of the last half minute."""

    def render(self, task: Task) -> Text:
        speed = task.speed
        return Text("" if speed is None else f"{60 * speed:.0f}/min", style="progress.data.speed")


class _Left(ProgressColumn):
    """The longest that the search still takes: until the trials are made, or the time of the run is up."""

    max_refresh = 0.5

    def __init__(self, deadline: float | None) -> None:
        super().__init__()
        self._deadline = deadline

    def render(self, task: Task) -> Text:
        if task.finished:
            return Text(f"in {clock(task.finished_time or 0.0)}", style="progress.elapsed")
        until = [] if task.time_remaining is None else [task.time_remaining]
        if self._deadline is not None:
            until.append(max(self._deadline - time.monotonic(), 0.0))
        return Text(f"<{clock(min(until))} left" if until else "", style="progress.remaining")


def clock(seconds: float) -> str:
    """Return ``0:07``, ``12:30`` or ``1:02:03``."""
    minutes, rest = divmod(int(seconds) + 1, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
