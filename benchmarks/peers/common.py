"""What every peer's script shares: its task, scoring on the search split with inferences counted, and its result.

A script is run as ``python PEER.py TASK.json OUTPUT [--variant V] [--max-drop D]`` with the project's root on the
Python path, in the peer's environment: of autotune only the metrics and data values are used there. It sees the
calibration and the search split, never the holdout. Whatever it raises becomes the result's ``failure``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotune.data import Dataset
from autotune.tasks.metrics import METRICS

Array = NDArray[Any]
Outputs = Mapping[str, Array]
RESULT = "result.json"


@dataclass(frozen=True)
class Task:
    """What a peer is given.

    Attributes:
        model: OpenVINO IR, as ``ov.convert_model`` gives it, static shapes.
        onnx: the model as ONNX, or None where there is none.
        data: npz with the splits ``calibration`` and ``search``.
        metric, output: the metric's name, and the output it scores (None: the only one).
        threads: for inference.
    """

    name: str
    model: str
    onnx: str | None
    data: str
    metric: str
    output: str | None
    threads: int


@dataclass
class Result:
    """What a peer hands back.

    Attributes:
        model: path of the model that it ships; empty when there is none.
        runtime: what it is made for, ``openvino`` or ``onnxruntime``.
        inferences: of single samples: calibration and scoring. What a tool runs out of sight (Olive's and Neural
            Compressor's own timing) is in ``note``.
        did: what was done, in a few words. failure: why there is no model.
        first_seconds: until a model that is faster than float f32 and within the tolerance on the search split was in
            hand. overhead: share of the time that is neither inference nor compilation nor timing. Of autotune only.
    """

    model: str = ""
    runtime: str = "openvino"
    seconds: float = 0.0
    inferences: int = 0
    evaluations: int = 0
    did: str = ""
    failure: str = ""
    note: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    first_seconds: float | None = None
    overhead: float | None = None


class Scoring:
    """Scores a model on the search split with autotune's own metric, and counts the inferences that this takes."""

    def __init__(self, task: Task) -> None:
        self.calibration = read_split(Path(task.data), "calibration")
        self.search = read_split(Path(task.data), "search")
        self.metric = METRICS[task.metric](task.output)
        self.inferences = 0
        self.evaluations = 0
        self._reference: dict[str, Array] | None = None

    def set_reference(self, infer: Callable[[dict[str, Array]], Outputs]) -> None:
        """Record the float model's outputs, for a metric that compares with them."""
        if self.metric.needs_reference:
            self._reference = self.outputs(infer, range(len(self.search)))

    def outputs(self, infer: Callable[[dict[str, Array]], Outputs], indices: Iterable[int]) -> dict[str, Array]:
        """Return a model's outputs for samples of the search split."""
        rows = [{k: np.array(v) for k, v in infer(self.search.row(index)).items()} for index in indices]
        self.inferences += len(rows)
        return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}

    def score(
        self, infer: Callable[[dict[str, Array]], Outputs], indices: Sequence[int] | None = None
    ) -> tuple[float, list[float] | None]:
        """Return the metric, and each sample's score where the metric is their mean."""
        chosen = list(range(len(self.search))) if indices is None else list(indices)
        outputs = self.outputs(infer, chosen)
        self.evaluations += len(chosen) == len(self.search)
        labels = None if self.search.labels is None else self.search.labels[chosen]
        reference = None
        if self._reference is not None:  # by position: a peer may rename outputs
            order = zip(outputs, self._reference.values(), strict=True)
            reference = {name: values[chosen] for name, values in order}
        scores = self.metric.per_sample(outputs, labels, reference)
        return self.metric.value(scores, labels), scores.tolist() if self.metric.is_mean else None


def read_split(path: Path, split: str) -> Dataset:
    """Read one split of an npz that ``autotune.data.save`` wrote."""
    with np.load(path, allow_pickle=False) as archive:
        inputs = {k.split("/", 2)[2]: archive[k] for k in archive.files if k.startswith(f"{split}/inputs/")}
        labels = archive[f"{split}/labels"] if f"{split}/labels" in archive.files else None
        groups = archive[f"{split}/groups"] if f"{split}/groups" in archive.files else None
    return Dataset(inputs, labels, groups)


def run(peer: Callable[[Task, Path, argparse.Namespace], Result], variants: Sequence[str] = ("",)) -> None:
    """Read the command line, run the peer, write result.json; a failure is a result too."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--variant", choices=variants, default=variants[0])
    parser.add_argument("--max-drop", type=float, default=0.01, help="relative to the float score")
    arguments = parser.parse_args()
    task = Task(**json.loads(arguments.task.read_text()))
    output = arguments.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    os.chdir(output)  # some peers leave files where they are run
    started = time.perf_counter()
    try:
        result = peer(task, output, arguments)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - some peers call exit(); any failure is a row
        traceback.print_exc()
        result = Result(failure=f"{type(error).__name__}: {' '.join(str(error).split())}"[:400])
    result.seconds = round(time.perf_counter() - started, 2)
    (output / RESULT).write_text(json.dumps(asdict(result), indent=1) + "\n")
