"""Quantisers of what an attention gives, behind the transposition that follows.

A layer that reads an attention in int8 has its quantiser at the attention's output, before the transposition that puts
the heads side by side: NNCF moves quantisers up past whatever only moves values. OpenVINO computes an attention and the
transpositions around it as one operator, but not the one behind it where something stands between
(``TokenizeMHASnippets``). One range for the whole tensor is the same on both sides, so behind it the quantiser gives
the same values (in bf16 to its rounding), and the transposition goes. Where OpenVINO does not fuse attention, more
bytes are moved instead.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

import openvino as ov

from autotune.forms.base import chosen_groups
from autotune.graph.constants import is_constant

_PASSED = ("Transpose", "Reshape")
# What stands between a softmax and the product that reads it.
_BETWEEN = ("FakeQuantize", "Reshape", "Convert")


class LateQuantizers:
    """Attention -> FakeQuantize -> Transpose becomes attention -> Transpose -> FakeQuantize; see the module."""

    name = "late-quantizers"

    def groups(self, model: ov.Model) -> dict[str, tuple[str, ...]]:
        """Return every attention whose output is transposed, as a group of its own."""
        return {name: (name,) for name in _attentions(model)}

    def apply(self, model: ov.Model, groups: Collection[str]) -> None:
        """Move the quantisers of these; a model without any stays as it is."""
        chosen_groups(self.name, self.groups(model), groups)
        move(model, groups)


def move(model: ov.Model, names: Collection[str]) -> None:
    """Move the quantisers of these attentions, in place, of those that the model still has and that are quantised.

    Called once a model is quantised: no range depends on it, so nothing need be placed or observed anew.
    """
    for node in model.get_ordered_ops():
        if node.get_friendly_name() in names and node.get_output_size() == 1:
            quantizer = _only_reader(node.output(0))
            if quantizer is not None and _has_one_range(quantizer):
                _move(quantizer)
    model.validate_nodes_and_infer_types()


def _move(quantizer: ov.Node) -> None:
    last = None
    step = _only_reader(quantizer.output(0))
    most = max(len(port.get_shape()) for port in quantizer.inputs()[1:])  # limits do not add axes to what they limit
    while step is not None and _only_moves(step) and len(step.get_output_partial_shape(0)) >= most:
        last, step = step, _only_reader(step.output(0))
    if last is None:
        return
    readers = last.output(0).get_target_inputs()
    for reader in quantizer.output(0).get_target_inputs():
        reader.replace_source_output(quantizer.input_value(0))
    quantizer.input(0).replace_source_output(last.output(0))
    for reader in readers:
        reader.replace_source_output(quantizer.output(0))


def _only_moves(node: ov.Node) -> bool:
    return node.get_type_name() in _PASSED and node.get_output_partial_shape(0).rank.is_static


def _attentions(model: ov.Model) -> Iterator[str]:
    for node in model.get_ordered_ops():
        if _is_attention(node):
            after = _only_reader(node.output(0))
            if after is not None and after.get_type_name() == "Transpose":
                yield node.get_friendly_name()


def _is_attention(node: ov.Node) -> bool:
    kind = node.get_type_name()
    if kind == "MatMul":
        source = node.input_value(0).get_node()
        while source.get_type_name() in _BETWEEN:
            source = source.input_value(0).get_node()
        return bool(source.get_type_name() == "Softmax") and not is_constant(node.input_value(1))
    return bool(kind == "ScaledDotProductAttention")


def _has_one_range(node: ov.Node) -> bool:
    return bool(node.get_type_name() == "FakeQuantize") and all(
        math.prod(port.get_shape()) == 1 for port in node.inputs()[1:]
    )


def _only_reader(output: ov.Output) -> ov.Node | None:
    readers = output.get_target_inputs()
    return next(iter(readers)).get_node() if len(readers) == 1 else None
