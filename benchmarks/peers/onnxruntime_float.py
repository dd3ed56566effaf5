"""The float model in ONNX Runtime: tells what the other runtime contributes to the peers that are made for it."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from benchmarks.peers.common import Result, Task, run


def peer(task: Task, _output: Path, _arguments: Namespace) -> Result:
    assert task.onnx is not None
    return Result(model=task.onnx, runtime="onnxruntime", did="nothing")


if __name__ == "__main__":
    run(peer)
