"""Changes of a configuration's graph forms and of its layers with int8 weights, as answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from autotune.configuration import Configuration, FormChoice, FormName
from autotune.space.answers import REWRITTEN, form_answers, operator_answers
from autotune.space.compression import ALL, OFF, compression_answers, mode_answers, mode_of
from autotune.space.offer import Offer


def form_changes(offer: Offer, configuration: Configuration, names: Iterable[FormName]) -> Iterator[dict[str, Any]]:
    """Yield bundles of what runs faster, then each form on or off as a whole.

    Args:
        names: forms that the configuration may have.
    """
    changes = _Changes(offer, configuration, names)
    for bundle in (REWRITTEN[:-1], REWRITTEN):
        groups = {name: changes.offered[name].free for name in bundle if name in changes.offered}
        if len(groups) > 1:
            yield changes.to(groups)
    for name, form in changes.offered.items():
        yield changes.to({name: ()})
        yield changes.to({name: form.free})


def form_details(offer: Offer, configuration: Configuration, names: Iterable[FormName]) -> Iterator[dict[str, Any]]:
    """Yield other strengths of the forms that are used, then changes group by group."""
    changes = _Changes(offer, configuration, names)
    for name, form in changes.offered.items():
        if name in changes.now:
            yield from (changes.to({name: changes.now[name].groups}, alpha) for alpha in form.alphas)
    for name, form in changes.offered.items():
        groups = frozenset(changes.now[name].groups) if name in changes.now else frozenset()
        yield from (changes.to({name: groups ^ {group}}) for group in form.free)


def compression_changes(offer: Offer, configuration: Configuration) -> Iterator[dict[str, Any]]:
    """Yield other ways to run the layers with int8 weights; where there are none yet, of all float layers."""
    modes = offer.compression.modes_alone if configuration.quantization is None else offer.compression.modes
    yield from (mode_answers(mode) for mode in modes)


def compression_of_all(offer: Offer, configuration: Configuration) -> Iterator[dict[str, Any]]:
    """Yield all linear layers with int8 weights, those too that are ``int8-static``."""
    q = configuration.quantization
    if q is not None:
        floats = (frozenset(q.float_operators) | offer.compression.layers.keys()) - offer.always_float
        whole = {**operator_answers(offer, floats.intersection(offer.free)), "compressed": ALL}
        yield from ({**whole, **mode_answers(mode)} for mode in offer.compression.modes if mode != OFF)


def compression_details(offer: Offer, configuration: Configuration) -> Iterator[dict[str, Any]]:
    """Yield other symmetries of int8 weights, then groups of layers and single layers with them or without."""
    now, q = configuration.compression, configuration.quantization
    if now is None:
        return
    yield from ({"compression_symmetry": symmetry} for symmetry in offer.compression.symmetries)
    floats = offer.operators if q is None else q.float_operators
    free = frozenset(offer.compression.optional(floats, configuration.forms, str(mode_of(now))))
    chosen = frozenset(now.operators)
    for group in (free, *offer.groups.values(), *((name,) for name in offer.compression.layers)):
        members = free.intersection(group)
        other = chosen - members if members <= chosen else chosen | members
        if other:
            made = replace(configuration, compression=replace(now, operators=tuple(other)))
            yield compression_answers(offer.compression, made, floats)


class _Changes:
    def __init__(self, offer: Offer, configuration: Configuration, names: Iterable[FormName]) -> None:
        self._offer = offer
        self.offered = {name: offer.forms[name] for name in names if name in offer.forms}
        self.now = {form.name: form for form in configuration.forms}

    def to(self, groups: Mapping[FormName, Iterable[str]], alpha: float | None = None) -> dict[str, Any]:
        """Return the answers of the present forms with these groups instead; ``alpha``: another strength."""
        forms = dict(self.now)
        for name, some in groups.items():
            first = self.now[name].alpha if name in self.now else next(iter(self.offered[name].alphas), None)
            members = self.offered[name].always | frozenset(some)
            forms[name] = FormChoice(name, tuple(members), first if alpha is None else alpha)
        return form_answers(self._offer, [form for form in forms.values() if form.groups])
