"""What every form offers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

import openvino as ov

Groups = Mapping[str, tuple[str, ...]]


class Form(Protocol):
    """An exactly equivalent float graph, chosen group by group.

    Equivalent means: equal in real numbers; in f32 the order of sums may differ.
    """

    @property
    def name(self) -> str:
        """What recipes call it, e.g. ``linear-as-convolution``."""

    def groups(self, model: ov.Model) -> dict[str, tuple[str, ...]]:
        """Return what can be chosen, in topological order; empty where the form does not apply.

        Returns:
            Group name -> friendly names of the operators with weights that it rewrites. A group is named after its
            first operator.
        """

    def apply(self, model: ov.Model, groups: Collection[str]) -> None:
        """Rewrite exactly these groups, in place; operators keep their friendly names.

        Raises:
            ValueError: there is no such group.
        """


def chosen_groups(form: str, found: Groups, groups: Collection[str]) -> list[tuple[str, ...]]:
    """Return the members of the chosen groups, in the order they were found in.

    Raises:
        ValueError: there is no such group.
    """
    unknown = sorted(set(groups) - set(found))
    if unknown:
        raise ValueError(f"{form} has no group {', '.join(map(repr, unknown))} in this model")
    return [members for name, members in found.items() if name in groups]
