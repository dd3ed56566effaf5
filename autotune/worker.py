"""The child process that builds and measures. Started by ``runner``; answers ``protocol`` requests until its end."""

from __future__ import annotations

import gc
import sys
import traceback
from multiprocessing.connection import Connection

from autotune.errors import UserError, one_line
from autotune.protocol import Answer, Refusal, Setup
from autotune.record import Failure
from autotune.stages import StageFailed
from autotune.workshop import Workshop


def serve(connection: Connection) -> None:
    """Answer requests until the parent closes its end."""
    workshop: Workshop | None = None
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        try:
            if isinstance(request, Setup):
                workshop = Workshop(request)
                gc.freeze()  # else every full collection looks at all that was imported, which stays
                connection.send(Answer(workshop.prepared))
            else:
                assert workshop is not None
                connection.send(Answer(workshop.handle(request)))
        except UserError as error:
            connection.send(Refusal(user=str(error)))
        except StageFailed as error:
            connection.send(Refusal(failure=error.failure))
        except Exception as error:  # noqa: BLE001 - whatever happens here costs one trial
            traceback.print_exc()  # into run.log
            connection.send(Refusal(failure=Failure("worker", "error", one_line(error))))


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
