"""Exactly equivalent float graphs that are quantised, or run, better. A registry; each form is one file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

import openvino as ov

from autotune.forms.activation import FusedActivation
from autotune.forms.base import Form, Groups, chosen_groups
from autotune.forms.borders import ConvolutionBorders
from autotune.forms.direct import DirectConvolution
from autotune.forms.equalisation import CrossLayerEqualisation
from autotune.forms.late import LateQuantizers
from autotune.forms.linear import LinearAsConvolution
from autotune.forms.lookup import OneHotAsLookup
from autotune.forms.outputs import OutputsAsChannels
from autotune.forms.smoothing import Smoothing, smoothable
from autotune.graph.inspect import clone

__all__ = ["FORMS", "Form", "Smoothing", "apply_forms", "forms_with", "smoothable"]

_PURE: tuple[Form, ...] = (
    OneHotAsLookup(),
    FusedActivation(),
    ConvolutionBorders(),
    CrossLayerEqualisation(),
    OutputsAsChannels(),
    LinearAsConvolution(),
    LateQuantizers(),
    DirectConvolution(),
)
# In the order in which they are applied: fewer operators first, layouts and kernels last.
_ORDER = (*(form.name for form in _PURE[:3]), Smoothing.name, *(form.name for form in _PURE[3:]))
FORMS: Mapping[str, Form] = MappingProxyType({form.name: form for form in _PURE})


def forms_with(smoothing: Smoothing) -> dict[str, Form]:
    """Return all forms, in order, with the one that depends on what was observed."""
    forms = {**FORMS, smoothing.name: smoothing}
    return {name: forms[name] for name in _ORDER}


def apply_forms(
    model: ov.Model,
    chosen: Mapping[str, Collection[str]],
    forms: Mapping[str, Form] = FORMS,
    known: Mapping[str, Groups] | None = None,
) -> ov.Model:
    """Return a copy of ``model`` with the chosen groups of each form rewritten, in the order of ``forms``.

    Groups are those of ``model`` itself. Where an earlier form has changed how operators hang together, a later one
    rewrites the groups that hold a chosen operator; those that are gone are passed over.

    Args:
        known: groups of ``model`` by form, where they were looked for before.

    Raises:
        ValueError: there is no such form or group.
    """
    unknown = sorted(set(chosen) - set(forms))
    if unknown:
        raise ValueError(f"there is no form {', '.join(map(repr, unknown))}; there are {', '.join(forms)}")
    wanted: dict[str, dict[str, set[str]]] = {}
    for name, groups in chosen.items():
        found = known[name] if known and name in known else forms[name].groups(model)
        chosen_groups(name, found, groups)
        wanted[name] = {group: set(found[group]) for group in groups}
    copy = clone(model)
    changed = False
    for name, form in forms.items():
        if wanted.get(name):
            form.apply(copy, _now(form.groups(copy), wanted[name]) if changed else list(wanted[name]))
            changed = True
    return copy


def _now(found: Groups, wanted: Mapping[str, set[str]]) -> list[str]:
    """Return the groups of a rewritten model that stand for these: of the same name, else those that share a member."""
    lost = set().union(*(members for group, members in wanted.items() if group not in found))
    return [group for group, members in found.items() if group in wanted or lost & set(members)]
