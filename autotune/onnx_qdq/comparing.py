"""Whether a model in ONNX computes what the candidate computes that was judged.

A value that falls on the border of two levels may be rounded either way, and a deep model turns one such step into
percents of its outputs: so much do two runtimes, or two kernels of one, differ on one and the same model. So each part
is compared by itself, given the candidate's own values: what lies between quantisers must agree as floats do, each
quantiser in all but borders. Only then the whole is compared, with a limit that leaves room for such steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from autotune.onnx_qdq.building import apart_names, fake_quantize_scale

Arrays = Mapping[str, NDArray[Any]]
# Of what the second names, by name: a compiled model that is given inputs by name.
Runner = Callable[[Arrays, Sequence[str]], list[NDArray[Any]]]
# Compiles an ``openvino.Model`` so that its int8 is computed as floats, and returns what runs it.
Emulate = Callable[[ov.Model], Callable[[Arrays], Arrays]]

# Shares of the root mean square of a tensor. A bias that became int32 moves sums by up to half of their step.
PART_TOLERANCE = 1e-3
WHOLE_TOLERANCE = 0.1
# Of the values of one quantiser, that may be one level off.
BORDER_SHARE = 0.05


@dataclass(frozen=True)
class Found:
    """What a comparison came to.

    Attributes:
        wrong: what differs, and where; empty if all agrees.
        difference: the largest root mean square of an output's difference, as a share of its values'.
    """

    wrong: str
    difference: float = 0.0


class Judged:
    """The candidate's outputs, and what its quantisers take and give, of a few samples."""

    def __init__(self, candidate: ov.Model, samples: Sequence[Arrays], emulate: Emulate) -> None:
        """Run the candidate, emulated in floats, on all samples."""
        copy = candidate.clone()
        quantizers = [node for node in copy.get_ordered_ops() if node.get_type_name() == "FakeQuantize"]
        self.outputs: list[str] = [_output_name(result) for result in candidate.get_results()]
        self.samples = samples
        self.scales = {node.get_friendly_name(): fake_quantize_scale(node).scale.max() for node in quantizers}
        wanted = {f"output {i}": result.input_value(0) for i, result in enumerate(copy.get_results())}
        for node in quantizers:
            before, _, after, _ = apart_names(node.get_friendly_name())
            wanted |= {before: node.input_value(0), after: node.output(0)}
        run = _reading(wanted, copy, emulate)
        self.values: list[dict[str, NDArray[Any]]] = [run(sample) for sample in samples]

    def parts(self, run: Runner) -> Found:
        """Compare the model whose quantisers are apart."""
        names = [*self.outputs]
        for quantizer in self.scales:
            before, _, after, _ = apart_names(quantizer)
            names += [before, after]
        for sample, values in zip(self.samples, self.values, strict=True):
            inputs = dict(sample)
            for quantizer in self.scales:
                before, given, after, value = apart_names(quantizer)
                inputs |= {given: values[before], value: values[after]}
            got = dict(zip(names, run(inputs, names), strict=True))
            for i, name in enumerate(self.outputs):
                if (off := relative(got[name], values[f"output {i}"])) > PART_TOLERANCE:
                    return Found(f"output '{name}' differs by {off:.2g} of its values")
            for quantizer, step in self.scales.items():
                before, _, after, _ = apart_names(quantizer)
                if (off := relative(got[before], values[before])) > PART_TOLERANCE:
                    return Found(f"what quantiser '{quantizer}' takes differs by {off:.2g} of its values")
                steps = np.abs(got[after] - values[after]) / step
                if steps.max(initial=0) > 1.01 or np.mean(steps > 0.5) > BORDER_SHARE:
                    return Found(f"quantiser '{quantizer}' rounds otherwise")
        return Found("")

    def whole(self, run: Runner) -> Found:
        """Compare the model as it is written; outputs of integers, which a step may change at will, by parts only."""
        most = 0.0
        for sample, values in zip(self.samples, self.values, strict=True):
            for i, (name, got) in enumerate(zip(self.outputs, run(sample, self.outputs), strict=True)):
                expected = values[f"output {i}"]
                if got.shape != expected.shape:
                    return Found(f"output '{name}' has the shape {list(got.shape)}, not {list(expected.shape)}")
                off = relative(got, expected) if got.dtype.kind == "f" else 0.0
                if off > WHOLE_TOLERANCE:
                    return Found(f"output '{name}' differs by {off:.2g} of its values")
                most = max(most, off)
        return Found("", most)


def relative(got: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return the root mean square of a difference as a share of that of what is expected; 1 where shapes differ."""
    if got.shape != expected.shape:
        return 1.0
    difference = got.astype(np.float64) - expected.astype(np.float64)
    size = float(np.sqrt(np.mean(expected.astype(np.float64) ** 2))) if expected.size else 0.0
    off = float(np.sqrt(np.mean(difference**2))) if difference.size else 0.0
    if not np.isfinite(off):
        return float(not np.array_equal(got, expected, equal_nan=True))
    return off / size if size else off


def runners(emulate: Emulate) -> dict[str, Callable[[Path], Runner]]:
    """Return what loads a file of ONNX, by the name of the runtime: OpenVINO, and onnxruntime where it is installed."""
    loaders: dict[str, Callable[[Path], Runner]] = {"OpenVINO": lambda path: _openvino(path, emulate)}
    if find_spec("onnxruntime") is not None:
        loaders["onnxruntime"] = _onnxruntime
    return loaders


def _openvino(path: Path, emulate: Emulate) -> Runner:
    model = ov.Core().read_model(path)
    wanted = {name: result.input_value(0) for result in model.get_results() for name in result.output(0).get_names()}
    run = _reading(wanted, model, emulate)

    def runner(inputs: Arrays, names: Sequence[str]) -> list[NDArray[Any]]:
        found = run(inputs)
        return [found[name] for name in names]

    return runner


def _reading(
    wanted: Mapping[str, ov.Output], model: ov.Model, emulate: Emulate
) -> Callable[[Arrays], dict[str, NDArray[Any]]]:
    """Return what runs a model and gives some of its tensors; one may be wanted under several names."""
    places = {name: (port.get_node().get_name(), port.get_index()) for name, port in wanted.items()}
    distinct = {places[name]: port for name, port in wanted.items()}
    order = {place: number for number, place in enumerate(distinct)}
    run = emulate(ov.Model(list(distinct.values()), model.get_parameters(), "compared"))

    def reader(inputs: Arrays) -> dict[str, NDArray[Any]]:
        results = list(run(inputs).values())
        return {name: results[order[place]] for name, place in places.items()}

    return reader


def _onnxruntime(path: Path) -> Runner:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    # What the file says, not what kernels on 8-bit data make of it, which may saturate on this CPU.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda inputs, names: list(session.run(list(names), dict(inputs)))


def _output_name(result: ov.Node) -> str:
    return str(min(result.input_value(0).get_names(), default=result.get_friendly_name()))
