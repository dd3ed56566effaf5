"""Generated graphs of any depth: stacks of small residual blocks, of convolutions or of linear layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import openvino as ov
from openvino import opset13 as ops

Kind = Literal["convolution", "matmul"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Two operators with weights and the addition that ends the block.
PER_BLOCK = 3
_CHANNELS, _SIZE, _TOKENS, _WIDTH = 8, 8, 4, 16
# Of the second layer: so that the sums of many blocks do not grow without limit.
_SMALL = 0.1

SHAPES: dict[Kind, tuple[int, ...]] = {"convolution": (1, _CHANNELS, _SIZE, _SIZE), "matmul": (1, _TOKENS, _WIDTH)}


def stack(kind: Kind, operators: int, seed: int = 0) -> ov.Model:
    """Return a model with about so many operators that can be quantised, at least one block; weights are random."""
    rng = np.random.default_rng(seed)
    layer = {"convolution": _convolution, "matmul": _matmul}[kind]
    start = ops.parameter(list(SHAPES[kind]), np.float32, name="x")
    start.output(0).set_names({"x"})
    value = start.output(0)
    for number in range(max(1, round(operators / PER_BLOCK))):
        inner = ops.relu(layer(rng, value, f"block{number}/first", 1.0), name=f"block{number}/relu")
        outer = layer(rng, inner.output(0), f"block{number}/second", _SMALL)
        value = ops.add(value, outer, name=f"block{number}/sum").output(0)
    flat = ops.reshape(value, ops.constant(np.array([1, -1])), False, name="flat")
    flat.output(0).set_names({"y"})
    return ov.Model([flat], [start], f"{kind}-{operators}")


def samples(kind: Kind, count: int, seed: int = 1) -> np.ndarray:
    """Return inputs, float32 (count, ...)."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, *SHAPES[kind][1:]), dtype=np.float32)


Layer = Callable[[np.random.Generator, ov.Output, str, float], ov.Output]


def _convolution(rng: np.random.Generator, value: ov.Output, name: str, scale: float) -> ov.Output:
    weights = _random(rng, (_CHANNELS, _CHANNELS, 3, 3), scale / np.sqrt(_CHANNELS * 9))
    one = ops.convolution(value, weights, [1, 1], [1, 1], [1, 1], [1, 1], name=name)
    return ops.add(one, _random(rng, (1, _CHANNELS, 1, 1), 0.1), name=f"{name}/bias").output(0)


def _matmul(rng: np.random.Generator, value: ov.Output, name: str, scale: float) -> ov.Output:
    one = ops.matmul(value, _random(rng, (_WIDTH, _WIDTH), scale / np.sqrt(_WIDTH)), False, True, name=name)
    return ops.add(one, _random(rng, (1, 1, _WIDTH), 0.1), name=f"{name}/bias").output(0)


def _random(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> ov.Node:
    return ops.constant((scale * rng.standard_normal(shape)).astype(np.float32))
