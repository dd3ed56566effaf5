"""Convolutions computed directly, instead of as batches of small matrix products.

OpenVINO computes most convolutions as batched matrix products (oneDNN's ``brgconv``), wherever those can run. Kernels
compiled for one convolution each (``jit``) are there as well, and faster for some shapes, while for others they take
several times as long. The graph stays as it is, but for what its convolutions ask for.
"""

from __future__ import annotations

from collections.abc import Collection

import openvino as ov

from autotune.forms.base import chosen_groups
from autotune.forms.weighted import weighted
from autotune.graph.kernels import prefer_direct

_CONVOLUTIONS = ("Convolution", "GroupConvolution")


class DirectConvolution:
    """Another family of kernels; see the module."""

    name = "direct-convolution"

    def groups(self, model: ov.Model) -> dict[str, tuple[str, ...]]:
        """Return every convolution, as a group of its own."""
        return {name: (name,) for name in _convolutions(model)}

    def apply(self, model: ov.Model, groups: Collection[str]) -> None:
        """Let these convolutions ask for the other kernels."""
        chosen_groups(self.name, self.groups(model), groups)
        ask(model, groups)


def ask(model: ov.Model, names: Collection[str]) -> None:
    """Let the convolutions of these names ask for the other kernels, in place, as far as the model still has them.

    A candidate is asked so once it is quantised: no value depends on it, so nothing need be placed or observed anew.
    """
    for node in model.get_ordered_ops():
        if node.get_type_name() in _CONVOLUTIONS and node.get_friendly_name() in names:
            prefer_direct(node)


def _convolutions(model: ov.Model) -> list[str]:
    nodes = (n for n in model.get_ordered_ops() if n.get_type_name() in _CONVOLUTIONS and weighted(n) is not None)
    return [node.get_friendly_name() for node in nodes]
