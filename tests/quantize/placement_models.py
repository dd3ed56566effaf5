"""Small real models that between them have what placement must get right."""

from __future__ import annotations

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from autotune.data import Dataset


def _weights(rng: np.random.Generator, *shape: int) -> ov.Node:
    return ops.constant((rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32))


def _conv(x: ov.Node, rng: np.random.Generator, channels: int, name: str, kernel: int = 3) -> ov.Node:
    weights = _weights(rng, channels, x.get_output_shape(0)[1], kernel, kernel)
    pad = [kernel // 2] * 2
    return _biased(ops.convolution(x, weights, [1, 1], pad, pad, [1, 1], name=name), rng, channels)


def _biased(x: ov.Node, rng: np.random.Generator, channels: int) -> ov.Node:
    bias = rng.uniform(0.1, 0.5, (1, channels, 1, 1)).astype(np.float32)
    return ops.add(x, bias, name=f"{x.get_friendly_name()}/bias")


def convolutions() -> ov.Model:
    """Depthwise separable blocks, a residual addition, a joined Concat, a transposed convolution and a classifier."""
    rng = np.random.default_rng(1)
    image = ops.parameter([1, 3, 16, 16], np.float32, name="image")
    image.output(0).set_names({"image"})
    stem = ops.relu(_conv(image, rng, 8, "stem"), name="stem/relu")
    depthwise = ops.group_convolution(
        stem, _weights(rng, 8, 1, 1, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1], name="depthwise"
    )
    block = ops.relu(_biased(depthwise, rng, 8), name="depthwise/relu")
    residual = ops.add(_conv(block, rng, 8, "pointwise", 1), stem, name="residual")
    left = ops.relu(_conv(residual, rng, 4, "left", 1), name="left/relu")
    right = ops.max_pool(residual, [1, 1], [1, 1], [0, 0], [0, 0], [1, 1], name="pool").output(0)
    joined = ops.concat([left, right], 1, name="joined")
    merged = ops.relu(_conv(joined, rng, 8, "merge"), name="merge/relu")
    up = ops.convolution_backprop_data(merged, _weights(rng, 8, 6, 2, 2), [2, 2], name="up")
    mean = ops.reduce_mean(up, np.array([2, 3]), name="mean")
    scores = ops.matmul(mean, _weights(rng, 6, 5), False, False, name="classifier")
    return _model(scores, [image], "scores")


def attention() -> ov.Model:
    """Embedding, a self-attention block (which OpenVINO fuses), a feed-forward block and layer norms."""
    rng = np.random.default_rng(2)
    ids = ops.parameter([1, 8], np.int64, name="ids")
    ids.output(0).set_names({"ids"})
    x = ops.gather(_weights(rng, 50, 16), ids, np.int64(0), name="embedding")
    x = ops.add(x, _weights(rng, 1, 8, 16), name="positions")
    x = _norm(x, "norm")
    query, key, value = (_split_heads(_linear(x, rng, 16, part), part) for part in ("query", "key", "value"))
    chances = ops.softmax(ops.matmul(query, key, False, True, name="scores"), -1, name="chances")
    mixed = ops.matmul(chances, value, False, False, name="mixed")
    merged = ops.reshape(ops.transpose(mixed, np.array([0, 2, 1, 3])), np.array([1, 8, 16]), False, name="merged")
    x = _norm(ops.add(x, _linear(merged, rng, 16, "projection"), name="skip"), "norm2")
    hidden = ops.gelu(_linear(x, rng, 32, "up"), "erf", name="gelu")
    x = ops.add(x, _linear(hidden, rng, 16, "down"), name="skip2")
    return _model(_linear(ops.reduce_mean(x, np.array([1]), name="pooled"), rng, 4, "head"), [ids], "scores")


def products() -> ov.Model:
    """Products of two activations that stay MatMuls, and a linear layer."""
    rng = np.random.default_rng(5)
    x = ops.parameter([1, 8, 16], np.float32, name="x")
    x.output(0).set_names({"x"})
    scores = ops.matmul(_linear(x, rng, 16, "query"), _linear(x, rng, 16, "key"), False, True, name="scores")
    chances = ops.softmax(ops.maximum(scores, np.float32(-50), name="floor"), -1, name="chances")
    mixed = ops.relu(ops.matmul(chances, x, False, False, name="mixed"), name="mixed/relu")
    return _model(_linear(mixed, rng, 4, "head"), [x], "y")


def masked(value: float) -> ov.Model:
    """Two linear layers, one of which reads ``value`` in its last row."""
    rng = np.random.default_rng(7)
    x = ops.parameter([1, 8, 16], np.float32, name="x")
    x.output(0).set_names({"x"})
    rows = np.zeros((1, 8, 1), np.float32)
    rows[:, -1] = value
    hidden = ops.tanh(_linear(ops.add(x, rows, name="masked"), rng, 4, "blind"))
    return _model(ops.add(hidden, _linear(x, rng, 4, "sighted"), name="sum"), [x], "y")


def constant_gather() -> ov.Model:
    """A table read at constant places, added to an activation."""
    rng = np.random.default_rng(6)
    x = ops.parameter([1, 8, 16], np.float32, name="x")
    x.output(0).set_names({"x"})
    table = ops.gather(_weights(rng, 20, 16), np.arange(8)[None], np.int64(0), name="table")
    return _model(_linear(ops.add(x, table, name="sum"), rng, 4, "linear"), [x], "y")


def _linear(x: ov.Node, rng: np.random.Generator, features: int, name: str) -> ov.Node:
    weights = _weights(rng, features, int(x.get_output_shape(0)[-1]))
    bias = rng.uniform(0.1, 0.5, features).astype(np.float32)
    return ops.add(ops.matmul(x, weights, False, True, name=name), bias, name=f"{name}/bias")


def _split_heads(x: ov.Node, name: str) -> ov.Node:
    return ops.transpose(ops.reshape(x, np.array([1, 8, 2, 8]), False), np.array([0, 2, 1, 3]), name=f"{name}/heads")


def _norm(x: ov.Node, name: str) -> ov.Node:
    return ops.mvn(x, np.array([-1]), True, 1e-5, "inside_sqrt", name=name)


def shared_weights() -> ov.Model:
    """Two products with one weight matrix, and one output of a Split for each."""
    rng = np.random.default_rng(3)
    x = ops.parameter([1, 4, 16], np.float32, name="x")
    x.output(0).set_names({"x"})
    halves = ops.split(x, np.int64(1), 2, name="halves")
    weights = _weights(rng, 16, 16)
    first = ops.relu(ops.matmul(halves.output(0), weights, False, False, name="first"))
    second = ops.relu(ops.matmul(halves.output(1), weights, False, False, name="second"))
    return _model(ops.concat([first, second], 1, name="both"), [x], "y")


def elementwise() -> ov.Model:
    """Nothing in here computes in int8."""
    x = ops.parameter([1, 4], np.float32, name="x")
    x.output(0).set_names({"x"})
    return _model(ops.tanh(ops.sigmoid(x)), [x], "y")


def _model(result: ov.Node, inputs: list[ov.Node], name: str) -> ov.Model:
    result.output(0).set_names({name})
    return ov.Model([result], inputs, name)


def samples(model: ov.Model, count: int = 12) -> Dataset:
    """Random samples for a model of this module."""
    rng = np.random.default_rng(4)
    inputs = {}
    for port in model.inputs:
        shape = (count, *port.get_shape()[1:])
        if port.get_element_type().is_integral():
            inputs[port.get_any_name()] = rng.integers(0, 50, shape)
        else:
            inputs[port.get_any_name()] = rng.normal(size=shape).astype(np.float32)
    return Dataset(inputs)
