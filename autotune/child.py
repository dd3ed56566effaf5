"""A process that serves requests on a socket: started, told where its output belongs, ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path


class Child:
    """A child process; it begins by importing what it needs, which takes a second that its parent may use.

    It is started with the environment of this moment: an instruction set cap must be in place before OpenVINO is
    imported. What it prints is kept until it is told where it belongs, :meth:`log_to`.

    Attributes:
        connection: the parent's end; what it says first is the log's path, see ``serving.serve``.
    """

    def __init__(self, module: str = "autotune.worker", environment: Mapping[str, str] | None = None) -> None:
        """Start it.

        Args:
            module: of the child; it serves requests on the socket whose number it is given.
            environment: further variables; those that are set already stay as they are.
        """
        ours, theirs = socket.socketpair()
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it is there as long as the child
        self._log: Path | None = None
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=self._said,
                env={**(environment or {}), **os.environ},
                start_new_session=True,  # Ctrl-C is the parent's to handle
            )
        self.connection = Connection(ours.detach())

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def log_to(self, log: Path) -> None:
        """Tell the child to append what it printed and will print to a file.

        Raises:
            OSError: it has ended.
        """
        self._log = log
        self.connection.send(str(log))

    def wait(self, seconds: float) -> int:
        """Return the exit code of a child that ends; -9 if it does not within ``seconds``."""
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return -9

    def close(self) -> None:
        """End it, if it has not; what it printed before it could read of its log comes into that."""
        self.connection.close()
        self._process.kill()
        self._process.wait()
        if self._said.closed:
            return
        with self._said:
            left = os.fstat(self._said.fileno()).st_size
            if self._log is not None and left:
                with self._log.open("ab") as log:
                    log.write(os.pread(self._said.fileno(), left, 0))


def speak_into(log: Path) -> None:
    """Send this process's output to the end of a file, beginning with what it printed so far into another."""
    sys.stdout.flush()
    sys.stderr.flush()
    with log.open("ab") as file:
        file.write(os.pread(1, os.fstat(1).st_size, 0))
        file.flush()
        os.ftruncate(1, 0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
