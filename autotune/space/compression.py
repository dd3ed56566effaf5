"""Which linear layers have int8 weights: what a recipe and a model leave to choose, as questions and answers.

All layers of a candidate share one dynamic group: it is a property that a model is compiled with, not one of a layer.
A layer that has fewer inputs than the group runs with int8 weights only, which is then its scheme.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from autotune import recipe
from autotune.configuration import Compression, Configuration, FormChoice, FormName, Scheme, WeightSymmetry
from autotune.errors import UserError
from autotune.record import ModelInfo
from autotune.space.asking import Suggest, pick, prefer
from autotune.space.hints import hint

OFF = "off"
ALL = "all"
LISTED = "listed"
# Forms after which a linear layer is none any more.
REWRITING: tuple[FormName, ...] = ("one-hot-as-lookup", "linear-as-convolution")
# The questions for the mode: of a model that has static int8, and of one that has none.
_BESIDE, _ALONE = "compression", "float:compression"
_COMPRESSED: tuple[Scheme, ...] = ("int8-weights", "int8-dynamic")


@dataclass(frozen=True)
class CompressionOffer:
    """Choices of linear layers that are not ``int8-static``.

    Attributes:
        symmetries: of the weights.
        layers: layer -> dynamic groups with which its weights may be int8 (0: its activations stay float).
        executed: layer -> dynamic groups with which OpenVINO also quantises its activations.
        never_float: layers that have int8 weights where they are not ``int8-static``.
        groups: label -> dynamic group.
        modes: labels, and ``off``, that a model with static int8 may have; ``modes_alone``: one without.
        rewritten: form -> group -> operators that are no linear layers after it.
    """

    symmetries: tuple[WeightSymmetry, ...]
    layers: Mapping[str, tuple[int, ...]]
    executed: Mapping[str, tuple[int, ...]]
    never_float: frozenset[str]
    groups: Mapping[str, int]
    modes: tuple[str, ...]
    modes_alone: tuple[str, ...]
    rewritten: Mapping[FormName, Mapping[str, tuple[str, ...]]]

    def scheme(self, layer: str, group: int) -> Scheme:
        """Return what a layer with int8 weights runs as, compiled with this dynamic group."""
        return "int8-dynamic" if group in self.executed.get(layer, ()) else "int8-weights"

    def possible(self, floats: Collection[str], forms: Iterable[FormChoice]) -> tuple[str, ...]:
        """Return the layers that may have int8 weights, of those that are not ``int8-static``, in these forms."""
        gone = {
            operator
            for form in forms
            for group in form.groups
            for operator in self.rewritten.get(form.name, {}).get(group, ())
        }
        return tuple(name for name in self.layers if name in floats and name not in gone)

    def optional(self, floats: Collection[str], forms: Iterable[FormChoice], group: int) -> tuple[str, ...]:
        """Return those of :meth:`possible` that may also be float."""
        free = (name for name in self.possible(floats, forms) if name not in self.never_float)
        return tuple(name for name in free if group in self.layers[name])


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
    executed = {name: tuple(g for g in asked if g in groups) for name, groups in model.compressible.items()}
    schemes = {name: _schemes(space, name, executed, excluded) for name in model.operators}
    if (
        executed
        and not any(executed.values())
        and any("int8-dynamic" in s for s in (space.schemes, *space.operators.values()))
    ):
        notes.append(
            "Scheme int8-dynamic left out: OpenVINO quantises the activations of none of these layers at run time here."
        )
    used = {group for name, s in schemes.items() if "int8-dynamic" in s for group in executed[name]}
    groups = {f"int8-dynamic({group})": int(group) for group in asked if group in used}
    if any("int8-weights" in s for s in schemes.values()):
        groups["int8-weights"] = 0
    layers = {}
    for name, allowed in schemes.items():
        fit = tuple(g for g in groups.values() if _scheme(executed.get(name, ()), g) in allowed)
        if fit:
            layers[name] = fit
    never_float = frozenset(name for name in layers if "float" not in schemes[name])
    made = CompressionOffer(
        symmetries=space.compression.symmetry,
        layers=layers,
        executed=model.compressible,
        never_float=never_float,
        groups=groups,
        modes=_modes(groups, layers, {name for name in never_float if "int8-static" not in schemes[name]}),
        modes_alone=_modes(groups, layers, never_float),
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


def _scheme(executed: Collection[int], group: int) -> Scheme:
    return "int8-dynamic" if group in executed else "int8-weights"


def _modes(
    groups: Mapping[str, int], layers: Mapping[str, tuple[int, ...]], needing: Collection[str]
) -> tuple[str, ...]:
    """Return the labels with which all layers that need int8 weights may have them; ``off`` first, if none needs."""
    fit = (label for label, group in groups.items() if all(group in layers[name] for name in needing))
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
    group = offered.groups[mode]
    kept = frozenset(n for n in floats if n not in offered.never_float or group in offered.layers[n])
    forced = [n for n in possible if n in kept and n in offered.never_float]
    chosen = list(offered.optional(kept, forms, group))
    if len(chosen) + len(forced) > 1 and chosen and pick(suggest, "compressed", (ALL, LISTED)) == LISTED:
        chosen = [n for n in chosen if suggest.categorical(f"compressed:{n}", (True, False))]
    layers = (*forced, *chosen)
    if not layers:
        return kept, None
    symmetry = pick(suggest, "compression_symmetry", offered.symmetries)
    # Where no layer quantises its activations, the group is nothing but another name for the same model.
    executed = any(group in offered.executed[n] for n in layers)
    return kept, Compression(layers, symmetry, group if executed else 0)


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
        mode = f"int8-dynamic({now.dynamic_group})" if now.dynamic_group else "int8-weights"
        chosen = frozenset(now.operators)
    optional = offered.optional(floats, configuration.forms, offered.groups.get(mode, 0))
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
