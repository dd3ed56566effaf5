"""How much of these CPUs other processes use while something is timed."""

from __future__ import annotations

import os
import time
from types import TracebackType
from typing import Self

import psutil

# Of the threads that are timed, what others may take of their CPUs unnoticed.
_SHARE = 0.15


class Others:
    """Measures, between entering and leaving, the CPUs that other processes kept busy.

    Interrupts and what a hypervisor gives to other machines count too. Only CPUs that this process may run on do.

    Attributes:
        cpus: kept busy by others, on average; 0 until it is left, and where the system does not tell.
        allowed: CPUs that this process may run on.
    """

    def __init__(self) -> None:
        self.cpus = 0.0
        affinity = getattr(os, "sched_getaffinity", None)  # not on every system
        self._allowed = sorted(affinity(0)) if affinity else list(range(os.cpu_count() or 1))
        self.allowed = len(self._allowed)

    def __enter__(self) -> Self:
        self._wall, self._own, self._busy = time.perf_counter(), time.process_time(), self._busy_seconds()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        wall, own = time.perf_counter() - self._wall, time.process_time() - self._own
        self.cpus = max(0.0, (self._busy_seconds() - self._busy - own) / max(wall, 1e-9))

    def _busy_seconds(self) -> float:
        """Seconds since the start of the system, of all allowed CPUs together."""
        times = psutil.cpu_times(percpu=True)
        # Guests' time is in "user" and "nice" already.
        idle = ("idle", "iowait", "guest", "guest_nice")
        found = [times[cpu]._asdict() for cpu in self._allowed if cpu < len(times)]
        return float(sum(seconds for cpu in found for state, seconds in cpu.items() if state not in idle))


def disturbance(others: float, allowed: int, threads: int) -> str:
    """Return a sentence where others left too little of the CPUs for ``threads``; empty where they did not.

    Args:
        others, allowed: see :class:`Others`.
    """
    if others <= allowed - threads + _SHARE * threads:
        return ""
    return (
        f"While the finalists were timed, other processes kept {others:.1f} of {allowed} CPUs busy: on a quiet machine "
        "speeds may differ, above all between numbers of threads."
    )
