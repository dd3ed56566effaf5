"""Cross-layer equalisation (Nagel et al. 2019, arXiv 1906.04721).

Between two layers joined by a function f with f(a * x) = a * f(x) for a > 0, channel i of the first layer's output can
be divided by any ``s_i`` and the second layer's weights multiplied by it. With ``s_i = sqrt(r1_i / r2_i)``, r being the
largest magnitudes of the weights, both layers get the same range in every channel: what a range per tensor needs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import openvino as ov

from autotune.forms.base import chosen_groups
from autotune.forms.elementwise import activations_of
from autotune.forms.scaling import Folding, folding, is_homogeneous
from autotune.forms.weighted import Weighted, weighted

_ROUNDS = 20  # of a chain of layers; each pair disturbs its neighbours
_CLOSE = 1e-3
# Weights under this share of the layer's largest are those of a dead channel: to make them equal would multiply its
# bias, and so its activation, without end.
_DEAD = 1e-5


@dataclass(frozen=True, eq=False)
class _Pair:
    first: Weighted
    second: Weighted
    between: Folding | None


class CrossLayerEqualisation:
    """Layers in a row, each read by the next alone, get weights of equal range per channel."""

    name = "cross-layer-equalisation"

    def groups(self, model: ov.Model) -> dict[str, tuple[str, ...]]:
        """Return the chains of at least two layers."""
        return _chains(_pairs(model))

    def apply(self, model: ov.Model, groups: Collection[str]) -> None:
        """Equalise these chains, pair by pair, until nothing moves any more."""
        found = _pairs(model)
        for members in chosen_groups(self.name, _chains(found), groups):
            pairs = [pair for pair in found if pair.first.name in members and pair.second.name in members]
            for _ in range(_ROUNDS):
                if max(_equalise(pair) for pair in pairs) < _CLOSE:
                    break
        model.validate_nodes_and_infer_types()


def _chains(pairs: Sequence[_Pair]) -> dict[str, tuple[str, ...]]:
    chains: dict[str, list[str]] = {}
    head: dict[str, str] = {}
    for pair in pairs:
        start = head.get(pair.first.name, pair.first.name)
        head[pair.second.name] = start
        chains.setdefault(start, [start]).append(pair.second.name)
    return {start: tuple(members) for start, members in chains.items()}


def _pairs(model: ov.Model) -> list[_Pair]:
    """Return the pairs in topological order of the second layers; every layer is second at most once."""
    found = []
    for node in model.get_ordered_ops():
        second = weighted(node)
        first = None if second is None else _before(second)
        if first is not None and second is not None:
            read = second.node.input(0)
            between = folding(read.get_source_output(), second.into, second.channel_axis, [read])
            found.append(_Pair(first, second, between))
    return found


def _before(second: Weighted) -> Weighted | None:
    """Return the layer whose output, after a bias and positive-homogeneous functions, ``second`` alone reads."""
    output = second.node.input_value(0)
    while len(output.get_target_inputs()) == 1:
        node = output.get_node()
        first = weighted(node)
        if first is not None:
            return first if (first.out, first.channel_axis) == (second.into, second.channel_axis) else None
        sources = activations_of(node)
        biased = node.get_type_name() in ("Add", "Subtract") and sources is not None and len(sources) == 1
        if biased and sources is not None:
            output = sources[0]
        elif is_homogeneous(node, second.channel_axis):
            output = node.input_value(0)
        else:
            return None
    return None


def _equalise(pair: _Pair) -> float:
    """Equalise two layers; returns how far from equal they were, as a logarithm."""
    if pair.between is None:
        return 0.0
    one, two = (w.astype(np.float64) for w in (pair.first.largest_out(), pair.second.largest_in()))
    known = (one > _DEAD * one.max()) & (two > _DEAD * two.max())
    scales = np.sqrt(np.where(known, one, 1.0) / np.where(known, two, 1.0))
    pair.between.multiply(1 / scales)
    pair.second.scale_in(scales)
    return float(np.abs(np.log(scales)).max())
