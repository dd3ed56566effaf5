"""``nncf.quantize`` with one stock setting: what most people ship."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import nncf
import openvino as ov

from benchmarks.peers.common import Result, Scoring, Task, run

SUBSET = 300  # NNCF's own default
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "mixed": {"preset": nncf.QuantizationPreset.MIXED},
    "transformer": {"model_type": nncf.ModelType.TRANSFORMER},
}


def peer(task: Task, output: Path, arguments: Namespace) -> Result:
    scoring = Scoring(task)
    data = scoring.calibration
    count = 0

    def transform(index: int) -> dict[str, Any]:
        nonlocal count
        count += 1
        return data.row(index)

    model = ov.Core().read_model(task.model)
    dataset = nncf.Dataset(list(range(len(data))), transform)
    quantized = nncf.quantize(model, dataset, subset_size=SUBSET, **VARIANTS[arguments.variant])
    path = output / "model.xml"
    ov.save_model(quantized, path, compress_to_fp16=False)
    did = f"nncf.quantize, {arguments.variant}"
    return Result(model=str(path), inferences=count, did=did, versions={"nncf": nncf.__version__})


if __name__ == "__main__":
    run(peer, tuple(VARIANTS))
