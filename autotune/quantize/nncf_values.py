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

from nncf.common.quantization.structs import QuantizerConfig


@contextmanager
def plain_copies() -> Iterator[None]:
    """Let deep copies of configurations be plain ones inside; what they hold is numbers and names, never changed."""
    if "__deepcopy__" in vars(QuantizerConfig):
        yield
        return
    QuantizerConfig.__deepcopy__ = _copied
    try:
        yield
    finally:
        del QuantizerConfig.__deepcopy__


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
