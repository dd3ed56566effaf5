"""Neural Compressor's last version with strategies for ONNX: ``basic`` until the search split's drop is small.

``operators`` is its default format, quantised operators of ONNX Runtime's own; ``qdq`` is the one that others read too.
"""

from __future__ import annotations

import random
from argparse import Namespace
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from autotune.data import Dataset
from benchmarks.peers.common import Result, Scoring, Task, run
from benchmarks.peers.onnx_sessions import inference

FORMATS = {"operators": "default", "qdq": "QDQ"}


class Loader:
    """Calibration samples one by one, as Neural Compressor asks for them: inputs and a label that it ignores."""

    batch_size = 1

    def __init__(self, data: Dataset, names: list[str]) -> None:
        self._data, self._names = data, names
        self.served = 0

    def __iter__(self) -> Iterator[tuple[Any, int]]:
        for index in range(len(self._data)):
            self.served += 1
            row = self._data.row(index)
            yield (row[self._names[0]] if len(self._names) == 1 else row), 0


def peer(task: Task, output: Path, arguments: Namespace) -> Result:
    from neural_compressor import PostTrainingQuantConfig, quantization
    from neural_compressor.config import AccuracyCriterion, TuningCriterion

    assert task.onnx is not None
    random.seed(0)
    np.random.seed(0)
    scoring = Scoring(task)
    scoring.set_reference(inference(task.onnx, task.threads))
    model = onnx.load(task.onnx)
    loader = Loader(scoring.calibration, [port.name for port in model.graph.input])
    config = PostTrainingQuantConfig(
        approach="static",
        quant_level=1,
        quant_format=FORMATS[arguments.variant],
        calibration_sampling_size=len(scoring.calibration),
        accuracy_criterion=AccuracyCriterion(criterion="relative", tolerable_loss=arguments.max_drop),
        tuning_criterion=TuningCriterion(strategy="basic", timeout=0),
    )
    found = quantization.fit(
        task.onnx,
        config,
        calib_dataloader=loader,
        eval_func=lambda candidate: scoring.score(inference(candidate.SerializeToString(), task.threads))[0],
    )
    facts: dict[str, Any] = {
        "inferences": scoring.inferences + loader.served,
        "evaluations": scoring.evaluations,
        "versions": {"neural-compressor": version("neural-compressor"), "onnxruntime": version("onnxruntime")},
    }
    if found is None:
        return Result(failure="it found no model", **facts)
    path = output / "model.onnx"
    found.save(str(path))
    nodes = [node.op_type for node in onnx.load(str(path)).graph.node]
    kept = sum("QLinear" in kind or kind in {"DequantizeLinear", "MatMulInteger"} for kind in nodes)
    did = f"basic, {kept} int8 nodes of {len(nodes)}"
    return Result(model=str(path), runtime="onnxruntime", did=did, **facts)


if __name__ == "__main__":
    run(peer, tuple(FORMATS))
