"""``nncf.quantize_with_accuracy_control``: quantise, then revert operators until the search split's drop is small."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nncf
import openvino as ov

from benchmarks.peers.common import Result, Scoring, Task, run

VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "transformer": {"model_type": nncf.ModelType.TRANSFORMER},
}


def peer(task: Task, output: Path, arguments: Namespace) -> Result:
    scoring = Scoring(task)
    calibrated = 0

    def transform(index: int) -> dict[str, Any]:
        nonlocal calibrated
        calibrated += 1
        return scoring.calibration.row(index)

    def validate(compiled: Any, indices: Iterable[int]) -> tuple[float, list[float] | None]:
        return scoring.score(inference(compiled), list(indices))

    model = ov.Core().read_model(task.model)
    scoring.set_reference(inference(ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})))
    quantized = nncf.quantize_with_accuracy_control(
        model,
        calibration_dataset=nncf.Dataset(list(range(len(scoring.calibration))), transform),
        validation_dataset=nncf.Dataset(list(range(len(scoring.search))), scoring.search.row),
        validation_fn=validate,
        max_drop=arguments.max_drop,
        drop_type=nncf.DropType.RELATIVE,
        **VARIANTS[arguments.variant],
    )
    path = output / "model.xml"
    ov.save_model(quantized, path, compress_to_fp16=False)
    kept = sum(op.get_type_name() == "FakeQuantize" for op in quantized.get_ops())
    return Result(
        model=str(path),
        inferences=calibrated + scoring.inferences,
        evaluations=scoring.evaluations,
        did=f"accuracy control, {arguments.variant}, {kept} FakeQuantize left",
        versions={"nncf": nncf.__version__},
    )


def inference(compiled: Any) -> Any:
    """Return a function from one sample's inputs to its outputs by name."""
    request = compiled.create_infer_request()
    names = [port.get_any_name() if port.get_names() else str(i) for i, port in enumerate(compiled.outputs)]

    def infer(inputs: dict[str, Any]) -> dict[str, Any]:
        results = request.infer(inputs, share_inputs=True, share_outputs=False)
        return {name: results[i] for i, name in enumerate(names)}

    return infer


if __name__ == "__main__":
    run(peer, tuple(VARIANTS))
