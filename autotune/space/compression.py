"""Which linear layers have integer weights: what a recipe and a model leave to choose, as questions and answers.

All layers of a candidate share one dynamic group: it is a property that a model is compiled with, not one of a layer.
A layer that has fewer inputs than the group runs with int8 weights only, which is then its scheme. They share one form
of the weights as well; a layer that cannot have it has 8 bits and one scale per output channel.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from autotune import recipe
from autotune.configuration import (
    Compression,
    Configuration,
    FormChoice,
    FormName,
    Scheme,
    WeightForm,
    WeightSymmetry,
)
from autotune.counts import counted
from autotune.errors import UserError
from autotune.record import ModelInfo
from autotune.space.asking import Suggest, pick, prefer
from autotune.space.hints import NAMES_SHOWN, hint

OFF = "off"
ALL = "all"
LISTED = "listed"
# Forms after which a linear layer is none any more.
REWRITING: tuple[FormName, ...] = ("one-hot-as-lookup", "linear-as-convolution")
# The questions for the mode: of a model that has static int8, and of one that has none.
_BESIDE, _ALONE = "compression", "float:compression"
_COMPRESSED: tuple[Scheme, ...] = ("int8-weights", "int8-dynamic")


@dataclass(frozen=True)
class Mode:
    """What all layers with integer weights of a candidate share: dynamic group (0: none), form of the weights."""

    dynamic_group: int
    form: WeightForm

    def __str__(self) -> str:
        scheme = f"int8-dynamic({self.dynamic_group})" if self.dynamic_group else "int8-weights"
        return scheme if self.form == WeightForm() else f"{scheme}:{self.form}"


@dataclass(frozen=True)
class CompressionOffer:
    """Choices of linear layers that are not ``int8-static``.

    Attributes:
        symmetries: of the weights.
        model: tells which layers OpenVINO runs with which form, and with which dynamic groups.
        layers: layer -> labels of the modes with which its weights may be integers.
        never_float: layers that have integer weights where they are not ``int8-static``.
        shared: label -> mode.
        modes: labels, and ``off``, that a model with static int8 may have; ``modes_alone``: one without.
        rewritten: form -> group -> operators that are no linear layers after it.
    """

    symmetries: tuple[WeightSymmetry, ...]
    model: ModelInfo
    layers: Mapping[str, tuple[str, ...]]
    never_float: frozenset[str]
    shared: Mapping[str, Mode]
    modes: tuple[str, ...]
    modes_alone: tuple[str, ...]
    rewritten: Mapping[FormName, Mapping[str, tuple[str, ...]]]

    def scheme(self, layer: str, mode: Mode) -> Scheme:
        """Return what a recipe calls a layer with integer weights in this mode."""
        return _scheme(self.model, layer, mode)

    def possible(self, floats: Collection[str], forms: Iterable[FormChoice]) -> tuple[str, ...]:
        """Return the layers that may have int8 weights, of those that are not ``int8-static``, in these forms."""
        gone = {
            operator
            for form in forms
            for group in form.groups
            for operator in self.rewritten.get(form.name, {}).get(group, ())
        }
        return tuple(name for name in self.layers if name in floats and name not in gone)

    def optional(self, floats: Collection[str], forms: Iterable[FormChoice], mode: str) -> tuple[str, ...]:
        """Return those of :meth:`possible` that may also be float."""
        free = (name for name in self.possible(floats, forms) if name not in self.never_float)
        return tuple(name for name in free if mode in self.layers[name])


def compressions(
    space: recipe.Space, model: ModelInfo, excluded: Collection[str], notes: list[str]
) -> tuple[CompressionOffer, dict[str, tuple[Scheme, ...]]]:
    """Return the choices, and which schemes each operator may have here: at least one.

    Args:
        excluded: operators that the recipe always has in bf16 or rewrites: their weights cannot be int8.
        notes: gets a sentence about what does not run here.

    Raises:
        UserError: an operator may only have schemes that it cannot have, or no dynamic group suits all.
    """
    asked = space.compression.dynamic_group
    listed = {scheme for schemes in (space.schemes, *space.operators.values()) for scheme in schemes}
    weights = tuple(form for form in space.compression.forms if model.layers(form))
    executed = {
        name: tuple(g for g in asked if any(g in model.dynamic_groups(name, form) for form in weights))
        for name in (model.compressible if weights else ())
    }
    schemes = {name: _schemes(space, name, executed, excluded) for name in model.operators}
    if executed and not any(executed.values()) and "int8-dynamic" in listed:
        notes.append(
            "Scheme int8-dynamic left out: OpenVINO quantises the activations of none of these layers at run time here."
        )
    if not listed.isdisjoint(_COMPRESSED):
        _about_forms(space, model, schemes, notes)
    shared = {str(mode): mode for mode in _shared(asked, weights, model, schemes)}
    layers = {}
    for name, allowed in schemes.items():
        fit = tuple(label for label, mode in shared.items() if _scheme(model, name, mode) in allowed)
        if fit:
            layers[name] = fit
        elif not set(allowed).isdisjoint(_COMPRESSED):  # it would have 8 bits beside layers that cannot have fewer
            left = tuple(scheme for scheme in allowed if scheme not in _COMPRESSED)
            if not left and name in space.operators:
                where = space.where("operators", name)
                raise UserError(f"{where}: cannot be {' or '.join(allowed)}: no layer can have the weights asked for.")
            schemes[name] = left or ("float",)
    never_float = frozenset(name for name in layers if "float" not in schemes[name])
    made = CompressionOffer(
        symmetries=space.compression.symmetry,
        model=model,
        layers=layers,
        never_float=never_float,
        shared=shared,
        modes=_modes(shared, layers, {name for name in never_float if "int8-static" not in schemes[name]}),
        modes_alone=_modes(shared, layers, never_float),
        rewritten={name: model.forms[name] for name in REWRITING if name in model.forms},
    )
    if not made.modes:
        raise UserError(
            f"{space.where('schemes')}: no dynamic group suits all layers that must have int8 weights: one model has "
            "one group, and int8-weights is none; allow float for some of them."
        )
    return made, schemes


def _schemes(
    space: recipe.Space, name: str, executed: Mapping[str, tuple[int, ...]], excluded: Collection[str]
) -> tuple[Scheme, ...]:
    """Return the schemes that an operator may have and can have; float where the general choice leaves it none."""
    asked = space.operators.get(name, space.schemes)
    impossible: set[Scheme] = set()
    if name not in executed or name in excluded:
        impossible.update(_COMPRESSED)
    elif not executed[name]:
        impossible.add("int8-dynamic")
    left = tuple(scheme for scheme in asked if scheme not in impossible)
    if name in space.operators and not impossible.isdisjoint(asked) and (not left or name not in executed):
        where, which = space.where("operators", name), " and ".join(s for s in asked if s in impossible)
        if name not in executed:
            raise UserError(f"{where}: {which} is for linear layers that run so here. {hint(name, executed)}")
        why = "it is in bf16 or rewritten" if name in excluded else "OpenVINO does not run it so here"
        raise UserError(f"{where}: cannot be {which}: {why}; allow another scheme.")
    return left or ("float",)


def _about_forms(
    space: recipe.Space, model: ModelInfo, schemes: Mapping[str, tuple[Scheme, ...]], notes: list[str]
) -> None:
    """Say which forms of the weights are left out, and which layers have another one."""
    wanted = [name for name in model.compressible if not set(_COMPRESSED).isdisjoint(schemes.get(name, ()))]
    for form in space.compression.forms:
        able = model.layers(form)
        said = (
            f"{form.bits}-bit weights with {f'groups of {form.group}' if form.group else 'a scale per output channel'}"
        )
        why = [
            *(["the last layer"] if form.bits == 4 else []),
            *(["inputs that are no whole groups"] if form.group else []),
        ]
        if model.compressible and not able:
            notes.append(
                f"{said} left out: OpenVINO keeps no layer of this model so here "
                f"(never tried with: {', '.join(why) or 'none'})."
            )
        elif others := [name for name in wanted if name not in able and form != WeightForm()]:
            shown = ", ".join(others[:NAMES_SHOWN]) + (", ..." if len(others) > NAMES_SHOWN else "")
            layers = f"{len(others)} of {counted(len(wanted), 'linear layer')}"
            notes.append(
                f"Where others have {said}, {layers} {'has' if len(others) == 1 else 'have'} 8-bit weights with a "
                f"scale per output channel ({', '.join(why)}, or not kept so by OpenVINO): {shown}."
            )


def _shared(
    asked: Iterable[int], weights: Iterable[WeightForm], model: ModelInfo, schemes: Mapping[str, tuple[Scheme, ...]]
) -> Iterator[Mode]:
    """Yield the modes that some layer may have, by the form of the weights, then dynamic groups as asked, and none."""
    for form in weights:
        modes = [Mode(group, form) for group in (*asked, 0)]
        for mode in modes:
            wanted: Scheme = "int8-dynamic" if mode.dynamic_group else "int8-weights"
            able = (n for n in model.layers(form) if n in schemes)
            if any(wanted in schemes[n] and _scheme(model, n, mode) == wanted for n in able):
                yield mode


def _scheme(model: ModelInfo, layer: str, mode: Mode) -> Scheme:
    return "int8-dynamic" if mode.dynamic_group in model.dynamic_groups(layer, mode.form) else "int8-weights"


def _modes(shared: Iterable[str], layers: Mapping[str, tuple[str, ...]], needing: Collection[str]) -> tuple[str, ...]:
    """Return the labels with which all layers that need integer weights may have them; ``off`` first, if none needs."""
    fit = (label for label in shared if all(label in layers[name] for name in needing))
    return (*(() if needing else (OFF,)), *fit)


def draw_compression(
    offered: CompressionOffer, suggest: Suggest, floats: frozenset[str], forms: Iterable[FormChoice], *, alone: bool
) -> tuple[frozenset[str], Compression | None]:
    """Return which operators are not ``int8-static`` after all, and the compression that the answers describe.

    An operator that may be neither float nor compressed with the chosen group becomes ``int8-static`` again.

    Args:
        floats: operators that are not to be ``int8-static``.
        alone: those are all.
    """
    forms = tuple(forms)
    possible = offered.possible(floats, forms)
    if not possible:
        return floats, None
    name, modes = (_ALONE, offered.modes_alone) if alone else (_BESIDE, offered.modes)
    mode = pick(suggest, name, modes)
    if mode == OFF:
        return floats - offered.never_float, None
    shared = offered.shared[mode]
    kept = frozenset(n for n in floats if n not in offered.never_float or mode in offered.layers[n])
    forced = [n for n in possible if n in kept and n in offered.never_float]
    chosen = list(offered.optional(kept, forms, mode))
    if len(chosen) + len(forced) > 1 and chosen and pick(suggest, "compressed", (ALL, LISTED)) == LISTED:
        chosen = [n for n in chosen if suggest.categorical(f"compressed:{n}", (True, False))]
    layers = (*forced, *chosen)
    if not layers:
        return kept, None
    symmetry = pick(suggest, "compression_symmetry", offered.symmetries)
    # Where no layer quantises its activations, the group is nothing but another name for the same model.
    group, form = shared.dynamic_group, shared.form
    executed = any(group in offered.model.dynamic_groups(n, form) for n in layers)
    other = tuple(n for n in layers if n not in offered.model.layers(form))
    return kept, Compression(layers, symmetry, group if executed else 0, form.bits, form.group, other)


def mode_of(compression: Compression) -> Mode:
    """Return the mode of a configuration."""
    return Mode(compression.dynamic_group, compression.form)


def compression_answers(
    offered: CompressionOffer, configuration: Configuration, floats: Collection[str]
) -> dict[str, Any]:
    """Return answers that choose exactly the compression of ``configuration``; without one, all layers when asked.

    Args:
        floats: operators that are not ``int8-static``.
    """
    now = configuration.compression
    if now is None:
        mode, chosen = OFF, frozenset(offered.layers)
    else:
        mode = str(mode_of(now))
        chosen = frozenset(now.operators)
    optional = offered.optional(floats, configuration.forms, mode)
    return {
        _BESIDE: mode,
        _ALONE: mode,
        "compressed": ALL if chosen.issuperset(optional) else LISTED,
        "compression_symmetry": now.symmetry if now else prefer("symmetric", offered.symmetries),
        **{f"compressed:{name}": name in chosen for name in offered.layers},
    }


def default_answers(offered: CompressionOffer) -> dict[str, Any]:
    """Return answers that compress nothing, or else as little as may be."""
    return {
        **compression_answers(offered, Configuration(), ()),
        _BESIDE: offered.modes[0],
        _ALONE: offered.modes_alone[0] if offered.modes_alone else OFF,
    }


def mode_answers(mode: str) -> dict[str, Any]:
    """Return answers that change the mode and nothing else."""
    return {_BESIDE: mode, _ALONE: mode}
