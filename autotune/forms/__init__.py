"""Exactly equivalent float graphs that are quantised, or run, better. A registry; each form is one file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

import openvino as ov

from autotune.forms.base import Form, chosen_groups
from autotune.forms.equalisation import CrossLayerEqualisation
from autotune.forms.linear import LinearAsConvolution
from autotune.forms.smoothing import Smoothing, smoothable
from autotune.graph.inspect import clone

__all__ = ["FORMS", "Form", "Smoothing", "apply_forms", "forms_with", "smoothable"]

# In the order in which they are applied: what changes weights comes before what changes layouts.
_ORDER = (Smoothing.name, CrossLayerEqualisation.name, LinearAsConvolution.name)
FORMS: Mapping[str, Form] = MappingProxyType(
    {form.name: form for form in (CrossLayerEqualisation(), LinearAsConvolution())}
)


def forms_with(smoothing: Smoothing) -> dict[str, Form]:
    """Return all forms, in order, with the one that depends on what was observed."""
    forms = {**FORMS, smoothing.name: smoothing}
    return {name: forms[name] for name in _ORDER}


def apply_forms(model: ov.Model, chosen: Mapping[str, Collection[str]], forms: Mapping[str, Form] = FORMS) -> ov.Model:
    """Return a copy of ``model`` with the chosen groups of each form rewritten, in the order of ``forms``.

    Groups are those of ``model`` itself. Where an earlier form has changed how operators hang together, a later one
    rewrites the groups that hold a chosen operator; those that are gone are passed over.

    Raises:
        ValueError: there is no such form or group.
    """
    unknown = sorted(set(chosen) - set(forms))
    if unknown:
        raise ValueError(f"there is no form {', '.join(map(repr, unknown))}; there are {', '.join(forms)}")
    operators = {}
    for name, groups in chosen.items():
        members = chosen_groups(name, forms[name].groups(model), groups)
        operators[name] = {operator for group in members for operator in group}
    copy = clone(model)
    for name, form in forms.items():
        wanted = operators.get(name)
        if wanted:
            form.apply(copy, [group for group, members in form.groups(copy).items() if wanted & set(members)])
            copy.validate_nodes_and_infer_types()
    return copy
