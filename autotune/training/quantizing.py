"""A PyTorch module with the quantisers of a static int8 configuration, by NNCF's torch backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from autotune.configuration import ActivationChoice, Estimator, Quantization
from autotune.quantize.nncf_candidates import advanced, has_estimator
from autotune.quantize.nncf_public import MODEL_TYPES, PRESETS  # first: it keeps NNCF quiet
from autotune.sources.conversion import as_tensor
from autotune.training.mapping import mapped

import nncf  # isort: skip
import torch
from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, AdvancedSmoothQuantParameters
from nncf.torch.function_hook.nncf_graph.nncf_graph_builder import build_nncf_graph
from nncf.torch.quantization.extensions import QuantizedFunctionsCPU
from nncf.torch.quantization.layers import BaseQuantizer
from nncf.torch.quantization.reference import ReferenceBackendType, ReferenceQuantize

Sample = Mapping[str, torch.Tensor]

# NNCF would compile its quantisers at first use, for a minute or longer (and wait for ever where another process that
# did so was killed); torch.compile would compile its fallback. The fallback's plain operations need no compiler.
_PLAIN = ReferenceQuantize(ReferenceBackendType.TORCH)
QuantizedFunctionsCPU._loaded_namespace = SimpleNamespace(
    Quantize_forward=_PLAIN.forward, Quantize_backward=_PLAIN.backward
)

_SHOWN = 3
# Beyond this no activation goes: it stands for minus infinity. Samples that show which quantisers see such values.
_MASKED = 1e30
_LOOKED = 8


def quantized(
    module: torch.nn.Module,
    calibration: Sequence[Sample],
    quantization: Quantization,
    operators: Sequence[tuple[str, str]],
) -> tuple[torch.nn.Module, list[str]]:
    """Return the module with trainable quantisers, and sentences about what differs from the OpenVINO candidate.

    Placement, preset, granularity, overflow fix and estimator are those of the configuration; ranges start from the
    same calibration samples.

    Args:
        calibration: inputs by parameter, batch 1.
        operators: (name, type) of the OpenVINO model, in order.
    """
    q, remarks = quantization, []
    graph = build_nncf_graph(module, dict(calibration[0]))
    nodes = [(node.node_name, node.node_type) for node in graph.get_all_nodes()]
    found = mapped(q.float_operators, operators, nodes)
    if found.left:
        shown = ", ".join(found.left[:_SHOWN]) + " ..." * (len(found.left) > _SHOWN)
        remarks.append(f"Not found in the PyTorch module, so NNCF decides whether they are int8: {shown}.")
    if not has_estimator(q.activation.estimator):
        remarks.append(f"NNCF has no estimator like {q.activation.estimator}: training starts from mean-min-max.")
        q = replace(q, activation=ActivationChoice(Estimator(), q.activation.symmetry))
    made = nncf.quantize(
        module,
        nncf.Dataset([dict(sample) for sample in calibration]),
        preset=PRESETS[q.preset],
        model_type=MODEL_TYPES[q.placement],
        subset_size=len(calibration),
        ignored_scope=nncf.IgnoredScope(names=list(found.names)),
        advanced_parameters=AdvancedQuantizationParameters(
            disable_bias_correction=not q.bias_correction,
            smooth_quant_alphas=AdvancedSmoothQuantParameters(convolution=-1, matmul=-1),
            **advanced(q),
        ),
    )
    _pass_masks(made, calibration)
    return made, remarks


def _pass_masks(module: torch.nn.Module, samples: Sequence[Sample]) -> None:
    """Switch off quantisers of masks: what they see are integers, or 0 and the least number there is.

    In 8 bits such a range has no step that says 0 and minus infinity apart; a range computed from it hides the mask.
    """
    masks: set[torch.nn.Module] = set()

    def look(quantizer: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        if not given[0].is_floating_point() or float(given[0].detach().abs().max()) > _MASKED:
            masks.add(quantizer)

    hooks = [q.register_forward_pre_hook(look) for q in quantizers(module).values()]
    with torch.no_grad():
        for sample in samples[:_LOOKED]:
            module(**sample)
    for hook in hooks:
        hook.remove()
    for quantizer in masks:
        quantizer.disable_quantization()


def quantizers(module: torch.nn.Module) -> dict[str, BaseQuantizer]:
    """Return what NNCF put into a module, by name."""
    return {name: part for name, part in module.named_modules() if isinstance(part, BaseQuantizer)}


def as_tensors(inputs: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, torch.Tensor]:
    """Return arrays of the data as the module's arguments."""
    return {parameters[name]: as_tensor(values) for name, values in inputs.items()}
