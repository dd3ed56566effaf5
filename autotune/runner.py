"""The parent's end of the child process that builds and measures.

The child is started with the environment it needs (an instruction set cap must be in place before OpenVINO is
imported), answers one request at a time over a socket pair, and is replaced when it crashes, hangs or outgrows its
memory. The parent never imports OpenVINO and never dies of the child.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from autotune.errors import AutotuneError, UserError, WorkerDied
from autotune.protocol import Answer, Refusal, Setup
from autotune.record import Failure

POLL_SECONDS = 0.2
STARTUP_SECONDS = 600.0


class TrialFailed(AutotuneError):
    """The child answered that this candidate cannot be built, compiled or run."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def default_memory_limit() -> int:
    """Bytes of resident memory that a child may use: 85 % of the machine's."""
    return int(psutil.virtual_memory().total * 0.85)


class Runner:
    """Sends requests to a child, starting or replacing it when needed.

    Args:
        setup: the first request to every child.
        log: file that receives the child's output (NNCF's and OpenVINO's chatter).
        environment: variables added to the child's environment.
        memory_limit: bytes of resident memory above which the child is killed.
    """

    def __init__(
        self, setup: Setup, log: Path, environment: Mapping[str, str] | None = None, memory_limit: int | None = None
    ) -> None:
        self._setup = setup
        self._log = log
        self._environment = dict(environment or {})
        self._memory_limit = memory_limit or default_memory_limit()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self.restarts = 0
        self._started_once = False

    def prepare(self) -> Any:
        """Start the child if needed and return its ``Prepared`` answer."""
        if self._process is not None:
            raise RuntimeError("the child is already prepared")
        return self._start()

    def call(self, request: Any, timeout: float) -> Any:
        """Return the child's answer to one request.

        Raises:
            UserError: the child found a mistake of the user's.
            TrialFailed: this candidate cannot be built, compiled or run.
            WorkerDied: the child crashed, took longer than ``timeout`` seconds, or outgrew its memory.
        """
        if self._process is None:
            self._start()
        return self._exchange(request, timeout)

    def close(self) -> None:
        """End the child, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> Any:
        if self._started_once:
            self.restarts += 1
        self._started_once = True
        ours, theirs = socket.socketpair()
        with self._log.open("ab") as log, theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "autotune.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is the parent's to handle
            )
        self._connection = Connection(ours.detach())
        try:
            return self._exchange(self._setup, STARTUP_SECONDS)
        except (TrialFailed, UserError):
            self.close()  # without its set-up this child can answer nothing
            raise

    def _exchange(self, request: Any, timeout: float) -> Any:
        assert self._connection is not None and self._process is not None
        try:
            self._connection.send(request)
            self._wait(timeout)
            reply = self._connection.recv()
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
        raise TrialFailed(reply.failure)

    def _wait(self, timeout: float) -> None:
        assert self._connection is not None and self._process is not None
        deadline = time.monotonic() + timeout
        while not self._connection.poll(POLL_SECONDS):
            if time.monotonic() > deadline:
                raise WorkerDied("timeout", f"no answer within {timeout:.0f} s")
            used = _resident_bytes(self._process.pid)
            if used > self._memory_limit:
                raise WorkerDied(
                    "memory", f"used {used / 2**30:.1f} GiB of {self._memory_limit / 2**30:.1f} GiB allowed"
                )

    def _reap(self) -> int:
        assert self._process is not None
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = -9
        self.close()
        return code


def _resident_bytes(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _describe_exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
