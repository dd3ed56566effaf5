"""Which linear layers really run with integer weights, and which of them on activations quantised at run time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from autotune.configuration import WeightForm, WeightSymmetry
from autotune.graph.integers import Compressed, decompression
from autotune.graph.linear import Linear
from autotune.measure.compiled import compile_model
from autotune.measure.profile import weight_bits

Shape = tuple[int, int, int]
_INT8 = WeightForm()
# Larger layers are tried in part: more rows or outputs are more of the same blocks.
_MOST_ROWS, _MOST_OUTPUTS = 64, 2048


def executed_compression(
    layers: Iterable[Linear], groups: Sequence[int], threads: int, form: WeightForm = _INT8
) -> dict[str, tuple[int, ...]]:
    """Return the layers that run with integer weights, each with those of ``groups`` that quantise its activations too.

    A layer of each size is tried, with symmetric and with affine weights. The type of the weights is read back. That
    activations are quantised, OpenVINO does not tell; it shows in the outputs, which then differ from those with the
    dynamic group 0. A group larger than the layer's inputs, or without VNNI any, is ignored without a word.

    Args:
        layers: whose inputs are whole groups of the form.
        groups: values of OpenVINO's DYNAMIC_QUANTIZATION_GROUP_SIZE above 0.
        form: of the weights.
    """
    layers = tuple(layers)
    shapes = {n.name: (min(n.rows, _MOST_ROWS), n.inputs, min(n.outputs, _MOST_OUTPUTS)) for n in layers}
    found = {shape: _executed(shape, groups, threads, form) for shape in dict.fromkeys(shapes.values())}
    return {name: ran for name, shape in shapes.items() if (ran := found[shape]) is not None}


def _executed(shape: Shape, groups: Sequence[int], threads: int, form: WeightForm) -> tuple[int, ...] | None:
    """Return the groups that quantise activations; None if the weights do not even stay integers."""
    ran = frozenset(groups)
    for symmetry in get_args(WeightSymmetry):
        outputs = _outputs(_layer(shape, symmetry, form), shape, form.bits, (0, *groups), threads)
        if outputs is None:
            return None
        ran &= {group for group in groups if not np.array_equal(outputs[0], outputs[group])}
    return tuple(group for group in groups if group in ran)


def _outputs(
    model: Any, shape: Shape, bits: int, groups: Iterable[int], threads: int
) -> Mapping[int, NDArray[np.float32]] | None:
    rows, inputs, _ = shape
    sample = {"x": np.random.default_rng(0).standard_normal((rows, inputs), np.float32)}
    found = {}
    for group in groups:
        try:
            compiled = compile_model(model, "f32", threads, group)
        except RuntimeError:  # no kernel for it
            return None
        if not any(weight_bits(node) == bits for node in compiled.nodes()):
            return None
        (found[group],) = compiled.infer(sample).values()
    return found


def _layer(shape: Shape, symmetry: WeightSymmetry, form: WeightForm) -> Any:
    """Return a model of one linear layer with integer weights."""
    rows, inputs, outputs = shape
    random = np.random.default_rng(1)
    levels: int = 2**form.bits
    stored = (outputs, inputs // form.group, form.group) if form.group else (outputs, inputs)
    integers = random.integers(0, levels - 1, stored, np.uint8)
    scales = random.random((*stored[:-1], 1), np.float32) / np.float32(levels)
    if symmetry == "affine":
        points = random.integers(levels * 2 // 5, levels * 3 // 5, scales.shape, np.uint8)
        made = Compressed(integers, scales, points)
    else:
        made = Compressed((integers.astype(np.int16) - (levels // 2 - 1)).astype(np.int8), scales)
    x = ops.parameter([rows, inputs], np.float32, name="x")
    x.output(0).set_names({"x"})
    weights = decompression(made, form, (outputs, inputs), "layer")
    return ov.Model([ops.matmul(x, weights, False, True)], [x], "probe")
