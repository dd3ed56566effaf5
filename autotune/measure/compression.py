"""Which linear layers really run with int8 weights, and which of them on activations quantised at run time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from autotune.configuration import WeightSymmetry
from autotune.graph.linear import Linear
from autotune.measure.compiled import compile_model
from autotune.measure.profile import has_int8_weights

Shape = tuple[int, int, int]
_LEVELS = 255
# Larger layers are tried in part: more rows or outputs are more of the same blocks.
_MOST_ROWS, _MOST_OUTPUTS = 64, 2048


def executed_compression(layers: Iterable[Linear], groups: Sequence[int], threads: int) -> dict[str, tuple[int, ...]]:
    """Return the layers that run with int8 weights, each with those of ``groups`` that quantise its activations too.

    A layer of each size is tried, with symmetric and with affine weights. That weights are int8 is read back. That
    activations are quantised, OpenVINO does not tell; it shows in the outputs, which then differ from those with the
    dynamic group 0. A group larger than the layer's inputs, or without VNNI any, is ignored without a word.

    Args:
        groups: values of OpenVINO's DYNAMIC_QUANTIZATION_GROUP_SIZE above 0.
    """
    layers = tuple(layers)
    shapes = {n.name: (min(n.rows, _MOST_ROWS), n.inputs, min(n.outputs, _MOST_OUTPUTS)) for n in layers}
    found = {shape: _executed(shape, groups, threads) for shape in dict.fromkeys(shapes.values())}
    return {name: ran for name, shape in shapes.items() if (ran := found[shape]) is not None}


def _executed(shape: Shape, groups: Sequence[int], threads: int) -> tuple[int, ...] | None:
    """Return the groups that quantise activations; None if the weights do not even stay int8."""
    ran = frozenset(groups)
    for symmetry in get_args(WeightSymmetry):
        outputs = _outputs(shape, symmetry, (0, *groups), threads)
        if outputs is None:
            return None
        ran &= {group for group in groups if not np.array_equal(outputs[0], outputs[group])}
    return tuple(group for group in groups if group in ran)


def _outputs(
    shape: Shape, symmetry: WeightSymmetry, groups: Iterable[int], threads: int
) -> Mapping[int, NDArray[np.float32]] | None:
    rows, inputs, _ = shape
    sample = {"x": np.random.default_rng(0).standard_normal((rows, inputs), np.float32)}
    model = _layer(shape, symmetry)
    found = {}
    for group in groups:
        try:
            compiled = compile_model(model, "f32", threads, group)
        except RuntimeError:  # no kernel for it
            return None
        if not any(has_int8_weights(node) for node in compiled.nodes()):
            return None
        (found[group],) = compiled.infer(sample).values()
    return found


def _layer(shape: Shape, symmetry: WeightSymmetry) -> Any:
    """Return a model of one linear layer with int8 weights."""
    rows, inputs, outputs = shape
    random = np.random.default_rng(1)
    levels = random.integers(0, _LEVELS, (outputs, inputs), np.uint8)
    integers = levels if symmetry == "affine" else (levels.astype(np.int16) - 127).astype(np.int8)
    weights = ops.convert(ops.constant(integers), "f32")
    if symmetry == "affine":
        points = random.integers(100, 150, (outputs, 1), np.uint8)
        weights = ops.subtract(weights, ops.convert(ops.constant(points), "f32"))
    weights = ops.multiply(weights, ops.constant(random.random((outputs, 1), np.float32) / _LEVELS))
    x = ops.parameter([rows, inputs], np.float32, name="x")
    x.output(0).set_names({"x"})
    return ov.Model([ops.matmul(x, weights, False, True)], [x], "probe")
