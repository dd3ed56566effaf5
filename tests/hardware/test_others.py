"""What other processes take of the CPUs while something is timed."""

from __future__ import annotations

import subprocess
import sys
import time

from autotune.others import Others, disturbance


def test_another_process_is_seen_and_ones_own_work_is_not() -> None:
    """More may run here than this test starts; so only what it adds is looked at, and the most of a few tries."""
    found = []
    for _ in range(3):
        busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            time.sleep(0.2)
            with Others() as others:
                time.sleep(0.5)
        finally:
            busy.kill()
            busy.wait()
        found.append(others.cpus)
    assert max(found) > 0.3
    assert others.allowed >= 1


def test_only_what_leaves_too_little_is_told() -> None:
    assert disturbance(0.2, allowed=2, threads=2) == ""
    assert disturbance(0.9, allowed=2, threads=2).startswith(
        "While the finalists were timed, other processes kept 0.9 of 2"
    )
    assert disturbance(30.0, allowed=64, threads=2) == ""
    assert disturbance(1.0, allowed=2, threads=1) == ""
