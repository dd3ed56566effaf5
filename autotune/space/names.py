"""Whether a model has the operators, quantisers and groups that a recipe names. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from autotune import recipe
from autotune.configuration import FormName
from autotune.space.hints import hint

WEIGHTED = frozenset(
    {"MatMul", "Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData"}
)


@dataclass(frozen=True)
class Nameable:
    """What a model has; as in ``record.ModelInfo``."""

    operators: Mapping[str, str]
    activation_quantizers: Collection[str]
    forms: Mapping[FormName, Mapping[str, Collection[str]]]


def names_any(space: recipe.Space) -> bool:
    """Tell whether a recipe names something of the model's."""
    groups = any(space.forms.of(name).groups for name in get_args(FormName))
    return bool(space.operators or space.activations.quantizers or space.bf16_operators.operators or groups)


def unknown_names(space: recipe.Space, model: Nameable) -> Iterator[str]:
    """Yield a sentence, with file and line, for every name that the model does not have."""
    known = model.operators
    for name in space.operators:
        if name not in known:
            where = space.where("operators", name)
            yield f"{where}: the model has no operator '{name}' that can be quantised. {hint(name, known)}"
    for name in space.activations.quantizers:
        if name not in model.activation_quantizers:
            where = space.where("activations", "quantizers", name)
            yield f"{where}: the model has no activation quantiser '{name}'. {hint(name, model.activation_quantizers)}"
    weighted = [name for name, kind in known.items() if kind in WEIGHTED]
    for name in space.bf16_operators.operators:
        if name not in weighted:
            where = space.where("bf16_operators", "operators", name)
            yield f"{where}: the model has no operator '{name}' with weights. {hint(name, weighted)}"
    for form in get_args(FormName):
        groups = model.forms.get(form, {})
        for group in space.forms.of(form).groups:
            if group not in groups:
                where = space.where("forms", form.replace("-", "_"), "groups", group)
                yield f"{where}: the model has no group '{group}' for this form. {hint(group, groups)}"
