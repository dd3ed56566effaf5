"""Times many models together: in interleaved rounds, in one process.

    python -m benchmarks.race REQUEST.json

What else a machine does changes ratios too, not only times: int8 PP-LCNet was 1.9x of float f32 in a quiet minute and
2.2x in a busy one. So models that are compared with one another must have been timed in the same rounds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autotune.measure.latency import rounds
from autotune.stats import median_interval
from benchmarks.peers.common import read_split
from benchmarks.runtimes import Inputs, Model, OnnxRuntimeModel, OpenVinoModel, caller

MOST_ROUNDS = 400


@dataclass(frozen=True)
class Entry:
    """A model, its runtime, and the compile properties where that is OpenVINO.

    Attributes:
        best_float: which entry is the best float within the tolerance that this one was made for.
    """

    model: str
    properties: Mapping[str, str]
    best_float: int = 0
    runtime: str = "openvino"


@dataclass(frozen=True)
class Entries:
    """Who is timed on which samples; the first is float f32.

    Attributes:
        threads: of ONNX Runtime.
    """

    entries: tuple[Entry, ...]
    threads: int
    holdout: str
    seconds: float
    confidence: float


def against(table: NDArray[np.float64], references: Sequence[int], confidence: float) -> list[dict[str, float]]:
    """Return the speed of each column over its reference.

    Args:
        table: milliseconds, (rounds, models).
        references: which column that is, for each.
    """
    ratios = (table[:, list(references)] / table).T.tolist()
    return [asdict(median_interval(column, confidence)) for column in ratios]


def race(request: Entries) -> dict[str, Sequence[object]]:
    """Time all of them."""
    data = read_split(Path(request.holdout), "holdout")
    callers = [caller(_model(entry, request.threads, data.row(0)), data) for entry in request.entries]
    table = rounds(callers, MOST_ROUNDS, request.seconds, request.confidence)
    return {
        "speed": against(table, [0] * len(callers), request.confidence),
        "speed_best_float": against(table, [e.best_float for e in request.entries], request.confidence),
        "milliseconds": np.median(table, axis=0).tolist(),
    }


def _model(entry: Entry, threads: int, sample: Inputs) -> Model:
    if entry.runtime == "onnxruntime":
        return OnnxRuntimeModel(entry.model, threads)
    return OpenVinoModel(entry.model, entry.properties, sample)


def main() -> None:
    file = Path(sys.argv[1])
    asked = json.loads(file.read_text())
    entries = tuple(Entry(**entry) for entry in asked.pop("entries"))
    file.with_suffix(".answer.json").write_text(json.dumps(race(Entries(entries, **asked))))


if __name__ == "__main__":
    main()
