"""What Olive loads by name: the data of calibration and timing, and the evaluation of a candidate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from olive.data.component.dataset import BaseDataset
from olive.data.registry import Registry

from benchmarks.peers.common import Scoring, Task, read_split
from benchmarks.peers.onnx_sessions import count, inference


class _Samples(BaseDataset):
    """Samples without their batch axis (Olive's loader adds it), and a label that nobody reads."""

    def __init__(self, data: Any) -> None:
        super().__init__(data)

    def __getitem__(self, index: int) -> tuple[dict[str, Any], int]:
        return {name: values[index] for name, values in self.data.inputs.items()}, 0


@Registry.register_dataset()
def calibration_samples(data: str, **_options: Any) -> _Samples:
    return _Samples(read_split(Path(data), "calibration"))


def evaluate(model: Any, _device: Any, _providers: Any, task: str, counter: str) -> dict[str, float]:
    """Return a candidate's metric on the search split."""
    asked = Task(**json.loads(Path(task).read_text()))
    scoring = Scoring(asked)
    assert asked.onnx is not None
    scoring.set_reference(inference(asked.onnx, asked.threads))
    score, _ = scoring.score(inference(model.model_path, asked.threads))
    count(Path(counter), 1)
    return {"score": score}
