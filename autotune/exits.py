"""How a command ends: exit codes, and exceptions as one sentence."""

from __future__ import annotations

import errno
import traceback
from pathlib import Path

import typer

from autotune.errors import AutotuneError, UserError

EXIT_USER_ERROR = 2
EXIT_CONSTRAINT_UNMET = 3
EXIT_INTERRUPTED = 130


class Errors:
    """Turns exceptions into one sentence and the documented exit code.

    Attributes:
        begun: a file that is there once a run can be continued; None where nothing can.
    """

    def __init__(self, debug: bool) -> None:
        self._debug = debug
        self.begun: Path | None = None

    def __enter__(self) -> Errors:
        import signal

        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill ends like Ctrl-C
        return self

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if error is None or isinstance(error, (SystemExit, typer.Exit)):
            return
        if self._debug:
            traceback.print_exception(error)
        if isinstance(error, KeyboardInterrupt):
            goes_on = self.begun is not None and self.begun.exists()
            hint = "; run again with --resume and the same --output to continue" if goes_on else ""
            typer.echo(f"Interrupted{hint}.", err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from None
        if isinstance(error, UserError):
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(EXIT_USER_ERROR) from None
        if _disk_full(error):
            typer.echo("Error: the disk is full; free some space and continue with --resume.", err=True)
            raise typer.Exit(EXIT_USER_ERROR) from None
        if isinstance(error, AutotuneError) and not self._debug:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(1) from None


def _disk_full(error: BaseException) -> bool:
    """True for a full disk, also where SQLite or numpy met it."""
    return getattr(error, "errno", None) == errno.ENOSPC or "disk is full" in str(error)
