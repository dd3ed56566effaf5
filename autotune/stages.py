"""Which stage of a candidate failed, and how."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from autotune.errors import AutotuneError, UserError, WorkerDied, one_line
from autotune.record import Failure


class StageFailed(AutotuneError):
    """A candidate cannot be built, compiled or run; raised in the child, and again in the parent that asked."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Turn any exception but a user's mistake into ``StageFailed`` of this stage."""
    try:
        yield
    except (UserError, StageFailed):
        raise
    except Exception as error:
        traceback.print_exc()  # into run.log
        kind = "memory" if isinstance(error, MemoryError) else "error"
        raise StageFailed(Failure(name, kind, one_line(error))) from error


def failure_of(error: StageFailed | WorkerDied) -> Failure:
    """Return what a candidate's trial records of the error that ended it."""
    if isinstance(error, StageFailed):
        return error.failure
    return Failure("worker", error.kind, str(error))
