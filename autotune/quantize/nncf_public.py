"""NNCF's placement by its public function alone: quantise with one sample, then read where the quantisers are.

Slow (0.4 to 1.3 s per question, more for large models) but it needs nothing of NNCF's insides: the yardstick that the
fast way is checked against at start-up, and what is used instead when that check fails.
"""

from __future__ import annotations

import logging
import os
import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import openvino as ov

from autotune.configuration import PlacementName, Preset
from autotune.graph.inspect import activation_names, clone, consumers, is_float, nodes_by_name
from autotune.quantize.nncf_points import ActivationPoint, Points, WeightPoint

os.environ.setdefault("NNCF_CI", "1")  # before it is imported: else NNCF reports its use to its makers

import nncf
from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, AdvancedSmoothQuantParameters

nncf.set_log_level(logging.ERROR)

PRESETS = {"performance": nncf.QuantizationPreset.PERFORMANCE, "mixed": nncf.QuantizationPreset.MIXED}
MODEL_TYPES = {"plain": None, "transformer": nncf.ModelType.TRANSFORMER}

FAKE_QUANTIZE = "FakeQuantize"
_NAME = re.compile(r"(?P<node>.*)/fq_(?P<kind>output|input|weights)_(?P<port>\d+)")
# Operators that only move data: NNCF moves quantisers up through them.
_MOVERS = {
    "AdaptiveMaxPool", "BatchToSpace", "Broadcast", "Concat", "ConvertLike", "DepthToSpace", "Gather", "GatherElements",
    "GatherND", "MaxPool", "Pad", "ReduceMax", "Reshape", "ScatterElementsUpdate", "ScatterNDUpdate", "ScatterUpdate",
    "ShuffleChannels", "SpaceToBatch", "SpaceToDepth", "Split", "Squeeze", "StridedSlice", "Tile", "Transpose",
    "Unsqueeze", "VariadicSplit",
}  # fmt: skip
_PER_CHANNEL = "GroupConvolution"

Sample = Mapping[str, np.ndarray[Any, Any]]


def quantize(
    model: ov.Model,
    samples: Iterable[Sample],
    placement: PlacementName,
    preset: Preset,
    float_operators: Collection[str] = (),
    *,
    bias_correction: bool = False,
    **advanced: Any,
) -> ov.Model:
    """Call ``nncf.quantize`` without SmoothQuant and weight compression; ``model`` is not changed.

    Args:
        samples: inputs by name, each with batch 1.
        bias_correction: NNCF's fast one.
        advanced: further fields of NNCF's ``AdvancedQuantizationParameters``.
    """
    samples = list(samples)
    return nncf.quantize(
        clone(model),  # NNCF renames nodes of what it is given
        nncf.Dataset([dict(sample) for sample in samples]),
        preset=PRESETS[preset],
        model_type=MODEL_TYPES[placement],
        subset_size=len(samples),
        ignored_scope=nncf.IgnoredScope(names=sorted(float_operators), validate=False),
        advanced_parameters=AdvancedQuantizationParameters(
            disable_bias_correction=not bias_correction,
            smooth_quant_alphas=AdvancedSmoothQuantParameters(convolution=-1, matmul=-1),
            backend_params={"compress_weights": False},
            **advanced,
        ),
    )


def unquantisable(model: ov.Model) -> frozenset[str]:
    """Return the operators that NNCF must be told to keep float: it fails (KeyError) on what these give."""
    active = activation_names(model)
    return frozenset(
        name for name, node in nodes_by_name(model).items() if node.get_type_name() == "Gather" and name not in active
    )


class PublicSolver:
    """Asks ``nncf.quantize`` where quantisers go, of one model and one placement."""

    def __init__(self, model: ov.Model, placement: PlacementName, sample: Sample) -> None:
        self._model = model
        self._placement = placement
        self._sample = sample
        self._nodes = nodes_by_name(model)
        self._active = activation_names(model)

    def solve(self, preset: Preset, float_operators: Collection[str]) -> Points:
        """Return where ``nncf.quantize`` puts quantisers, with ``float_operators`` as its ignored scope."""
        quantized = quantize(self._model, [self._sample], self._placement, preset, float_operators)
        activations: list[tuple[ov.Node, re.Match[str]]] = []
        weights: list[tuple[ov.Input, tuple[int, ...]]] = []
        for node in quantized.get_ordered_ops():
            name = _NAME.fullmatch(node.get_friendly_name()) if node.get_type_name() == FAKE_QUANTIZE else None
            if name is None:
                continue
            if name["kind"] == "weights":
                weights += [(target, _axes(node)) for target in node.output(0).get_target_inputs()]
            else:
                activations.append((node, name))
        groups = _groups([node for node, _ in activations])
        first = self._first_convolutions({_name(target) for target, _ in weights})
        return Points(
            tuple(self._activation(node, name, preset, groups) for node, name in activations),
            tuple(
                WeightPoint(_name(target), target.get_index(), axes, _name(target) in first) for target, axes in weights
            ),
        )

    def inputs(self) -> dict[tuple[str, int], bool]:
        """Return every (operator, input port) pair that reads a float activation, and whether it may be per channel."""
        found = {}
        for name in self._nodes.keys() & self._active:
            for port in self._nodes[name].inputs():
                source = port.get_source_output()
                if is_float(source) and source.get_node().get_friendly_name() in self._active:
                    found[(name, port.get_index())] = False
        for node in self._nodes.values():
            if node.get_type_name() == _PER_CHANNEL:
                found.update({key: True for key in self._above(node) if key in found})
        return found

    def _above(self, start: ov.Node) -> Iterator[tuple[str, int]]:
        """Yield the first input of ``start`` and the inputs of the operators right above that only move data."""
        queue = deque([(start, 0)])
        while queue:
            node, port = queue.popleft()
            yield node.get_friendly_name(), port
            producer = node.input(port).get_source_output().get_node()
            if producer.get_type_name() in _MOVERS:
                queue += [(producer, value.get_index()) for value in producer.inputs()]

    def _activation(
        self, node: ov.Node, name: re.Match[str], preset: Preset, groups: Mapping[str, int]
    ) -> ActivationPoint:
        operators = tuple(sorted(_operators(node)))
        attention = [n for n in operators if self._is_product_of_activations(n)]
        fused = [n for n in operators if self._nodes[n].get_type_name() == "ScaledDotProductAttention"]
        forced = bool(fused) or (self._placement == "transformer" and bool(attention))
        return ActivationPoint(
            node=name["node"],
            port=int(name["port"]),
            before=name["kind"] == "input",
            symmetric=preset == "performance" or forced,
            signed=False,
            per_channel=bool(_axes(node)),
            operators=operators,
            group=groups.get(node.get_friendly_name()),
        )

    def _is_product_of_activations(self, name: str) -> bool:
        node = self._nodes[name]
        return node.get_type_name() == "MatMul" and all(
            value.get_source_output().get_node().get_friendly_name() in self._active for value in node.inputs()
        )

    def _first_convolutions(self, quantized: set[str]) -> set[str]:
        """Return the convolutions with quantised weights that come first after an input."""
        queue = deque(self._model.get_parameters())
        seen: set[str] = set()
        first = set()
        while queue:
            for node in consumers(queue.popleft()):
                name = node.get_friendly_name()
                if name in seen:
                    continue
                seen.add(name)
                if name in quantized and node.get_type_name() == "Convolution":
                    first.add(name)
                else:
                    queue.append(node)
        return first


def _name(target: ov.Input) -> str:
    return str(target.get_node().get_friendly_name())


def _axes(node: ov.Node) -> tuple[int, ...]:
    """Axes along which the ranges of a FakeQuantize differ."""
    shape = list(node.input(1).get_shape())
    missing = len(node.input(0).get_partial_shape()) - len(shape)
    return tuple(missing + axis for axis, extent in enumerate(shape) if extent > 1)


def _targets(start: ov.Node) -> Iterator[ov.Node]:
    """Yield the operators that read ``start``, also through operators that only move data (these too)."""
    queue, seen = deque([start]), set()
    while queue:
        for node in consumers(queue.popleft()):
            name = node.get_friendly_name()
            if name not in seen:
                seen.add(name)
                yield node
                if node.get_type_name() in _MOVERS:
                    queue.append(node)


def _operators(node: ov.Node) -> set[str]:
    ends = ("Result", FAKE_QUANTIZE, "ShapeOf")
    return {
        target.get_friendly_name()
        for target in _targets(node)
        if target.get_type_name() not in _MOVERS and target.get_type_name() not in ends
    }


def _groups(nodes: Iterable[ov.Node]) -> dict[str, int]:
    """Number the quantisers that NNCF gave a common range because a Concat joins them; by friendly name."""
    members: dict[tuple[str, bytes], list[ov.Node]] = {}
    for node in nodes:
        limits = b"".join(np.asarray(node.input_value(port).get_node().data).tobytes() for port in (1, 2))
        for target in _targets(node):
            if target.get_type_name() == "Concat":
                members.setdefault((target.get_friendly_name(), limits), []).append(node)
    groups: dict[str, int] = {}
    for number, group in enumerate(group for group in members.values() if len(group) > 1):
        groups.update({node.get_friendly_name(): number for node in group})
    return groups
