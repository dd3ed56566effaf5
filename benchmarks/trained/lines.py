"""PP-OCRv4's recogniser of lines of text as a PyTorch module: the network of ``lines.yaml``.

Its authors publish it for PaddlePaddle and as ONNX. Here the operators of the OpenVINO graph are those of PyTorch, one
for one, and its constants are parameters. Softmax is left out: the best character of each place is the same without.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import torch
from torch import nn
from torch.nn import functional

WIDTH = 320
JUDGED, TRAINED_ON = 900, 2000
PACKAGE = "rapidocr-onnxruntime==1.4.4"
FILE = "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"
SHA256 = "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b"

Operation = Callable[..., torch.Tensor]


def _convolution(node: Any) -> Operation:
    a = node.get_attributes()
    groups = node.input_value(1).get_shape()[0] if node.get_type_name() == "GroupConvolution" else 1
    assert a["pads_begin"] == a["pads_end"]
    return lambda x, w: functional.conv2d(x, w, None, a["strides"], a["pads_begin"], a["dilations"], groups)


def _product(node: Any) -> Operation:
    a = node.get_attributes()

    def operation(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        x = x.transpose(-1, -2) if a["transpose_a"] else x
        if y.ndim == 2 and a["transpose_b"]:
            return functional.linear(x, y)
        return x @ (y.transpose(-1, -2) if a["transpose_b"] else y)

    return operation


def _pool(node: Any) -> Operation:
    a = node.get_attributes()
    assert not any(a["pads_begin"] + a["pads_end"])
    return lambda x: functional.avg_pool2d(x, a["kernel"], a["strides"])


def _normalisation(node: Any) -> Operation:
    epsilon = node.get_attributes()["eps"]
    return lambda x: functional.layer_norm(x, x.shape[-1:], eps=epsilon)


def _reshape(node: Any) -> Operation:
    target = [-1, *list(node.output(0).get_shape())[1:]]  # the first axis is that of samples
    return lambda x: x.reshape(target)


def _transpose(node: Any) -> Operation:
    order = _numbers(node, 1)
    return lambda x: x.permute(order)


def _mean(node: Any) -> Operation:
    axes = _numbers(node, 1)
    return lambda x: x.mean(axes, keepdim=True)


def _concat(node: Any) -> Operation:
    axis = node.get_attributes()["axis"]
    return lambda *parts: torch.cat(parts, axis)


def _plain(operation: Operation) -> Callable[[Any], Operation]:
    return lambda _node: operation


# How each operator is made, and how many of its inputs are tensors.
OPERATORS: dict[str, tuple[Callable[[Any], Operation], int]] = {
    "Add": (_plain(torch.add), 2),
    "AvgPool": (_pool, 1),
    "Concat": (_concat, 2),
    "Convolution": (_convolution, 2),
    "GroupConvolution": (_convolution, 2),
    "HSwish": (_plain(functional.hardswish), 1),
    "HardSigmoid": (_plain(functional.hardsigmoid), 1),
    "MVN": (_normalisation, 1),
    "MatMul": (_product, 2),
    "Multiply": (_plain(torch.mul), 2),
    "ReduceMean": (_mean, 1),
    "Relu": (_plain(functional.relu), 1),
    "Reshape": (_reshape, 1),
    "ScaledDotProductAttention": (
        _plain(lambda q, k, v: torch.softmax(q @ k.transpose(-1, -2), -1) @ v),  # its scale is 1 here
        3,
    ),
    "Swish": (_plain(functional.silu), 1),
    "Transpose": (_transpose, 1),
}


def _numbers(node: Any, port: int) -> list[int]:
    return [int(value) for value in node.input_value(port).get_node().data.reshape(-1)]


class Recogniser(nn.Module):  # type: ignore[misc]
    """(n, 3, 48, width) of lines to (n, width / 8, 6625) logits of characters."""

    def __init__(self, model: ov.Model) -> None:
        super().__init__()
        self.constants = nn.ParameterDict()
        self._steps: list[tuple[str, Operation, list[str]]] = []
        for node in model.get_ordered_ops():
            kind, name = node.get_type_name(), node.get_name()
            if kind == "Parameter":
                self._input = name
            elif kind == "VariadicSplit":
                axis, count = _numbers(node, 1)[0], len(node.outputs())
                for port in range(count):
                    self._steps.append((f"{name}:{port}", _part(axis, count, port), self._tensors(node, 1)))
            elif kind == "Softmax":
                self._output = self._tensors(node, 1)[0]
            elif kind not in ("Constant", "Result"):
                make, tensors = OPERATORS[kind]
                self._steps.append((f"{name}:0", make(node), self._tensors(node, tensors)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        known = {f"{self._input}:0": x}
        for name, operation, inputs in self._steps:
            known[name] = operation(*(known[i] if i in known else self.constants[i] for i in inputs))
        return known[self._output]

    def _tensors(self, node: Any, count: int) -> list[str]:
        names = []
        for output in node.input_values()[:count]:
            source = output.get_node()
            name = source.get_name()
            if source.get_type_name() == "Constant":
                values = torch.tensor(np.array(source.data))
                grouped = node.get_type_name() == "GroupConvolution"  # PyTorch's weights have no axis of groups
                self.constants[name] = nn.Parameter(values.flatten(0, 1) if grouped else values)
            names.append(name if name in self.constants else f"{name}:{output.get_index()}")
        return names


def _part(axis: int, count: int, port: int) -> Operation:
    return lambda x: x.chunk(count, axis)[port]


def network() -> nn.Module:
    """Return the network with the published weights."""
    from autotune.graph.normalise import normalise
    from autotune.sources.package import fetch

    model = ov.Core().read_model(fetch(PACKAGE, FILE, SHA256))
    model.reshape([1, 3, 48, WIDTH])
    return Recogniser(normalise(model)[0]).eval()


def make(folder: Path) -> None:
    """Write lines to judge on, labelled with what float reads in each place, and others to train on."""
    from autotune.sources.builtin.drawn_lines import draw, preprocess, texts

    random = np.random.default_rng(0)
    written = texts(JUDGED + TRAINED_ON, random)
    rows = np.stack([preprocess(draw(text, WIDTH, random), WIDTH) for text in written])
    with torch.no_grad():
        read = [part.argmax(2) for part in map(network(), torch.tensor(rows[:JUDGED]).split(50))]
    np.savez(folder / "data.npz", x=rows[:JUDGED], labels=torch.cat(read).numpy())
    np.savez(folder / "train.npz", x=rows[JUDGED:])
