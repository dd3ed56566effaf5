"""Copies of NNCF's values, without asking what they are made of.

NNCF's solver copies the configuration of every quantiser several times, and looks up anew for each question which ones
the device allows: a third of the time that placing quantisers in a new graph took.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from nncf.common.graph import NNCFNode
from nncf.common.quantization import config_assignment, quantizer_setup
from nncf.common.quantization.quantizer_propagation import graph, solver
from nncf.common.quantization.structs import QuantizerConfig

_COPYING: tuple[Any, ...] = (config_assignment, quantizer_setup, graph, solver)
_PLAIN = (str, int, type(None))


@contextmanager
def plain_copies() -> Iterator[None]:
    """Let deep copies of configurations be plain ones inside; what they hold is numbers and names, never changed."""
    if "__deepcopy__" in vars(QuantizerConfig):
        yield
        return
    QuantizerConfig.__deepcopy__ = _copied
    for module in _COPYING:
        module.deepcopy = _copy
    try:
        yield
    finally:
        for module in _COPYING:
            module.deepcopy = copy.deepcopy
        del QuantizerConfig.__deepcopy__


@contextmanager
def numbered_nodes() -> Iterator[None]:
    """Let nodes of NNCF's graphs be hashed by their numbers inside, not by a text of all that they are called."""
    own = NNCFNode.__hash__
    NNCFNode.__hash__ = _number
    try:
        yield
    finally:
        NNCFNode.__hash__ = own


def _number(node: NNCFNode) -> int:
    return hash(node.attributes[NNCFNode.ID_NODE_ATTR])


def _copy(value: Any) -> Any:
    """Return a deep copy; lists of configurations, and of edges between names, are most of what is copied."""
    if type(value) is list:
        kinds = set(map(type, value))
        if kinds == {QuantizerConfig}:
            return [_copied(one) for one in value]
        if kinds == {str} or (kinds == {tuple} and all(isinstance(part, _PLAIN) for one in value for part in one)):
            return value.copy()
    return copy.deepcopy(value)


def _copied(configuration: QuantizerConfig, _memo: object = None) -> QuantizerConfig:
    other = object.__new__(type(configuration))
    other.__dict__.update(configuration.__dict__)
    return other


def asked_once(hardware: Any) -> Any:
    """Return NNCF's description of a device, which works out the configurations that it allows only once."""
    known = cache(hardware.get_metatype_vs_quantizer_configs_map)

    def allowed(for_weights: bool = False) -> dict[Any, Any]:
        """Return them in a dictionary and lists of its own: a solver writes to what it gets."""
        return {
            kind: None if found is None else [_copied(one) for one in found]
            for kind, found in known(for_weights).items()
        }

    other = copy.copy(hardware)
    other.get_metatype_vs_quantizer_configs_map = allowed
    return other
