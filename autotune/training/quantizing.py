"""A PyTorch module with the quantisers of a static int8 configuration, by NNCF's torch backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from autotune.configuration import ActivationChoice, Estimator, Quantization
from autotune.counts import counted
from autotune.findings import StartingPoint
from autotune.quantize.nncf_candidates import advanced, has_estimator
from autotune.quantize.nncf_public import MODEL_TYPES, PRESETS  # first: it keeps NNCF quiet
from autotune.sources.conversion import as_tensor
from autotune.training import rounding
from autotune.training.mapping import attentions, mapped
from autotune.training.smoothed import smooth, smoothing_nodes
from autotune.training.starting import graph_operators, of_weights, set_ranges

import nncf  # isort: skip
import torch
from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, AdvancedSmoothQuantParameters
from nncf.torch.function_hook.nncf_graph.nncf_graph_builder import build_nncf_graph
from nncf.torch.quantization.extensions import QuantizedFunctionsCPU
from nncf.torch.quantization.layers import BaseQuantizer

Sample = Mapping[str, torch.Tensor]

# NNCF would compile its quantisers at first use, for a minute or longer (and wait for ever where another process that
# did so was killed); torch.compile would compile its fallback. Plain operations need no compiler.
QuantizedFunctionsCPU._loaded_namespace = SimpleNamespace(
    Quantize_forward=rounding.forward, Quantize_backward=rounding.backward
)

_SHOWN = 3
# Beyond this no activation goes: it stands for minus infinity. Samples that show which quantisers see such values.
_MASKED = 1e30
_LOOKED = 8


def quantized(
    module: torch.nn.Module,
    calibration: Sequence[Sample],
    quantization: Quantization,
    start: StartingPoint,
) -> tuple[torch.nn.Module, list[str]]:
    """Return the module with trainable quantisers, and sentences about what differs from the OpenVINO candidate.

    Placement, preset, granularity and overflow fix are those of the configuration; ranges of activations are those of
    the candidate. Quantisers that are off stand at tables whose values they gave.

    Args:
        calibration: inputs by parameter, batch 1.
        start: the candidate.
    """
    q, remarks = quantization, []
    graph = build_nncf_graph(module, dict(calibration[0]))
    nodes = graph_operators(graph)
    products = attentions(start.operators, nodes)
    paired = {name for pair in products.values() for name in pair}
    names = mapped([o for o in start.operators if o.name not in products], [o for o in nodes if o.name not in paired])
    unsmoothed = smooth(module, graph, start.smoothed, names)
    if unsmoothed:
        told = counted(len(unsmoothed), "operator reads", "operators read")
        remarks.append(f"{told} what cannot be smoothed in the PyTorch module.")
    divisions = smoothing_nodes(build_nncf_graph(module, dict(calibration[0]))) if start.smoothed else []
    known = {name: (theirs,) for name, theirs in names.items()} | products
    if lost := [name for name in q.float_operators if name not in known]:
        shown = ", ".join(lost[:_SHOWN]) + " ..." * (len(lost) > _SHOWN)
        remarks.append(f"Not found in the PyTorch module, so NNCF decides whether they are int8: {shown}.")
    estimator = q.activation.estimator if has_estimator(q.activation.estimator) else Estimator()
    q = replace(q, activation=ActivationChoice(estimator, q.activation.symmetry))
    made = nncf.quantize(
        module,
        nncf.Dataset([dict(sample) for sample in calibration]),
        preset=PRESETS[q.preset],
        model_type=MODEL_TYPES[q.placement],
        subset_size=len(calibration),
        ignored_scope=nncf.IgnoredScope(
            names=sorted([*divisions, *(theirs for name in q.float_operators for theirs in known.get(name, ()))])
        ),
        advanced_parameters=AdvancedQuantizationParameters(
            # Training corrects biases itself. NNCF corrects them by a few samples, and worse where padding is an
            # operator of its own: a network of such convolutions began with five times what the candidate loses.
            disable_bias_correction=True,
            # Not by NNCF: while torch.export runs, it finds no quantiser that stands behind its factors.
            smooth_quant_alphas=AdvancedSmoothQuantParameters(convolution=-1, matmul=-1),
            **advanced(q),
        ),
    )
    _share(made, calibration[0])
    # Of what is smoothed there and not here, ranges say nothing.
    ranges = [r for r in start.ranges if unsmoothed.isdisjoint(reader for reader, _ in r.readers)]
    left = set_ranges(quantizers(made), build_nncf_graph(made, dict(calibration[0])), ranges, names, products)
    if left.all_others:  # the backends differ in what they quantise; what is trained is what was asked for
        for name in left.names:
            replace_part(made, name, torch.nn.Identity())
    elif left.names:
        told = counted(len(left.names), "quantiser has", "quantisers have")
        remarks.append(f"{told} no like in the OpenVINO model: training starts from NNCF's {estimator} there.")
    _pass_masks(made, calibration)
    if settled := _settle_tables(made, calibration[0]):
        remarks.append(f"Embeddings are not trained: {settled} tables keep the values that they start with.")
    return made, remarks


def _share(module: torch.nn.Module, sample: Sample) -> None:
    """Give weights one quantiser, however often their layer is called.

    NNCF makes one per call, with one range. Trained, they would have many, and a file would hold the weights as often.
    """
    first: dict[str, BaseQuantizer] = {}
    for name, weights in of_weights(build_nncf_graph(module, dict(sample))).items():
        quantizer = module.get_submodule(name)
        shared = first.setdefault(weights, quantizer)
        if quantizer is not shared and quantizer.get_config() == shared.get_config():
            replace_part(module, name, shared)


def _pass_masks(module: torch.nn.Module, samples: Sequence[Sample]) -> None:
    """Take away quantisers of masks: what they see are integers, or 0 and the least number there is.

    In 8 bits such a range has no step that says 0 and minus infinity apart; a range computed from it hides the mask.
    """
    masks: set[torch.nn.Module] = set()

    def look(quantizer: torch.nn.Module, value: torch.Tensor) -> None:
        if not value.is_floating_point() or float(value.detach().abs().max()) > _MASKED:
            masks.add(quantizer)

    _watch(module, samples[:_LOOKED], look)
    for name, quantizer in quantizers(module).items():
        if quantizer in masks:
            replace_part(module, name, torch.nn.Identity())


def _settle_tables(module: torch.nn.Module, sample: Sample) -> int:
    """Leave tables of embeddings out of training, at the values that their quantisers give them; return how many.

    A step would round all of a vocabulary, and have gradients and moments of it, for the few rows that its texts use.
    A table that is more than that, as where the last layer shares it, is trained.
    """
    parts = list(module.modules())
    others = {id(p) for m in parts if not isinstance(m, torch.nn.Embedding) for p in m.parameters(recurse=False)}
    tables = {id(m.weight): m.weight for m in parts if isinstance(m, torch.nn.Embedding) and id(m.weight) not in others}
    found: dict[BaseQuantizer, torch.Tensor] = {}

    def look(quantizer: torch.nn.Module, value: torch.Tensor) -> None:
        if id(value) in tables:
            found[quantizer] = value

    _watch(module, [sample], look)
    for quantizer, table in found.items():
        with torch.no_grad():
            table.copy_(quantizer(table))
        quantizer.disable_quantization()
    for table in tables.values():
        table.requires_grad_(False)
    return len(tables)


def _watch(
    module: torch.nn.Module, samples: Sequence[Sample], look: Callable[[torch.nn.Module, torch.Tensor], None]
) -> None:
    """Run samples; ``look`` is called with each quantiser and what it is given."""
    hooks = [q.register_forward_pre_hook(lambda part, given: look(part, given[0])) for q in quantizers(module).values()]
    with torch.no_grad():
        for sample in samples:
            module(**sample)
    for hook in hooks:
        hook.remove()


def replace_part(module: torch.nn.Module, name: str, part: torch.nn.Module) -> None:
    """Put another part into the place of that name."""
    parent, _, child = name.rpartition(".")
    setattr(module.get_submodule(parent), child, part)


def quantizers(module: torch.nn.Module) -> dict[str, BaseQuantizer]:
    """Return what NNCF put into a module, by name; one that stands at several places has as many."""
    everywhere = module.named_modules(remove_duplicate=False)
    return {name: part for name, part in everywhere if isinstance(part, BaseQuantizer)}


def as_tensors(inputs: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, torch.Tensor]:
    """Return arrays of the data as the module's arguments."""
    return {parameters[name]: as_tensor(values) for name, values in inputs.items()}
