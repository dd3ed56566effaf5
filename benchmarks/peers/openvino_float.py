"""The float model as it is; the judge compiles it in f32 and with OpenVINO's default precision."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from benchmarks.peers.common import Result, Task, run


def peer(task: Task, _output: Path, _arguments: Namespace) -> Result:
    return Result(model=task.model, did="nothing")


if __name__ == "__main__":
    run(peer)
