"""What a recipe and a model together leave to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import get_args

from autotune import recipe
from autotune.configuration import (
    DIRECT,
    FloatWeights,
    FormName,
    Granularity,
    OverflowFix,
    PlacementName,
    Precision,
    Preset,
    Symmetry,
)
from autotune.errors import UserError
from autotune.recipe import EstimatorChoice, SmoothingSpace
from autotune.record import ModelInfo
from autotune.space.compression import REWRITING, CompressionOffer, compressions
from autotune.space.hints import NAMES_SHOWN
from autotune.space.names import WEIGHTED, Nameable, unknown_names


@dataclass(frozen=True)
class QuantizerOffer:
    """Choices of one activation quantiser; None follows the choice for all."""

    estimators: tuple[EstimatorChoice, ...] | None
    symmetries: tuple[Symmetry, ...] | None


@dataclass(frozen=True)
class FormOffer:
    """Choices of one form.

    Attributes:
        always: groups that the recipe rewrites. ``free``: those that may be rewritten or not.
        alphas: strengths, of smoothing only.
    """

    always: frozenset[str]
    free: tuple[str, ...]
    alphas: tuple[float, ...] = ()


@dataclass(frozen=True)
class Offer:
    """Every choice that is left, never empty.

    Attributes:
        float_model: no operator need be ``int8-static``. ``int8_model``: some operator may be.
        quantizers: name -> choices, of the quantisers that the recipe names.
        weighted: how many operators may have weights.
        always_float: operators that are never ``int8-static``. ``free``: those that may be, or not.
        groups: label -> operators that may be kept from ``int8-static`` together, a subset of ``free``.
        forms: of those that have groups in this model.
        compression: which linear layers may have int8 weights instead.
        threads: how many of the run's; None for all.
        float_weights: how what is proposed stores them. ``may_halve``: f16 may take the place of f32 in the end.
        bf16: operators with weights that may compute in bf16 by themselves; ``always_bf16``: those that must.
        notes: sentences about what the recipe lists and this model or CPU does not have.
    """

    precisions: tuple[Precision, ...]
    float_model: bool
    int8_model: bool
    placements: tuple[PlacementName, ...]
    presets: tuple[Preset, ...]
    estimators: tuple[EstimatorChoice, ...]
    symmetries: tuple[Symmetry, ...]
    quantizers: Mapping[str, QuantizerOffer]
    weights: tuple[Granularity, ...]
    bias_corrections: tuple[bool, ...]
    overflow_fixes: tuple[OverflowFix, ...]
    operators: tuple[str, ...]
    weighted: int
    always_float: frozenset[str]
    free: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    forms: Mapping[FormName, FormOffer]
    compression: CompressionOffer
    threads: tuple[int | None, ...]
    float_weights: FloatWeights
    may_halve: bool
    bf16: tuple[str, ...]
    always_bf16: frozenset[str]
    notes: tuple[str, ...] = field(default=())


def offer(space: recipe.Space, model: ModelInfo) -> Offer:
    """Return what ``space`` leaves to choose for ``model`` on this CPU.

    Raises:
        UserError: an operator or quantiser that the model does not have, no precision that this CPU executes, schemes
            that no operator can have or that no model has together.
    """
    named = Nameable(model.operators, model.activation_quantizers, model.forms)
    if (problem := next(unknown_names(space, named), None)) is not None:
        raise UserError(problem)
    notes: list[str] = []
    precisions = _precisions(space, model, notes)
    bf16 = _bf16(space, model, notes)
    always_bf16 = frozenset(name for name, uses in bf16.items() if uses == (True,))
    forms = _forms(space, model, notes)
    compression, schemes = compressions(space, model, always_bf16 | _always_rewritten(forms, model), notes)
    forms = _leaving_linear(forms, model, compression.never_float)
    int8_model = any("int8-static" in allowed for allowed in schemes.values())
    overflow_fixes = _overflow_fixes(space, model, notes) if int8_model else space.overflow_fix
    always_int8 = any(allowed == ("int8-static",) for allowed in schemes.values())
    if not model.operators:
        if "float" not in space.schemes:
            raise UserError(
                f"{space.where('schemes')}: asks for int8, but the model has no operator that can be quantised; "
                "add float."
            )
        if "int8-static" in space.schemes:
            notes.append("The model has no operator that can be quantised: only float configurations are tried.")
    never_int8 = frozenset(name for name, allowed in schemes.items() if "int8-static" not in allowed)
    free = tuple(n for n, allowed in schemes.items() if n not in never_int8 and allowed != ("int8-static",))
    return Offer(
        precisions=precisions,
        float_model=not always_int8 and bool(compression.modes_alone),
        int8_model=int8_model,
        placements=space.placement,
        presets=space.preset,
        estimators=space.activations.estimator,
        symmetries=space.activations.symmetry,
        quantizers={
            name: QuantizerOffer(choice.estimator, choice.symmetry)
            for name, choice in sorted(space.activations.quantizers.items())
        },
        weights=space.weights.granularity,
        bias_corrections=space.bias_correction,
        overflow_fixes=overflow_fixes,
        operators=tuple(model.operators),
        weighted=sum(kind in WEIGHTED for kind in model.operators.values()),
        always_float=never_int8,
        free=free,
        groups=_groups({name: model.operators[name] for name in free}, leaves_int8=always_int8),
        forms=forms,
        compression=compression,
        threads=_threads(space, model, notes),
        float_weights="f32" if "f32" in space.float_weights else "f16",
        may_halve=len(space.float_weights) > 1,
        bf16=tuple(name for name, uses in bf16.items() if len(uses) > 1),
        always_bf16=always_bf16,
        notes=tuple(notes),
    )


def _precisions(space: recipe.Space, model: ModelInfo, notes: list[str]) -> tuple[Precision, ...]:
    possible = tuple(p for p in space.precision if p in model.precisions)
    if not possible:
        raise UserError(
            f"{space.where('precision')}: this CPU does not execute {' or '.join(space.precision)}; "
            f"it executes {', '.join(model.precisions)}."
        )
    missing = [p for p in space.precision if p not in possible]
    if missing:
        notes.append(f"Precision {' and '.join(missing)} left out: this CPU does not execute {_it(missing)}.")
    return possible


def _overflow_fixes(space: recipe.Space, model: ModelInfo, notes: list[str]) -> tuple[OverflowFix, ...]:
    listed = space.overflow_fix
    if model.can_saturate or "off" not in listed or len(listed) == 1:
        return listed
    missing = [fix for fix in listed if fix != "off"]
    notes.append(f"Overflow fix {' and '.join(missing)} left out: 8-bit sums cannot saturate on this CPU.")
    return ("off",)


def _threads(space: recipe.Space, model: ModelInfo, notes: list[str]) -> tuple[int | None, ...]:
    """All first where they are allowed, then fewer and fewer."""
    listed = [count for count in space.threads if isinstance(count, int)]
    halves = [model.threads >> i for i in range(1, model.threads.bit_length())] if "fewer" in space.threads else []
    missing = [count for count in listed if count > model.threads]
    fewer = sorted({count for count in (*listed, *halves) if count < model.threads}, reverse=True)
    uses_all = "all" in space.threads or model.threads in listed or not fewer
    if missing:
        notes.append(f"{' and '.join(map(str, missing))} threads left out: the run may use {model.threads}.")
    return (*((None,) if uses_all else ()), *fewer)


def _bf16(space: recipe.Space, model: ModelInfo, notes: list[str]) -> dict[str, tuple[bool, ...]]:
    """Return the choices of every operator with weights that runs in bf16."""
    choices = space.bf16_operators
    weighted = [name for name, kind in model.operators.items() if kind in WEIGHTED]
    executed = [name for name in weighted if name in model.bf16_operators]
    wanted = {name: choices.operators.get(name, choices.use) for name in weighted}
    missing = [name for name, uses in wanted.items() if uses == (True,) and name not in executed]
    if model.bf16_failure and any(True in uses for uses in wanted.values()):
        notes.append(
            "No single operators in bf16 are tried: OpenVINO could not compile the model with all of them so "
            f"({model.bf16_failure})."
        )
    elif missing:
        notes.append(
            f"Not in bf16, because OpenVINO does not execute them so here: {', '.join(missing[:NAMES_SHOWN])}."
        )
    return {name: wanted[name] for name in executed}


def _forms(space: recipe.Space, model: ModelInfo, notes: list[str]) -> dict[FormName, FormOffer]:
    found: dict[FormName, FormOffer] = {}
    for name in get_args(FormName):
        choices, groups = space.forms.of(name), model.forms.get(name, {})
        if name == DIRECT and not model.direct_kernels:
            if (True,) in (choices.use, *choices.groups.values()):
                notes.append("Direct convolution left out: OpenVINO has one family of kernels for convolutions here.")
            continue
        allowed = {group: choices.groups.get(group, choices.use) for group in groups}
        always = frozenset(group for group, uses in allowed.items() if uses == (True,))
        free = tuple(group for group, uses in allowed.items() if len(uses) > 1)
        if always or free:
            found[name] = FormOffer(always, free, choices.alpha if isinstance(choices, SmoothingSpace) else ())
    return found


def _always_rewritten(forms: Mapping[FormName, FormOffer], model: ModelInfo) -> frozenset[str]:
    """Return the operators that the recipe always turns into something that is no linear layer."""
    groups = ((name, group) for name in REWRITING if name in forms for group in forms[name].always)
    return frozenset(operator for name, group in groups for operator in model.forms[name][group])


def _leaving_linear(
    forms: Mapping[FormName, FormOffer], model: ModelInfo, never_float: frozenset[str]
) -> dict[FormName, FormOffer]:
    """Leave out what would rewrite a layer that, where it is not ``int8-static``, must have int8 weights."""
    found = dict(forms)
    for name in REWRITING:
        if name in found:
            free = tuple(g for g in found[name].free if never_float.isdisjoint(model.forms[name][g]))
            found[name] = replace(found[name], free=free)
            if not found[name].always and not free:
                del found[name]
    return found


def _groups(free: Mapping[str, str], leaves_int8: bool) -> dict[str, tuple[str, ...]]:
    """Return the operators worth keeping float together: each type, those without weights, the first, the last.

    A group that equals an earlier one is left out, and so is one after which nothing would be int8.

    Args:
        free: name -> type of the operators that may be either, in the order of the graph.
        leaves_int8: some operator outside ``free`` is always int8.
    """
    weighted = [name for name, kind in free.items() if kind in WEIGHTED]
    candidates = {f"type:{kind}": [n for n in free if free[n] == kind] for kind in dict.fromkeys(free.values())}
    candidates["non-weighted"] = [name for name in free if name not in weighted]
    candidates["first"] = weighted[:1]
    candidates["last"] = weighted[-1:]
    groups: dict[str, tuple[str, ...]] = {}
    for label, members in candidates.items():
        group = tuple(members)
        if group and group not in groups.values() and (leaves_int8 or len(group) < len(free)):
            groups[label] = group
    return groups


def _it(missing: list[Precision]) -> str:
    return "it" if len(missing) == 1 else "them"
