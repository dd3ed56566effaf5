"""The parent's end of the child process that builds and measures.

The child answers one request at a time over a socket pair, and is replaced when it crashes, hangs, spins or outgrows
its memory. The parent never imports OpenVINO and never dies of the child.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from autotune import hardware
from autotune.child import Child
from autotune.errors import UserError, WorkerDied
from autotune.protocol import Answer, Patience, Prepared, Refusal
from autotune.stages import StageFailed

POLL_SECONDS = 0.2
# A child that uses no processor time for this long hangs, whatever it was asked.
STALL_SECONDS = 300.0
MEMORY_SHARE = 0.85
# A child this full is replaced before the next request, so that what leaked is not charged to an innocent candidate.
FULL_SHARE = 0.6
GROWN = 2.0


class Runner:
    """Sends requests to a child, starting or replacing it when needed.

    Args:
        setup: the first request to every child (``protocol.Setup``, or that of another ``module``).
        log: file that receives the child's output (NNCF's and OpenVINO's chatter).
        memory_limit: bytes of resident memory above which the child is killed; by default 85 % of what this process
            may use.
        module: of the child, see ``Child``.
        first: a child that was started before, to be used first; it ends with the runner.
        environment: of the children, see ``Child``.
        patience: how long a request may take that is given no time of its own; by default as long as the child works.

    Attributes:
        restarts: how many children had to be replaced.
        starting_seconds: what starting all of them took, with their set-up. A request that finds none pays for it.
    """

    def __init__(
        self,
        setup: Any,
        log: Path,
        memory_limit: int | None = None,
        module: str = "autotune.worker",
        first: Child | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._patience = patience
        self._setup_seconds = 0.0
        self._metric_seconds = 0.0
        self._module = module
        self._environment = environment
        self._first = first
        self._setup = setup
        self._log = log
        self._memory_limit = memory_limit or int(hardware.usable_memory() * MEMORY_SHARE)
        self._memory_at_start = 0
        self._child: Child | None = None
        self.restarts = 0
        self.starting_seconds = 0.0
        self._started_once = False

    def prepare(self) -> Any:
        """Start the child and return its answer to the first request."""
        if self._child is not None:
            raise RuntimeError("the child is already prepared")
        return self._start()

    def call(self, request: Any, timeout: float | None = None) -> Any:
        """Return the child's answer to one request.

        Args:
            timeout: seconds; None for those of the runner's ``patience``.

        Raises:
            UserError: the child found a mistake of the user's.
            StageFailed: this candidate cannot be built, compiled or run.
            WorkerDied: the child crashed, took longer than ``timeout``, hung, or outgrew its memory.
        """
        if self._child is not None and self._is_full(self._child.pid):
            self.close()
        if self._child is None:
            self._start()
        if timeout is None and self._patience is not None:
            timeout = self._patience.answering(request, self._setup_seconds, self._metric_seconds)
        return self._exchange(request, timeout)

    def close(self) -> None:
        """End the child, if there is one."""
        for child in (self._child, self._first):
            if child is not None:
                child.close()
        self._child = self._first = None

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> Any:
        if self._started_once:
            self.restarts += 1
        self._started_once = True
        started = time.monotonic()
        self._child, self._first = self._first or Child(self._module, self._environment), None
        limit = None if self._patience is None else self._patience.preparing(self._setup_seconds)
        try:
            prepared = self._exchange(self._setup, limit, self._log)
        except (StageFailed, UserError):
            self.close()  # without its set-up this child can answer nothing
            raise
        finally:
            self.starting_seconds += time.monotonic() - started
        self._memory_at_start = _resident_bytes(self._child.pid)
        self._setup_seconds = max(self._setup_seconds, time.monotonic() - started)
        self._metric_seconds = prepared.metric_seconds if isinstance(prepared, Prepared) else 0.0
        return prepared

    def _is_full(self, pid: int) -> bool:
        used = _resident_bytes(pid)
        return used > FULL_SHARE * self._memory_limit and used > GROWN * self._memory_at_start

    def _exchange(self, request: Any, timeout: float | None, log: Path | None = None) -> Any:
        """Return the answer to a request; a new child is told its ``log`` before."""
        assert self._child is not None
        try:
            if log is not None:
                self._child.log_to(log)
            self._child.connection.send(request)
            self._wait(self._child, timeout)
            reply = self._child.connection.recv()
        except (EOFError, OSError) as error:
            code = self._reap()
            raise WorkerDied("crash", f"the measuring process ended with {_describe_exit(code)}") from error
        except BaseException:
            self.close()
            raise
        if isinstance(reply, Answer):
            return reply.value
        assert isinstance(reply, Refusal)
        if reply.user is not None:
            raise UserError(reply.user)
        assert reply.failure is not None
        raise StageFailed(reply.failure)

    def _wait(self, child: Child, timeout: float | None) -> None:
        started = worked_at = now = time.monotonic()
        until = math.inf if timeout is None else started + timeout
        worked = 0.0
        while not child.connection.poll(min(POLL_SECONDS, until - now)):
            now = time.monotonic()
            if now >= until:
                raise WorkerDied("timeout", f"the measuring process gave no answer within {timeout:.0f} s")
            spent = _processor_seconds(child.pid)
            if spent > worked:
                worked, worked_at = spent, now
            if now > worked_at + STALL_SECONDS:
                raise WorkerDied("timeout", f"hung: did nothing for {STALL_SECONDS:.0f} s")
            used = _resident_bytes(child.pid)
            if used > self._memory_limit:
                raise WorkerDied(
                    "memory", f"used {used / 2**30:.1f} GiB of {self._memory_limit / 2**30:.1f} GiB allowed"
                )

    def _reap(self) -> int:
        assert self._child is not None
        code = self._child.wait(seconds=5)
        self.close()
        return code


def _resident_bytes(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _processor_seconds(pid: int) -> float:
    """Return the processor time of a process and of those it started that have ended, in seconds."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _describe_exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
