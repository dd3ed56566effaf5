"""Put quantisers and biases into a copy of the float model."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import openvino as ov
import openvino.opset13 as ops

from autotune.graph.constants import constant
from autotune.graph.inspect import extents
from autotune.quantize.correctable import bias_input
from autotune.quantize.points import Placement
from autotune.quantize.ranges import Range
from autotune.quantize.statistics import Floats
from autotune.quantize.stored import Stored, integers_instead


def build(
    model: ov.Model,
    placement: Placement,
    activations: Mapping[str, Range],
    weights: Mapping[str, Range],
    biases: Mapping[str, Floats],
    *,
    stored: Mapping[str, Stored] = MappingProxyType({}),
) -> ov.Model:
    """Return a copy of ``model`` with the FakeQuantizes of ``placement``, named as NNCF names them.

    The caller's model stays as it is (constants are replaced, never written to). Weights are not compressed but for
    those that are ``stored``.

    Args:
        activations, weights: ranges by quantiser name.
        stored: weights by quantiser name that are put in as integers at once.
        biases: new biases by operator friendly name; skipped where a quantiser came between operator and bias.
    """
    copy = model.clone()
    nodes = {node.get_friendly_name(): node for node in copy.get_ops()}
    for quantizer in placement.activations:
        node, chosen = nodes[quantizer.node], activations[quantizer.name]
        if quantizer.side == "output":
            output = node.output(quantizer.port)
            targets = output.get_target_inputs()
            inserted = _fake_quantize(output, chosen, quantizer.name)
            for target in targets:
                target.replace_source_output(inserted)
        else:
            target = node.input(quantizer.port)
            target.replace_source_output(_fake_quantize(target.get_source_output(), chosen, quantizer.name))
    made: dict[str, ov.Output] = {}  # operators that share weights share the first one's quantiser
    for weight in placement.weights:
        target = nodes[weight.node].input(weight.port)
        source = target.get_source_output()
        place = f"{source.get_node().get_name()}:{source.get_index()}"
        if place not in made:
            integers = stored.get(weight.name)
            made[place] = (
                _fake_quantize(source, weights[weight.name], weight.name)
                if integers is None
                else integers_instead(source, integers, weight.name)
            )
        target.replace_source_output(made[place])
    for name, bias in biases.items():
        target = bias_input(nodes[name].output(0))
        if target is not None:
            _replace_constant(target, bias)
    return copy  # not validated anew: what was put in has the types and shapes of what it replaces


def _fake_quantize(output: ov.Output, chosen: Range, name: str) -> ov.Output:
    kind = output.get_element_type()
    borders = [
        constant(values, kind, f"{name}/{side}_{label}").output(0)
        for label, values in (("low", chosen.low), ("high", chosen.high))
        for side in ("input", "output")
    ]
    input_low, output_low, input_high, output_high = borders
    return ops.fake_quantize(output, input_low, input_high, output_low, output_high, chosen.levels, name=name).output(0)


def _replace_constant(target: ov.Input, values: Floats) -> None:
    old = target.get_source_output()
    stored = (
        old.get_node() if old.get_node().get_type_name() == "Constant" else old.get_node().input_value(0).get_node()
    )
    new = constant(values.reshape(extents(old.get_shape())), old.get_element_type(), stored.get_friendly_name())
    target.replace_source_output(new.output(0))
