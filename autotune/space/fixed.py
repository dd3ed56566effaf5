"""From a configuration back to a recipe: the space that holds nothing else."""

from __future__ import annotations

from typing import Any, get_args

from autotune import recipe
from autotune.configuration import ActivationChoice, Compression, Configuration, Estimator, FormName, Scheme, WeightForm
from autotune.recipe import EstimatorChoice
from autotune.space.compression import CompressionOffer, mode_of


def fixed(configuration: Configuration, offered: CompressionOffer) -> recipe.Space:
    """Return the space that holds this configuration only.

    Args:
        offered: tells what a layer with int8 weights runs as.
    """
    quantization = configuration.quantization
    forms = _fixed_forms(configuration)
    bf16 = recipe.Bf16Space(use=(False,), operators=dict.fromkeys(configuration.bf16_operators, (True,)))
    threads: tuple[str | int, ...] = ("all" if configuration.threads is None else configuration.threads,)
    compressed, compression = _fixed_compression(configuration.compression, offered)
    if quantization is None:
        return recipe.Space(
            precision=(configuration.precision,),
            schemes=("float",),
            operators=compressed,
            forms=forms,
            bf16_operators=bf16,
            compression=compression,
            float_weights=(configuration.float_weights,),
            threads=threads,
        )
    activation = quantization.activation
    return recipe.Space(
        precision=(configuration.precision,),
        schemes=("int8-static",),
        placement=(quantization.placement,),
        preset=(quantization.preset,),
        operators={**dict.fromkeys(quantization.float_operators, ("float",)), **compressed},
        activations=recipe.ActivationSpace(
            estimator=_fixed(activation.estimator),
            symmetry=(activation.symmetry,),
            quantizers={name: _fixed_quantizer(choice) for name, choice in quantization.overrides},
        ),
        weights=recipe.WeightSpace(granularity=(quantization.weights,)),
        bias_correction=(quantization.bias_correction,),
        overflow_fix=(quantization.overflow_fix,),
        forms=forms,
        bf16_operators=bf16,
        compression=compression,
        float_weights=(configuration.float_weights,),
        threads=threads,
    )


def _fixed_compression(
    compression: Compression | None, offered: CompressionOffer
) -> tuple[dict[str, tuple[Scheme, ...]], recipe.CompressionSpace]:
    """Return the schemes of the layers with int8 weights, and how they get them."""
    if compression is None:
        return {}, recipe.CompressionSpace()
    group, form, mode = compression.dynamic_group, compression.form, mode_of(compression)
    chosen: dict[str, tuple[Scheme, ...]] = {name: (offered.scheme(name, mode),) for name in compression.operators}
    fixed: dict[str, Any] = {"dynamic_group": (group,)} if group else {}
    if form != WeightForm():
        fixed |= {"bits": (form.bits,), "weight_group": (form.group or "per-channel",)}
    return chosen, recipe.CompressionSpace(symmetry=(compression.symmetry,), **fixed)


def _fixed_forms(configuration: Configuration) -> recipe.Forms:
    """Return the one choice of every form, those too that this model has no use for."""
    chosen = {form.name: form for form in configuration.forms}
    if not chosen:
        return recipe.Forms.off()
    fixed: dict[str, recipe.FormSpace] = {}
    for name in get_args(FormName):
        form = chosen.get(name)
        groups = dict.fromkeys(form.groups if form else (), (True,))
        if form is not None and form.alpha is not None:
            fixed[name] = recipe.SmoothingSpace(use=(False,), groups=groups, alpha=(form.alpha,))
        elif name == "smoothing":
            fixed[name] = recipe.SmoothingSpace(use=(False,))
        else:
            fixed[name.replace("-", "_")] = recipe.FormSpace(use=(False,), groups=groups)
    return recipe.Forms(**fixed)  # type: ignore[arg-type]


def _fixed(estimator: Estimator) -> tuple[EstimatorChoice, ...]:
    return (EstimatorChoice(estimator.name, estimator.parameter),)


def _fixed_quantizer(choice: ActivationChoice) -> recipe.QuantizerSpace:
    return recipe.QuantizerSpace(estimator=_fixed(choice.estimator), symmetry=(choice.symmetry,))
