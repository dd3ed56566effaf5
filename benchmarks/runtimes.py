"""Runs one model for the judge: outputs on the holdout, and speed as pairs interleaved with float f32.

    python -m benchmarks.runtimes REQUEST.json

Run in its own process, in the environment of the runtime that the model is made for. ONNX Runtime's models are timed
against OpenVINO's float f32 in one process, pair by pair, as all others are; its idle threads are told to stop after
each inference, since they would otherwise spin through the other side's turn. Both get their inputs bound beforehand:
what their Python bindings take to look at a dictionary is not the runtime's time.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from autotune.data import Dataset
from autotune.measure.latency import measure_pairs
from autotune.record import Interval
from benchmarks.peers.common import read_split

Inputs = Mapping[str, NDArray[Any]]
SAMPLES = 16


@dataclass(frozen=True)
class Request:
    """What to run.

    Attributes:
        model: path; ``runtime``: ``openvino`` or ``onnxruntime``; ``properties``: compile properties of OpenVINO.
        float_model, float_properties: float f32; best_float_properties: the best float, None where it is f32.
        holdout: npz. output: npz for the outputs, by position (``0``, ``1``, ...).
        seconds: for each series of pairs; 0 for none.
    """

    model: str
    runtime: str
    properties: dict[str, str]
    float_model: str
    float_properties: dict[str, str]
    best_float_properties: dict[str, str] | None
    holdout: str
    output: str
    threads: int
    seconds: float
    confidence: float


@dataclass(frozen=True)
class Answer:
    """Speed against float f32 and against the best float; milliseconds of one inference, the median.

    Attributes:
        precision: what the runtime says it computes floats in.
    """

    speed: Interval | None
    speed_best_float: Interval | None
    milliseconds: float | None
    float_milliseconds: float | None
    outputs: tuple[str, ...]
    precision: str
    version: str


class Model(Protocol):
    names: tuple[str, ...]
    precision: str
    version: str

    def infer(self, inputs: Inputs) -> list[NDArray[Any]]: ...
    def caller(self, samples: Sequence[Inputs]) -> Callable[[], object]: ...


class OpenVinoModel:
    """A model compiled with the given properties and nothing else."""

    version = f"openvino {ov.__version__.split('-')[0]}"

    def __init__(self, path: str, properties: Mapping[str, str], sample: Inputs) -> None:
        core = ov.Core()
        model = core.read_model(path)
        if any(port.partial_shape.is_dynamic for port in model.inputs):
            model.reshape({name: list(values.shape) for name, values in sample.items()})
        self._places = {name: place for place, port in enumerate(model.inputs) for name in port.get_names()}
        self._compiled = core.compile_model(model, "CPU", {**properties, "CACHE_DIR": ""})
        self._request = self._compiled.create_infer_request()
        self.precision = str(self._compiled.get_property("INFERENCE_PRECISION_HINT").to_string())
        ports = self._compiled.outputs
        self.names = tuple(p.get_any_name() if p.get_names() else p.get_node().get_friendly_name() for p in ports)

    def infer(self, inputs: Inputs) -> list[NDArray[Any]]:
        results = self._request.infer(dict(inputs), share_inputs=True, share_outputs=False)
        return [results[i] for i in range(len(self.names))]

    def caller(self, samples: Sequence[Inputs]) -> Callable[[], object]:
        bound = [
            [(self._places[name], ov.Tensor(np.ascontiguousarray(values))) for name, values in sample.items()]
            for sample in samples
        ]
        turns, request = itertools.cycle(bound), self._request

        def run() -> None:
            for place, tensor in next(turns):
                request.set_input_tensor(place, tensor)
            request.infer(share_outputs=True)

        return run


class OnnxRuntimeModel:
    """An ONNX Runtime session, with all its optimisations."""

    precision = ""

    def __init__(self, path: str, threads: int) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.names = tuple(output.name for output in self._session.get_outputs())
        self.version = f"onnxruntime {ort.__version__}"

    def infer(self, inputs: Inputs) -> list[NDArray[Any]]:
        return list(self._session.run(None, dict(inputs)))

    def caller(self, samples: Sequence[Inputs]) -> Callable[[], object]:
        from onnxruntime import OrtValue

        bound = []
        for sample in samples:
            binding = self._session.io_binding()
            for name, values in sample.items():
                binding.bind_ortvalue_input(name, OrtValue.ortvalue_from_numpy(np.ascontiguousarray(values)))
            for name, values in zip(self.names, self.infer(sample), strict=True):
                binding.bind_ortvalue_output(name, OrtValue.ortvalue_from_numpy(values))
            bound.append(binding)
        turns = itertools.cycle(bound)
        return lambda: self._session.run_with_iobinding(next(turns))


def caller(model: Model, data: Dataset) -> Callable[[], object]:
    """One inference per call, on real samples in turn."""
    return model.caller([data.row(i) for i in range(min(SAMPLES, len(data)))])


def answer(request: Request) -> Answer:
    """Run the model on the holdout and time it."""
    data = read_split(Path(request.holdout), "holdout")
    reference = OpenVinoModel(request.float_model, request.float_properties, data.row(0))
    model: Model
    if request.runtime == "onnxruntime":
        model = OnnxRuntimeModel(request.model, request.threads)
    else:
        model = OpenVinoModel(request.model, request.properties, data.row(0))
    rows = [[np.array(v) for v in model.infer(data.row(i))] for i in range(len(data))]
    stacked = [np.concatenate(column) for column in zip(*rows, strict=True)]
    np.savez(request.output, **{str(i): values for i, values in enumerate(stacked)})
    if not request.seconds:
        return Answer(None, None, None, None, model.names, model.precision, model.version)

    def pairs(against: Model) -> Any:
        return measure_pairs(
            caller(against, data),
            caller(model, data),
            confidence=request.confidence,
            target_width=0.01,
            min_pairs=30,
            max_pairs=1000,
            max_seconds=request.seconds,
        )

    timed = pairs(reference)
    best = timed.speedup
    if request.best_float_properties is not None:
        best = pairs(OpenVinoModel(request.float_model, request.best_float_properties, data.row(0))).speedup
    return Answer(
        speed=timed.speedup,
        speed_best_float=best,
        milliseconds=float(np.median(timed.candidate_ms)),
        float_milliseconds=float(np.median(timed.baseline_ms)),
        outputs=model.names,
        precision=model.precision,
        version=model.version,
    )


def main() -> None:
    request = Request(**json.loads(Path(sys.argv[1]).read_text()))
    Path(sys.argv[1]).with_suffix(".answer.json").write_text(json.dumps(asdict(answer(request))))


if __name__ == "__main__":
    main()
