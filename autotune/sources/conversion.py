"""A process of its own that loads a transformers folder with PyTorch and writes it as OpenVINO IR.

``python -m autotune.sources.conversion REQUEST REPLY``: the request is JSON (see ``folders``), the reply a file of it:
the way that worked, or a sentence for the user.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import torch

from autotune.errors import UserError

# Of the largest output: float kernels sum in another order.
AGREES = 1e-3
# Heads that a model was not saved with are drawn at random; the pooler is one that nothing here reads.
_UNREAD = ("pooler.",)


def main() -> None:
    request, reply = json.loads(sys.argv[1]), Path(sys.argv[2])
    try:
        answer = _convert(request)
    except UserError as error:
        answer = {"error": str(error)}
    reply.write_text(json.dumps(answer))


def _convert(request: Mapping[str, Any]) -> dict[str, str]:
    name = request["name"]
    network = _network(request, _load(request))
    with np.load(request["samples"]) as archive:
        samples = [
            {key: torch.from_numpy(archive[key][i : i + 1]) for key in request["shapes"]}
            for i in range(len(archive[next(iter(request["shapes"]))]))
        ]
    failures: list[str] = []
    with torch.no_grad():
        wanted = [_run(network, sample, name) for sample in samples]
        ways: dict[str, Callable[[], ov.Model]] = {
            "torch.export": lambda: ov.convert_model(torch.export.export(network, (), kwargs=samples[0], strict=False)),
            "tracing": lambda: ov.convert_model(network, example_input=samples[0]),
        }
        for way, made in ways.items():
            try:
                model = _named(made(), request)
                difference = _difference(model, samples, wanted)
            except Exception as error:  # noqa: BLE001 - the converters and what they call raise anything
                failures.append(f"{way}: {_reason(error)}")
                continue
            if difference > AGREES:
                failures.append(f"{way}: its outputs differ from PyTorch's by {difference:.1g} of the largest")
                continue
            ov.save_model(model, request["model"], compress_to_fp16=False)
            return {"way": way, "torch": torch.__version__, "remark": _remark(failures)}
    raise UserError(
        f"model: {name} cannot be exported ({'; '.join(failures)}); export it yourself, as ONNX or OpenVINO IR."
    )


def _run(network: torch.nn.Module, sample: Mapping[str, torch.Tensor], name: str) -> Any:
    try:
        return network(**sample)
    except Exception as error:  # whatever the model's code raises
        raise UserError(f"model: {name} cannot be run in PyTorch on these data: {_reason(error)}.") from error


def _remark(failures: list[str]) -> str:
    return f"The first way failed: {failures[0]}." if failures else ""


def _load(request: Mapping[str, Any]) -> torch.nn.Module:
    """Load the model with its head.

    Raises:
        UserError: it cannot be loaded, or weights of the head are missing and would be drawn at random.
    """
    import transformers

    folder, name, auto = Path(request["folder"]), request["name"], request["auto"]
    try:
        model, report = getattr(transformers, auto).from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=request["trust_remote_code"],
            # Attention written out, not as one operator: its two products are then operators like others, which are
            # quantised or kept float one by one; int8 MiniLM was faster for it, float as fast.
            attn_implementation="eager",
            dtype=torch.float32,
            output_loading_info=True,
        )
    except Exception as error:  # transformers raises anything from KeyError to OSError
        if "trust_remote_code" in str(error):
            raise UserError(
                f"model: {name} runs Python code of its own; if you trust it, write 'trust_remote_code: true' "
                "under model and give --trust-code."
            ) from error
        raise UserError(f"model: transformers cannot load {name} as {auto}: {_reason(error)}.") from error
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(_UNREAD))
    if missing:
        raise UserError(
            f"model: {name} has no weights for {', '.join(missing[:3])}{' ...' * (len(missing) > 3)}, which "
            f"{auto} needs; its files are cut, or it is a model for another task."
        )
    return model.eval()


def _network(request: Mapping[str, Any], model: torch.nn.Module) -> torch.nn.Module:
    """Wrap the model so that its inputs are those of the data, by name, and its outputs those of the task, in order."""
    accepted = inspect.signature(model.forward).parameters
    for name in request["shapes"]:
        if name not in accepted:
            raise UserError(
                f"model: the tokenizer gives '{name}', which {type(model).__name__} does not take; set "
                "model_input_names in tokenizer_config.json."
            )
    pooling, normalize, outputs = request["pooling"], request["normalize"], request["outputs"]

    class Network(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor,
            token_type_ids: torch.Tensor | None = None,
        ) -> torch.Tensor | tuple[torch.Tensor, ...]:
            types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
            found = self.model(input_ids=input_ids, attention_mask=attention_mask, **types)
            if pooling is None:
                return tuple(found[name] for name in outputs) if len(outputs) > 1 else found[outputs[0]]
            vector = _pooled(found["last_hidden_state"], attention_mask, pooling)
            return torch.nn.functional.normalize(vector, dim=1) if normalize else vector

    return Network().eval()


def _pooled(hidden: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Return (n, width): the first token's vector, or the mean of those that are not padding."""
    if pooling == "cls":
        return hidden[:, 0]
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


def _named(model: ov.Model, request: Mapping[str, Any]) -> ov.Model:
    """Give static shapes, and the names that the library gives."""
    known = {name: port for port in model.inputs for name in port.get_names()}
    model.reshape({known[name]: shape for name, shape in request["shapes"].items()})
    for port, name in zip(model.outputs, request["outputs"], strict=True):
        port.get_tensor().set_names({name})
    return model


def _difference(model: ov.Model, samples: list[dict[str, torch.Tensor]], wanted: list[Any]) -> float:
    """Return the largest difference to PyTorch's outputs, as a share of the largest output."""
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    worst = 0.0
    for sample, expected in zip(samples, wanted, strict=True):
        got = compiled({name: value.numpy() for name, value in sample.items()})
        for i, tensor in enumerate(expected if isinstance(expected, tuple) else (expected,)):
            values = tensor.numpy()
            worst = max(worst, float(np.abs(got[i] - values).max() / max(np.abs(values).max(), 1e-9)))
    return worst


def _reason(error: BaseException) -> str:
    """Return what a reader can use of an error: the operators that are not supported, or its last telling line."""
    text = str(error)
    operators = sorted(set(re.findall(r"\baten[:.]+\w+", text)))
    if operators and ("convert" in text.lower() or "not implemented" in text.lower()):
        return f"OpenVINO has no {', '.join(operators[:3])}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200].rstrip('.')}" if lines else type(error).__name__


if __name__ == "__main__":
    main()
