"""A child's loop: answer one request after another until the parent closes its end."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from autotune.child import speak_into
from autotune.errors import UserError, one_line
from autotune.protocol import Answer, Refusal
from autotune.record import Failure
from autotune.stages import StageFailed


class Handler(Protocol):
    """What a child is made into by its first request; ``prepared`` is the answer to it."""

    prepared: Any

    def handle(self, request: Any) -> Any:
        """Answer one further request."""


def serve(connection: Connection, make: Callable[[Any], Handler]) -> None:
    """Answer requests until the parent closes its end; what it says first is the path of the file to print into.

    Args:
        make: takes the first request.
    """
    handler: Handler | None = None
    try:
        speak_into(Path(connection.recv()))
    except EOFError:
        return  # nothing came of it
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        try:
            if handler is None:
                handler = make(request)
                gc.freeze()  # else every full collection looks at all that was imported, which stays
                connection.send(Answer(handler.prepared))
            else:
                connection.send(Answer(handler.handle(request)))
        except UserError as error:
            connection.send(Refusal(user=str(error)))
        except StageFailed as error:
            connection.send(Refusal(failure=error.failure))
        except Exception as error:  # noqa: BLE001 - whatever happens here costs one trial
            traceback.print_exc()  # into run.log
            connection.send(Refusal(failure=Failure("worker", "error", one_line(error))))
