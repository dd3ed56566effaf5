"""A process of its own that loads a model with PyTorch and writes it as OpenVINO IR.

``python -m autotune.sources.conversion REQUEST REPLY``: the request is JSON (see ``converting``), the reply a file of
it: the way that worked, or a sentence for the user.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import torch

from autotune.errors import UserError
from autotune.sources.networks import Network, needs_decoder_inputs, of_folder, of_function, reason, resolved

# Of the largest output: float kernels sum in another order.
AGREES = 1e-3
_LOADERS: dict[str, Callable[[Mapping[str, Any]], Network]] = {"folder": of_folder, "function": of_function}


def main() -> None:
    request, reply = json.loads(sys.argv[1]), Path(sys.argv[2])
    try:
        answer = _convert(request)
    except UserError as error:
        answer = {"error": str(error)}
    reply.write_text(json.dumps(answer))


def _convert(request: Mapping[str, Any]) -> dict[str, str]:
    name = request["name"]
    with np.load(request["samples"]) as archive:
        count = len(archive[next(iter(request["shapes"]))])
        ends = request.get("lengths") or [None] * count  # None: all of it; the longest comes first
        given = [
            {key: as_tensor(archive[key][i : i + 1, ..., : ends[i]]) for key in request["shapes"]} for i in range(count)
        ]
    network = load_network(request, given[0])
    samples = [{network.inputs[key]: values for key, values in row.items()} for row in given]
    failures: list[str] = []
    with torch.no_grad():
        module = network.module
        wanted = [_run(module, samples[0], name)]
        try:
            wanted += [_run(module, sample, name) for sample in samples[1:]]
        except UserError as error:
            raise _of_one_length(name, str(error).removeprefix("model: ").rstrip(".")) if ends[0] else error from error
        ways: dict[str, Callable[[], ov.Model]] = {
            "torch.export": lambda: ov.convert_model(
                torch.export.export(
                    module, (), kwargs=samples[0], strict=False, dynamic_shapes=_free(request["shapes"], network)
                )
            ),
            "tracing": lambda: ov.convert_model(module, example_input=samples[0]),
        }
        for way, made in ways.items():
            try:
                model = named(made(), network, request["shapes"])
                difference = _difference(model, samples, wanted, network)
            except Exception as error:  # noqa: BLE001 - the converters and what they call raise anything
                failures.append(f"{way}: {reason(error)}")
                continue
            if difference > AGREES:
                failures.append(f"{way}: its outputs differ from PyTorch's by {difference:.1g} of the largest")
                continue
            ov.save_model(model, request["model"], compress_to_fp16=False)
            return {"way": way, "torch": torch.__version__, "remark": _remark(failures)}
    if ends[0]:
        raise _of_one_length(name, "; ".join(failures))
    raise UserError(
        f"model: {name} cannot be exported ({'; '.join(failures)}); export it yourself, as ONNX or OpenVINO IR."
    )


def _of_one_length(name: str, why: str) -> UserError:
    return UserError(f"model: {name} takes texts of one length only ({why}); write 'shapes: static' in the task.")


def _free(shapes: Mapping[str, list[Any]], network: Network) -> dict[str, dict[int, Any]] | None:
    """Return the axes that stay dynamic, by parameter, as ``torch.export`` takes them; None where all are static."""
    axes = {
        network.inputs[name]: {axis: torch.export.Dim.DYNAMIC for axis, extent in enumerate(shape) if _is_free(extent)}
        for name, shape in shapes.items()
    }
    return axes if any(axes.values()) else None


def _is_free(extent: object) -> bool:
    return isinstance(extent, list)


def load_network(request: Mapping[str, Any], sample: Mapping[str, torch.Tensor]) -> Network:
    """Return the module that a request names, with its outputs named and as a tuple.

    Args:
        sample: the inputs of one sample, by the data's names.

    Raises:
        UserError: it cannot be loaded, or run on the sample.
    """
    network = _LOADERS[request["source"]](request)
    given = {network.inputs[name]: values for name, values in sample.items()}
    with torch.no_grad():
        return resolved(network, _called(network.module, given, request["name"]))


def as_tensor(values: np.ndarray[Any, Any]) -> torch.Tensor:
    """Return the values as PyTorch has them by default: numpy's floats are f64."""
    return torch.from_numpy(values.astype(np.float32) if values.dtype == np.float64 else values)


def _called(module: torch.nn.Module, sample: Mapping[str, torch.Tensor], name: str) -> Any:
    try:
        return module(**sample)
    except Exception as error:  # whatever the model's code raises
        if kind := needs_decoder_inputs(module):
            raise UserError(
                f"model: {name} is {kind}, an encoder with a decoder, which cannot be run on the texts alone; load its "
                "encoder (for T5: T5EncoderModel.from_pretrained), save it with save_pretrained, and give that folder."
            ) from error
        raise UserError(f"model: {name} cannot be run in PyTorch on these data: {reason(error)}.") from error


def _run(module: torch.nn.Module, sample: Mapping[str, torch.Tensor], name: str) -> tuple[torch.Tensor, ...]:
    found = _called(module, sample, name)
    outputs = found if isinstance(found, tuple) else (found,)
    if not all(isinstance(output, torch.Tensor) for output in outputs):
        kinds = ", ".join(type(output).__name__ for output in outputs)
        raise UserError(f"model: {name} returns {kinds}; return tensors, in a tuple or a dict if there are several.")
    return outputs


def _remark(failures: list[str]) -> str:
    return f"The first way failed: {failures[0]}." if failures else ""


def named(model: ov.Model, network: Network, shapes: Mapping[str, list[Any]]) -> ov.Model:
    """Give shapes (see ``converting.shapes``), and the names that the data and the library give."""
    known = {name: port for port in model.inputs for name in port.get_names()}
    ports = {name: known[parameter] for name, parameter in network.inputs.items()}
    model.reshape({ports[name]: _partial(shape) for name, shape in shapes.items()})
    for name, port in ports.items():
        port.get_tensor().set_names({name})
    for port, name in zip(model.outputs, network.outputs, strict=True):
        port.get_tensor().set_names({name})
    return model


def _partial(shape: list[Any]) -> ov.PartialShape:
    return ov.PartialShape([ov.Dimension(*extent) if _is_free(extent) else ov.Dimension(extent) for extent in shape])


def _difference(
    model: ov.Model, samples: list[dict[str, torch.Tensor]], wanted: list[tuple[torch.Tensor, ...]], network: Network
) -> float:
    """Return the largest difference to PyTorch's outputs, as a share of the largest output."""
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    worst = 0.0
    for sample, expected in zip(samples, wanted, strict=True):
        got = compiled({name: sample[parameter].numpy() for name, parameter in network.inputs.items()})
        for i, tensor in enumerate(expected):
            values = tensor.numpy()
            worst = max(worst, float(np.abs(got[i] - values).max() / max(np.abs(values).max(), 1e-9)))
    return worst


if __name__ == "__main__":
    main()
