"""Is a written model the module that was trained? Compared with waves in the place of rounding.

Where values are rounded, a sum of floats in another order moves single ones into the neighbouring of 256 steps, and
layers make much of it: a constant that changed by a millionth moved the outputs of an ALBERT by up to 0.3 of their root
mean square, as much as its quantisers do. So a module and a model are compared in which no quantiser of activations
rounds any more. It clips as before, and adds a wave of so many of its steps to a length: other quantisers, ranges, axes
or steps are other waves, and floats in another order make no difference. Weights are the rounded ones.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import torch
from nncf.torch.function_hook.nncf_graph.nncf_graph_builder import build_nncf_graph
from nncf.torch.quantization.layers import BaseQuantizer

from autotune.measure.compiled import emulating
from autotune.training.learning import outputs
from autotune.training.quantizing import replace_part
from autotune.training.starting import of_activations

Sample = Mapping[str, torch.Tensor]

# Steps to a wave: no divisor of 255 or 256, so that a value at either end of a range moves.
_LENGTH = 70.0
# The most by which a wave changes a slope: the network stays one that its weights were made for.
_STEEP = 0.2
# The least mean square of an output that a difference is relative to.
_LEAST = 1e-18
_AMPLITUDE = _STEEP * _LENGTH / (2 * math.pi)


def difference(model: ov.Model, student: torch.nn.Module, samples: Sequence[Sample]) -> float:
    """Return how far the model is from the module: root mean square, relative to that of the module's outputs.

    Args:
        model: that the module was written as.
        samples: inputs by parameter, batch 1. All count as one; of several outputs, the worst does.
    """
    waving = copy.deepcopy(student)
    for name in of_activations(build_nncf_graph(student, dict(samples[0]))):
        replace_part(waving, name, _Wave(student.get_submodule(name)))
    plain, properties = emulating(_waving(model), "f32", torch.get_num_threads())
    compiled = ov.Core().compile_model(plain, "CPU", properties)
    known = [(port, port.get_names()) for port in compiled.inputs]
    floats = [port for port in compiled.outputs if port.get_element_type().is_real()]
    errors, sizes = [], []
    for sample in samples:
        with torch.no_grad():
            wanted = [tensor.double().numpy() for tensor in outputs(waving, sample)]
        found = compiled({port: sample[next(n for n in sample if n in names)].numpy() for port, names in known})
        errors.append([np.mean((found[port] - values) ** 2) for port, values in zip(floats, wanted, strict=True)])
        sizes.append([np.mean(values**2) for values in wanted])
    shares = np.mean(errors, 0) / np.maximum(np.mean(sizes, 0), _LEAST)
    return float(np.sqrt(np.max(shares)))


class _Wave(torch.nn.Module):  # type: ignore[misc]
    """Stands for a quantiser of activations."""

    def __init__(self, quantizer: BaseQuantizer) -> None:
        super().__init__()
        low, high = (values.detach().clone() for values in quantizer.get_input_low_input_high())
        self.register_buffer("low", low)
        self.register_buffer("high", high)
        self.register_buffer("step", (high - low) / (quantizer.levels - 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        clipped = torch.minimum(torch.maximum(x, self.low), self.high)
        return clipped + _AMPLITUDE * self.step * torch.sin(clipped / self.step * (2 * math.pi / _LENGTH))


def _waving(model: ov.Model) -> ov.Model:
    """Return a copy of a model with waves for each FakeQuantize of what is computed of its inputs, not of weights."""
    copied = model.clone()
    computed: set[str] = set()
    found = []
    for node in copied.get_ordered_ops():
        kind, names = node.get_type_name(), {v.get_node().get_friendly_name() for v in node.input_values()}
        if kind == "Parameter" or (kind != "ShapeOf" and not computed.isdisjoint(names)):
            computed.add(node.get_friendly_name())
            found += [node] if kind == "FakeQuantize" else []
    for node in found:
        node.output(0).replace(_wave(node).output(0))
    return copied


def _wave(node: ov.Node) -> ov.Node:
    x, low, high, least, most = (value.get_source_output() for value in node.inputs())
    part = ops.clamp(ops.divide(ops.subtract(x, low), ops.subtract(high, low)), 0.0, 1.0)
    span = ops.subtract(most, least)
    clipped = ops.add(ops.multiply(part, span), least)
    step = ops.divide(span, np.float32(node.get_attributes()["levels"] - 1))
    wave = ops.sin(ops.multiply(ops.divide(clipped, step), np.float32(2 * math.pi / _LENGTH)))
    return ops.add(clipped, ops.multiply(ops.multiply(wave, step), np.float32(_AMPLITUDE)))
