"""Models as PyTorch has them: of a transformers folder, or made by a function of the user's."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from autotune.errors import UserError
from autotune.usercode import failed, load_function

# Heads that a model was not saved with are drawn at random; the pooler is one that nothing here reads.
_UNREAD = ("pooler.",)

# How OpenVINO's frontend sums up what it could not do; operators follow.
_SUMMARIES = {
    "No conversion rule found for operations": "OpenVINO has no",
    "Conversion is failed for": "OpenVINO cannot convert",
}
_SHOWN = 3
# Where torch.export stopped, in the module's own code: it says so in one of two ways.
_PLACES = (r'following call raised this error:\s+File "([^"]+)", line (\d+)', r"Caused by: .*\((\S+):(\d+) in")


@dataclass(frozen=True)
class Network:
    """A module, and what its inputs and outputs are called.

    Attributes:
        module: called with its inputs by keyword; returns a tensor or a tuple of them.
        inputs: input of the data -> parameter of the module.
        outputs: in the module's order.
    """

    module: torch.nn.Module
    inputs: Mapping[str, str]
    outputs: tuple[str, ...]


def of_folder(request: Mapping[str, Any]) -> Network:
    """Return the model of a transformers folder with the outputs that its task reads.

    Raises:
        UserError: it cannot be loaded, has not the head, or takes other inputs.
    """
    model = _loaded(request)
    model.config.use_cache = False  # whole texts at once: what would be kept for the next token is no output
    accepted = inspect.signature(model.forward).parameters
    for name in request["shapes"]:
        if name not in accepted:
            raise UserError(
                f"model: its tokenizer or processor gives '{name}', which {type(model).__name__} does not take; set "
                "model_input_names in tokenizer_config.json or preprocessor_config.json."
            )
    if not {"input_ids", "attention_mask"} <= set(request["shapes"]):  # images, recordings
        module = _in_order(model, tuple(request["shapes"]), request["outputs"])
        return Network(module, {name: name for name in request["shapes"]}, tuple(request["outputs"]))
    wrapped = _Reading(model, request["pooling"], request["normalize"], request["outputs"])
    return Network(wrapped.eval(), {name: name for name in request["shapes"]}, tuple(request["outputs"]))


def of_function(request: Mapping[str, Any]) -> Network:
    """Return the module that a user's ``FILE.py:factory`` makes (or is).

    Raises:
        UserError: it raises, returns no module, or the module takes other inputs than the data have.
    """
    spec, name = request["function"], request["name"]
    made = load_function(spec, Path(request["base"]), True, "model")
    if not isinstance(made, torch.nn.Module):
        try:
            made = made()
        except Exception as error:
            raise failed(spec, "model", error) from error
    if not isinstance(made, torch.nn.Module):
        raise UserError(f"model: {name} returned {type(made).__name__}; return a torch.nn.Module.")
    module = made.eval().float().cpu()
    return Network(module, _matched(tuple(request["shapes"]), module, name), ())


def needs_decoder_inputs(module: torch.nn.Module) -> str:
    """Return the class of a model of texts that has a decoder, which may need a text of its own; empty otherwise."""
    model = module.model if isinstance(module, _Reading) else None
    return type(model).__name__ if getattr(getattr(model, "config", None), "is_encoder_decoder", False) else ""


def resolved(network: Network, found: Any) -> Network:
    """Return the network with its outputs named, and as a tuple where they are a mapping.

    Args:
        found: what the module returned for a sample.
    """
    if network.outputs:
        return network
    if isinstance(found, Mapping):
        names = tuple(str(name) for name, value in found.items() if isinstance(value, torch.Tensor))
        return Network(_in_order(network.module, tuple(network.inputs.values()), names), network.inputs, names)
    if isinstance(found, tuple) and len(found) > 1:
        return Network(network.module, network.inputs, tuple(f"output_{i}" for i in range(len(found))))
    return Network(network.module, network.inputs, ("output",))


def reason(error: BaseException) -> str:
    """Return what a reader can use of an error.

    That is the operators that OpenVINO does not know, or cannot convert, of whatever library; else the line where what
    the module does depends on values; else the error's first telling line.
    """
    text = str(error)
    for summary, told in _SUMMARIES.items():
        if found := re.search(f"{summary}: (.+)", text):
            operators = sorted({name.strip().removesuffix(".default") for name in found[1].split(",")})
            return f"{told} {', '.join(operators[:_SHOWN])}{' ...' * (len(operators) > _SHOWN)}"
    if "data-dependent" in text and (places := [match for pattern in _PLACES if (match := re.search(pattern, text))]):
        return f"what it does depends on values, in {Path(places[0][1]).name}, line {places[0][2]}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200].rstrip('.')}" if lines else type(error).__name__


def _matched(names: Sequence[str], module: torch.nn.Module, name: str) -> dict[str, str]:
    """Return the parameter of each input of the data; a single input may be called otherwise."""
    parameters = inspect.signature(module.forward).parameters
    needed = [n for n, p in parameters.items() if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    if set(needed) <= set(names) <= set(parameters):
        return {n: n for n in names}
    if len(names) == 1 and len(needed) == 1:
        return {names[0]: needed[0]}
    raise UserError(
        f"model: {name} takes {', '.join(parameters)}, the data have {', '.join(names)}; name the data's inputs as the "
        "parameters of forward."
    )


def _in_order(module: torch.nn.Module, parameters: Sequence[str], outputs: Sequence[str]) -> torch.nn.Module:
    """Wrap a module that returns a mapping so that it returns a tuple, under the same parameters.

    Both converters go by the names in the signature of ``forward``, so it says them.
    """

    class InOrder(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, *given: torch.Tensor, **named: torch.Tensor) -> tuple[torch.Tensor, ...]:
            found = self.module(**dict(zip(parameters, given, strict=False)), **named)
            return tuple(found[name] for name in outputs)

    said = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("self", *parameters)]
    InOrder.forward.__signature__ = inspect.Signature(said)  # type: ignore[attr-defined]
    return InOrder().eval()


def _loaded(request: Mapping[str, Any]) -> torch.nn.Module:
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
        raise UserError(f"model: transformers cannot load {name} as {auto}: {reason(error)}.") from error
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(_UNREAD))
    if missing:
        raise UserError(
            f"model: {name} has no weights for {', '.join(missing[:3])}{' ...' * (len(missing) > 3)}, which "
            f"{auto} needs; its files are cut, or it is a model for another task."
        )
    return model.eval()


class _Reading(torch.nn.Module):  # type: ignore[misc]
    """A transformers model with the inputs of a tokenizer and the outputs of a task, in order."""

    def __init__(self, model: torch.nn.Module, pooling: str | None, normalize: bool, outputs: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self._pooling, self._normalize, self._outputs = pooling, normalize, tuple(outputs)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, ...]:
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        found = self.model(input_ids=input_ids, attention_mask=attention_mask, **types)
        if self._pooling is None:
            read = tuple(found[name] for name in self._outputs)
            return read if len(read) > 1 else read[0]
        vector = _pooled(found["last_hidden_state"], attention_mask, self._pooling)
        return torch.nn.functional.normalize(vector, dim=1) if self._normalize else vector


def _pooled(hidden: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Return (n, width): the first token's vector, or the mean of those that are not padding."""
    if pooling == "cls":
        return hidden[:, 0]
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
