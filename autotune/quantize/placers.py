"""Placements of quantisers, decided once for models that differ in the values of constants only.

Such are a model smoothed with one alpha and another, and one that was equalised and the one that it was made of.
"""

from __future__ import annotations

from collections import OrderedDict

import openvino as ov

from autotune.configuration import PlacementName
from autotune.quantize.nncf_public import Sample
from autotune.quantize.placement import Decided, Placer

# Structures that are remembered, of about a megabyte each for 200 operators; a model itself is not kept.
_KEPT = 32


class Placers:
    """Makes placers, and remembers what the fast path decided."""

    def __init__(self) -> None:
        self._decided: OrderedDict[str, Decided] = OrderedDict()

    def of(
        self, model: ov.Model, structure: str, sample: Sample, *, private: bool, placements: tuple[PlacementName, ...]
    ) -> Placer:
        """Return the placer of a model.

        Args:
            structure: digest of the model without the values of its constants (``graph.inspect.Digests``).
            sample, private, placements: see ``Placer``.
        """
        decided = self._decided.setdefault(structure, Decided())
        self._decided.move_to_end(structure)
        if len(self._decided) > _KEPT:
            self._decided.popitem(last=False)
        return Placer(model, sample, private=private, placements=placements, decided=decided)
