"""Fast bias correction, worked out from the means of the inputs: no inference.

NNCF's rule (``quantization/algorithms/fast_bias_correction``), after Nagel et al. 2019, section 4.2: quantised weights
shift the mean of an output channel by E[(Wq - W) x]; the bias takes that back. As NNCF, the mean of x per channel stands
for x; unlike it, the shift is taken between two outputs for the same constant image, so that the border of a padded
convolution, which is not a quantisation error, stays out of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import openvino as ov

from autotune.quantize.constants import constant_value, is_constant
from autotune.quantize.points import Placement
from autotune.quantize.ranges import Range
from autotune.quantize.statistics import Doubles, Floats

# A shift of twice the bias is taken for a mistake (NNCF's threshold): that operator keeps its bias.
_LARGEST_RATIO = 2.0


@dataclass(frozen=True, eq=False)
class Correctable:
    """An operator whose bias can be corrected: a Convolution or MatMul with constant weights and a constant added.

    Attributes:
        node: friendly name.
        port: input of the weights.
        activation: output whose values are multiplied with the weights.
        channel_axis: axis of ``activation`` that the operator sums over, not negative.
        bias: output of the constant, and the name of the Add.
    """

    node: str
    port: int
    activation: ov.Output
    channel_axis: int
    bias: ov.Output
    add: str


def correctable(model: ov.Model) -> list[Correctable]:
    """Return the operators that bias correction applies to, in topological order."""
    found = []
    for node in model.get_ordered_ops():
        port = _weight_port(node)
        add = _bias_add(node) if port is not None else None
        if port is None or add is None:
            continue
        activation = node.input_value(1 - port)
        rank = activation.get_partial_shape().rank
        if rank.is_dynamic or rank.get_length() == 0:
            continue
        axis = 1 if node.get_type_name() == "Convolution" else _summed_axis(node, port, rank.get_length())
        constant = next(i for i in (1, 0) if _is_plain_constant(add.input_value(i)))
        found.append(
            Correctable(node.get_friendly_name(), port, activation, axis, add.input_value(constant), add.get_friendly_name())
        )
    return found
