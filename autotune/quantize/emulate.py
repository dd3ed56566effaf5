"""One compiled graph for any set of quantisers: each can be switched on and off at run time.

It emulates int8 in f32: a FakeQuantize where a candidate would have an int8 kernel. So it tells what a candidate does
to the outputs, never how fast it is. Saturation of 8-bit sums is not emulated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from autotune.graph.constants import constant_value
from autotune.graph.inspect import nodes_by_name
from autotune.quantize.bias import quantized
from autotune.quantize.build import build
from autotune.quantize.correctable import bias_input
from autotune.quantize.points import ActivationQuantizer, Placement, WeightQuantizer
from autotune.quantize.ranges import Range
from autotune.quantize.statistics import Floats

# Name of the additional input: booleans, one per switch.
SWITCHES = "autotune/switches"
Switches = NDArray[np.bool_]


class Emulation:
    """A float model with switchable quantisers.

    Attributes:
        model: the float model's inputs, and :data:`SWITCHES`, bool (switches,).
    """

    def __init__(
        self,
        model: ov.Model,
        placements: Sequence[Placement],
        activations: Mapping[str, Range],
        weights: Mapping[str, Range],
        biases: Mapping[str, Floats],
    ) -> None:
        """Build the graph; ``model`` stays as it is.

        Args:
            placements: at least one that is not empty; all their quantisers get a switch, of the same name one.
            activations, weights: ranges by quantiser name.
            biases: corrected biases by operator; each goes with the operator's weights.
        """
        everything = merged(placements)
        self.model = build(model, everything, activations, weights, {})
        nodes = nodes_by_name(self.model)
        # Weights that operators share have one quantiser, named after the first of them.
        quantizers: dict[str, str] = {
            weight.name: _quantizer(nodes[weight.node].input(weight.port)) for weight in everything.weights
        }
        quantizers |= {activation.name: activation.name for activation in everything.activations}
        places = {name: place for place, name in enumerate(dict.fromkeys(quantizers.values()))}
        self._places = {name: places[quantizer] for name, quantizer in quantizers.items()}
        self._count = len(places)
        signals = self._add_switches()
        for weight in everything.weights:
            target = bias_input(nodes[weight.node].output(0)) if weight.node in biases else None
            if target is not None:
                old = target.get_source_output()
                new = ops.constant(biases[weight.node].reshape(old.get_shape()), old.get_element_type())
                target.replace_source_output(_choose(signals[self._places[weight.name]], new.output(0), old))
        for name, place in places.items():
            output = nodes[name].output(0)
            targets = output.get_target_inputs()
            plain = nodes[name].input_value(0)
            if name in weights:
                chosen = _gather(signals[place], plain, weights[name])
            else:
                chosen = _choose(signals[place], output, plain)
            for target in targets:
                target.replace_source_output(chosen)
        self.model.validate_nodes_and_infer_types()

    def _add_switches(self) -> list[ov.Output]:
        given = ops.parameter([self._count], bool, name=SWITCHES)
        given.output(0).set_names({SWITCHES})
        self.model.add_parameters([given])
        return list(ops.split(given, np.int64(0), self._count).outputs()) if self._count > 1 else [given.output(0)]

    def switches(self, placement: Placement) -> Switches:
        """Return the input that switches on exactly the quantisers of ``placement``; an empty one gives float f32.

        Raises:
            KeyError: it has a quantiser that this emulation was not built with.
        """
        on = np.zeros(self._count, np.bool_)
        names = [q.name for q in placement.activations] + [q.name for q in placement.weights]
        on[[self._places[name] for name in names]] = True
        return on


def merged(placements: Iterable[Placement]) -> Placement:
    """Return all quantisers of ``placements``, the first of each name."""
    activations: dict[str, ActivationQuantizer] = {}
    weights: dict[str, WeightQuantizer] = {}
    for placement in placements:
        for activation in placement.activations:
            activations.setdefault(activation.name, activation)
        for weight in placement.weights:
            weights.setdefault(weight.name, weight)
    return Placement(tuple(activations.values()), tuple(weights.values()))


def _quantizer(weights: ov.Input) -> str:
    return str(weights.get_source_output().get_node().get_friendly_name())


def _choose(signal: ov.Output, quantized: ov.Output, plain: ov.Output) -> ov.Output:
    return ops.select(signal, quantized, plain).output(0)


def _gather(signal: ov.Output, plain: ov.Output, chosen: Range) -> ov.Output:
    """Choose between weights and quantised weights: a copy of one of both, ten times faster than a select."""
    values = constant_value(plain).reshape(plain.get_shape())
    both = ops.constant(np.stack([values, quantized(values, chosen)]), plain.get_element_type())
    index = ops.squeeze(ops.convert(signal, np.int32), np.array([0], np.int64))
    return ops.gather(both, index, np.int64(0)).output(0)
