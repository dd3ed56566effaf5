"""Linear layers as 1x1 convolutions.

Where a CPU lacks VNNI, OpenVINO has fast int8 kernels for convolutions and none for matrix products: MiniLM capped at
AVX2, on an AMD EPYC, runs in int8 at 0.88 of the speed of float as products and at 1.68 as convolutions. The rows of
the activation become the width of an image of height 1.

Layers that are joined by element-wise operators are rewritten together, and those operators with them, so that a
feed-forward block changes its layout once on the way in and once on the way out.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from autotune.forms.base import chosen_groups
from autotune.forms.elementwise import activations_of
from autotune.forms.image import ImageLayout
from autotune.forms.weighted import Weighted, weighted

_NO_PADS = [0, 0]

Key = tuple[str, int]


class LinearAsConvolution:
    """MatMul with a constant matrix -> Convolution of a 1x1 kernel; see the module."""

    name = "linear-as-convolution"

    def groups(self, model: ov.Model) -> dict[str, tuple[str, ...]]:
        """Return the chains of linear layers joined by element-wise operators or by a common input."""
        union: dict[str, str] = {}
        readers: dict[Key, str] = {}  # tensor -> the first layer that reads it
        origins: dict[Key, set[str]] = {}  # tensor -> layers it comes from, through element-wise operators only
        for node in model.get_ordered_ops():
            layer = _linear(node)
            if layer is not None:
                union[layer.name] = layer.name
                source = _key(node.input_value(0))
                for other in sorted({readers.setdefault(source, layer.name), *origins.get(source, ())}):
                    _join(union, other, layer.name)
                origins[_key(node.output(0))] = {layer.name}
            else:
                before = [origins.get(_key(source), set()) for source in activations_of(node) or ()]
                if any(before):
                    origins[_key(node.output(0))] = set().union(*before)
        found: dict[str, list[str]] = {}
        for member in union:  # in topological order
            found.setdefault(_root(union, member), []).append(member)
        return {members[0]: tuple(members) for members in found.values()}

    def apply(self, model: ov.Model, groups: Collection[str]) -> None:
        """Rewrite the layers of these groups and move the element-wise operators after them into their layout."""
        members = {name for group in chosen_groups(self.name, self.groups(model), groups) for name in group}
        layout = ImageLayout()
        # Looked at before anything moves: what has moved has another shape.
        nodes = model.get_ordered_ops()
        layers = {node.get_name(): _linear(node) for node in nodes if node.get_friendly_name() in members}
        for node, sources in [(node, activations_of(node)) for node in nodes]:
            layer = layers.get(node.get_name())
            if layer is not None:
                layout.replace(node.output(0), _convolution(layer, layout.image(node.input_value(0))))
            # Not where an input would only have been converted: adding the residual in this layout was measured to
            # cost 3 to 4 % of MiniLM, in float and in int8.
            elif sources is not None and all(layout.moved(source) for source in sources):
                layout.move(node)
        layout.finish()
        model.validate_nodes_and_infer_types()


def _linear(node: ov.Node) -> Weighted | None:
    found = weighted(node) if node.get_type_name() == "MatMul" else None
    return found if found is not None and node.output(0).get_element_type() == ov.Type.f32 else None


def _convolution(layer: Weighted, image: ov.Output) -> ov.Output:
    weights = layer.weights if layer.node.get_attributes()["transpose_b"] else layer.weights.T
    kernel = ops.constant(np.ascontiguousarray(weights).reshape(layer.out, layer.into, 1, 1))
    kernel.set_friendly_name(f"{layer.name}/kernel")
    node = ops.convolution(image, kernel, [1, 1], _NO_PADS, _NO_PADS, [1, 1])
    return node.output(0)


def _key(output: ov.Output) -> Key:
    return output.get_node().get_name(), output.get_index()


def _root(union: dict[str, str], member: str) -> str:
    while union[member] != member:
        member = union[member]
    return member


def _join(union: dict[str, str], one: str, other: str) -> None:
    """Put two layers into one group."""
    union[_root(union, other)] = _root(union, one)
