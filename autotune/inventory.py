"""What a prepared model is and offers: its operators, and what this CPU can do with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from autotune import hardware
from autotune.configuration import DIRECT, DynamicGroup, WeightForm
from autotune.counts import counted
from autotune.data import Lengths
from autotune.graph.inspect import model_digest
from autotune.graph.lengths import shape_text
from autotune.graph.linear import Linear, linear_layers
from autotune.measure.compiled import Compiled, probe_precisions
from autotune.measure.compression import executed_compression
from autotune.measure.direct import has_direct_kernels
from autotune.measure.profile import unrestricted
from autotune.measure.typed import Bf16Probe, executed_bf16
from autotune.quantize.variants import Variants
from autotune.record import InputInfo, ModelInfo
from autotune.space import WEIGHTED


def inventory(
    name: str,
    path: Path,
    source: Any,
    *,
    model: Any,
    variants: Variants,
    baseline: Compiled,
    size_bytes: int,
    notes: Sequence[str],
    weight_forms: Sequence[WeightForm] = (),
    lengths: Lengths | None = None,
    timed: int = 0,
) -> ModelInfo:
    """Describe a model.

    Args:
        path: of the model's file; its content is the model's identity.
        source: as it was read. model: the same, normalised, which ``variants`` builds candidates of.
        baseline: ``model``, compiled in f32.
        size_bytes: of the constants, as the source stores them.
        notes: sentences for the user that come before those about NNCF and compiling.
        weight_forms: of linear layers, that the recipe asks for.
        lengths: of the samples that are measured on, where they differ. timed: how many a latency is the mean of.
    """
    if lengths is not None:
        notes = [*notes, *_about_lengths(lengths, timed, variants)]
    said = [
        *notes,
        *_about_restriction(baseline),
        *baseline.notes,
        *([variants.base.note] if variants.base.note else []),
    ]
    typed = _typed_bf16(model, variants, baseline.threads)
    layers = [layer for layer in linear_layers(model) if layer.name in variants.base.operators]
    return ModelInfo(
        name=name,
        digest=model_digest(path),
        inputs=tuple(_input(port) for port in source.inputs),
        outputs=baseline.outputs,
        operators=variants.base.operators,
        activation_quantizers=variants.base.activation_quantizers,
        precisions=probe_precisions(),
        can_saturate=hardware.can_saturate(hardware.flags(), hardware.instruction_set()),
        size_bytes=size_bytes,
        nncf_path=variants.base.nncf_path,
        forms=variants.groups,
        bf16_operators=typed.executed,
        bf16_alone=typed.alone,
        bf16_failure=typed.failure,
        direct_kernels=DIRECT in variants.groups and has_direct_kernels(),
        compressible=_compressible(layers, WeightForm(), baseline.threads),
        finer={
            str(form): _compressible(layers, form, baseline.threads) for form in weight_forms if form != WeightForm()
        },
        threads=baseline.threads,
        notes=tuple(said),
    )


def _typed_bf16(model: Any, variants: Variants, threads: int) -> Bf16Probe:
    """Type every operator with weights bf16 and see which of them run so."""
    if "bf16" not in probe_precisions():
        return Bf16Probe()
    wanted = tuple(name for name, kind in variants.base.operators.items() if kind in WEIGHTED)
    return executed_bf16(model, wanted, threads)


def _compressible(layers: Sequence[Linear], form: WeightForm, threads: int) -> dict[str, tuple[int, ...]]:
    """Try linear layers of these sizes with weights of this form, and with each dynamic group.

    The last layer keeps 8 bits where the others have 4, as with NNCF: it loses most, and saves little.
    """
    fit = layers[:-1] if form.bits == 4 else layers
    return executed_compression(
        [layer for layer in fit if form.divides(layer.inputs)], get_args(DynamicGroup), threads, form
    )


def _input(port: Any) -> InputInfo:
    return InputInfo(port.get_any_name(), shape_text(port), port.get_element_type().get_type_name())


def _about_restriction(baseline: Compiled) -> list[str]:
    """Say what of float f32 runs with instructions that this process is restricted from."""
    cap, flags = hardware.instruction_set(), hardware.flags()
    if "avx512f" not in frozenset(flags) - hardware.effective_flags(flags, cap):
        return []
    count = unrestricted(baseline.nodes())
    told = (
        f"{counted(count, 'linear layer of float f32 runs', 'linear layers of float f32 run')} in gemm_mlas, which the "
        f"restriction to {cap} does not reach: it uses AVX-512 all the same. "
        f"A CPU that ends at {cap} may be slower in float, and gain more from int8, than is "
        "measured here."
    )
    return [told] if count else []


def _about_lengths(lengths: Lengths, timed: int, variants: Variants) -> list[str]:
    """Say which lengths what is measured has, and which graph forms there are for one length only."""
    runs = lengths.runs
    kind = f"is padded to {', '.join(map(str, lengths.buckets))}" if lengths.buckets else "has its own length"
    told = (
        f"Shapes are not all alike: each text {kind}, in the search split {runs.min()} to {runs.max()} tokens, median "
        f"{np.median(runs):.0f}. A latency is the mean over {timed} texts whose lengths stand for all; "
        "models are compared on the same ones."
    )
    lost = [f"{form} of {counted(count, 'operator')}" for form, count in variants.static_only(int(runs.max())).items()]
    return [told, f"What needs one static length is not tried: {', '.join(lost)}."] if lost else [told]
