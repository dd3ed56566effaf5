"""Activation functions written out in arithmetic, as the one operator that OpenVINO fuses into the layer before it.

Exporters write GELU and its like as up to nine additions, products and a tanh, in an order of their own, and OpenVINO's
own transformations know some of those. Here the function is recognised by what it computes: the operators between one
tensor and one result, which use numbers and that tensor alone, are evaluated on a dense grid and compared.

What is written out and the one operator are equally far from the exact function, by last bits of f32, but not by the
same. A normalisation that takes E[x]^2 from E[x^2] enlarges that wherever x hardly varies: on 10 of 601 files outputs
of magika move by more than 1e-4 relative, by 8.5e-4 at most. That is within the error of f32 itself: of the eight that
move most, all are nearer to the outputs in f64 with the form (2.1e-3 at worst) than without it (3.0e-3 at worst).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray
from scipy.special import erf, expit

from autotune.forms.base import chosen_groups
from autotune.forms.elementwise import activations_of
from autotune.forms.weighted import weighted
from autotune.graph.constants import constant_value, is_constant
from autotune.graph.inspect import extents

Doubles = NDArray[np.float64]
_Sources = Mapping[str, list[ov.Output]]

_FEWEST, _MOST = 3, 16  # operators of a function that is written out
_CLOSE = 2e-6  # what f32 makes of the functions' numbers
# Dense where these functions bend, and far out on both sides, where they are straight lines.
_GRID: Doubles = np.concatenate([np.linspace(-12, 12, 4801), [-1e3, -100, -50, -20, 20, 50, 100, 1e3]])

# What an operator of the arithmetic computes. Others are not evaluated, so not recognised.
_ARITHMETIC: dict[str, Callable[..., Doubles]] = {
    "Add": np.add, "Subtract": np.subtract, "Multiply": np.multiply, "Divide": np.divide, "Power": np.power,
    "Maximum": np.maximum, "Minimum": np.minimum, "Tanh": np.tanh, "Erf": erf, "Exp": np.exp, "Sigmoid": expit,
    "Negative": np.negative, "Relu": lambda x: np.maximum(x, 0), "SoftPlus": lambda x: np.logaddexp(0, x),
    "HSigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
}  # fmt: skip


@dataclass(frozen=True)
class _Function:
    values: Doubles
    operator: Callable[[ov.Output], ov.Node]


_FUNCTIONS = (
    _Function(_GRID * (1 + erf(_GRID / np.sqrt(2))) / 2, lambda x: ops.gelu(x, "erf")),
    _Function(
        _GRID * (1 + np.tanh(np.sqrt(2 / np.pi) * (_GRID + 0.044715 * _GRID**3))) / 2, lambda x: ops.gelu(x, "tanh")
    ),
    _Function(_GRID * expit(_GRID), ops.swish),
    _Function(_GRID * np.clip(_GRID + 3, 0, 6) / 6, ops.hswish),
    _Function(_GRID * np.tanh(np.logaddexp(0, _GRID)), ops.mish),
)


@dataclass(frozen=True, eq=False)
class _Written:
    """A function that is written out: the tensor it is of, its last operator, and what it is."""

    source: ov.Output
    last: ov.Node
    function: _Function

    @property
    def name(self) -> str:
        return str(self.last.get_friendly_name())


class FusedActivation:
    """Element-wise arithmetic -> Gelu, Swish, HSwish or Mish; see the module."""

    name = "fused-activation"

    def groups(self, model: ov.Model) -> dict[str, tuple[str, ...]]:
        """Return a group per function, named after its last operator, whose name the new one has.

        Its member is the layer with weights that it comes after, if any.
        """
        return {found.name: _layer_before(found.source) for found in _written(model)}

    def apply(self, model: ov.Model, groups: Collection[str]) -> None:
        """Put the operator in the place of these functions."""
        written = list(_written(model))
        chosen_groups(self.name, {found.name: () for found in written}, groups)
        for found in written:
            if found.name in groups:
                name = found.name
                readers = found.last.output(0).get_target_inputs()
                node = found.function.operator(found.source)
                found.last.set_friendly_name(f"{name}/replaced")
                node.set_friendly_name(name)
                for target in readers:
                    target.replace_source_output(node.output(0))
        model.validate_nodes_and_infer_types()


def _written(model: ov.Model) -> Iterator[_Written]:
    nodes = model.get_ordered_ops()
    order = {node.get_name(): i for i, node in enumerate(nodes)}
    sources = {node.get_name(): read for node in nodes if (read := _sources(node)) is not None}
    used: set[str] = set()
    for node in nodes:
        if node.get_type_name() in ("Multiply", "Divide") and node.get_name() in sources:
            found = _recognise(node, order, sources)
            if found is not None and not used & found[1]:
                used |= found[1]
                yield found[0]


def _recognise(last: ov.Node, order: dict[str, int], sources: _Sources) -> tuple[_Written, set[str]] | None:
    """Widen the arithmetic that ends in ``last`` backwards until it is a function of one tensor that is known.

    Args:
        order: place of every node. sources: see :func:`_sources`, of every operator of the arithmetic.
    """
    inside = {last.get_name(): last}
    while len(inside) <= _MOST:
        border = _border(inside, sources)
        if len(border) == 1 and len(inside) >= _FEWEST:
            nodes = sorted(inside.values(), key=lambda node: order[node.get_name()])
            function = _known(nodes, border[0])
            if function is not None:
                return _Written(border[0], last, function), set(inside)
        # The latest of what it is computed from: everything else may depend on nothing later.
        latest = max(border, key=lambda output: order[output.get_node().get_name()]).get_node()
        readers = {target.get_node().get_name() for target in latest.output(0).get_target_inputs()}
        if latest.get_name() not in sources or not readers <= set(inside):
            return None
        inside[latest.get_name()] = latest
    return None


def _sources(node: ov.Node) -> list[ov.Output] | None:
    """Return the tensors that an operator of the arithmetic reads; None if it is not one, or uses more than numbers."""
    if node.get_type_name() not in _ARITHMETIC:
        return None
    constants = [value for value in node.input_values() if is_constant(value)]
    return activations_of(node) if all(math.prod(extents(c.get_shape())) == 1 for c in constants) else None


def _border(inside: Collection[str], sources: _Sources) -> list[ov.Output]:
    """Return the tensors that the nodes of these names read and do not compute."""
    read = [source for name in inside for source in sources[name]]
    return list({_key(s): s for s in read if s.get_node().get_name() not in inside}.values())


def _known(nodes: list[ov.Node], source: ov.Output) -> _Function | None:
    values: dict[tuple[str, int], Doubles] = {_key(source): _GRID}
    with np.errstate(all="ignore"):
        for node in nodes:
            inputs = [values[_key(v)] if _key(v) in values else _number(v) for v in node.input_values()]
            values[_key(node.output(0))] = _ARITHMETIC[node.get_type_name()](*inputs)
    found = values[_key(nodes[-1].output(0))]
    matches = (f for f in _FUNCTIONS if np.allclose(found, f.values, rtol=_CLOSE, atol=_CLOSE))
    return next(matches, None)


def _number(output: ov.Output) -> Doubles:
    return constant_value(output).reshape(()).astype(np.float64)


def _layer_before(output: ov.Output) -> tuple[str, ...]:
    """Return the layer whose output this is, with or without a bias."""
    node = output.get_node()
    if node.get_type_name() == "Add" and (sources := activations_of(node)) is not None:
        node = sources[0].get_node()
    layer = weighted(node)
    return () if layer is None else (layer.name,)


def _key(output: ov.Output) -> tuple[str, int]:
    return output.get_node().get_name(), output.get_index()
