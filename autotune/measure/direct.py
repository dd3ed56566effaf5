"""Whether convolutions have kernels of both families here, and which ran in the one that they asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from autotune.graph.kernels import prefer_direct
from autotune.measure.compiled import compile_model
from autotune.record import OperatorRun

# Convolutions as matrix products: batched, or one behind a copy that unfolds the image. OpenVINO takes the latter for a
# convolution that asks for another kernel and reads a tensor of 4 or more channels in the layout of the model's inputs.
_PRODUCTS = ("brgconv", "jit_gemm")


@cache
def has_direct_kernels() -> bool:
    """Tell whether asking for direct convolution changes which kernels run: tried on a small model, float and int8."""
    return any(_families(_probe(int8, direct=True)) != _families(_probe(int8, direct=False)) for int8 in (False, True))


def not_direct(operators: Sequence[str], runs: Iterable[OperatorRun]) -> list[str]:
    """Name those of the convolutions that ran as matrix products all the same, with their kernel."""
    ran = {run.name: run.kernel for run in runs if run.kernel.startswith(_PRODUCTS)}
    return [f"{name} ({ran[name]})" for name in operators if name in ran]


def _families(model: Any) -> list[bool]:
    nodes = compile_model(model, "f32", 1).nodes()
    return [node.kernel.startswith(_PRODUCTS) for node in nodes if node.type == "Convolution"]


def _probe(int8: bool, direct: bool) -> Any:
    """Return a model of a dense, a depthwise and a pointwise convolution of an image."""
    random = np.random.default_rng(0)

    def quantised(node: Any, levels: int, low: float) -> Any:
        ends = [ops.constant(np.full((1,), end, np.float32)) for end in (low, 1.0)]
        return ops.fake_quantize(node, *ends, *ends, levels) if int8 else node

    def weights(*shape: int) -> Any:
        values = ops.constant(random.uniform(-1, 1, shape).astype(np.float32))
        return quantised(values, 255, -1.0)

    image = ops.parameter([1, 3, 8, 8], np.float32, name="image")
    ones, edges = [1, 1], [1, 1]
    node: Any = quantised(image, 256, 0.0)
    node = quantised(ops.relu(ops.convolution(node, weights(16, 3, 3, 3), ones, edges, edges, ones)), 256, 0.0)
    node = quantised(ops.relu(ops.group_convolution(node, weights(16, 1, 1, 3, 3), ones, edges, edges, ones)), 256, 0.0)
    node = ops.relu(ops.convolution(node, weights(16, 16, 1, 1), ones, [0, 0], [0, 0], ones))
    model = ov.Model([node], [image], "probe")
    for convolution in model.get_ordered_ops():
        if direct and convolution.get_type_name() in ("Convolution", "GroupConvolution"):
            prefer_direct(convolution)
    return model
