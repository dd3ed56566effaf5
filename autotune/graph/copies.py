"""What of a model is still the same in a copy that was changed."""

from __future__ import annotations

from typing import Any

import openvino as ov

from autotune.graph.inspect import CONSTANT, has_body, nodes_by_name

# Name and output port of what an operator reads.
_Sources = list[tuple[str, int]]


class Original:
    """A model that copies are compared with: what that takes to know of it is asked once. It must not be changed."""

    def __init__(self, model: ov.Model) -> None:
        """Take the model; operators with graphs inside are taken for changed in every copy."""
        self._model = model  # what is kept of it lives as long as it does
        self._operators = {
            name: (node.get_type_name(), _sources(node), _tensors(node), _content(node))
            for name, node in nodes_by_name(model).items()
            if not has_body(node)
        }

    def unchanged(self, copy: ov.Model) -> set[str]:
        """Return the names of the operators of ``copy`` that compute what the model computes under that name.

        They and all that they come of have the same types, attributes, shapes and names; constants are the same
        memory, as in a :func:`autotune.graph.inspect.clone`.
        """
        same: set[str] = set()
        for node in copy.get_ordered_ops():
            known = self._operators.get(name := node.get_friendly_name())
            if known is None:
                continue
            kind, sources, tensors, content = known
            if (
                node.get_type_name() == kind
                and all(source in same for source, _ in sources)
                and _sources(node) == sources
                and _tensors(node) == tensors
                and _content(node) == content
            ):
                same.add(name)
        return same


def _sources(node: ov.Node) -> _Sources:
    return [(value.get_node().get_friendly_name(), value.get_index()) for value in node.input_values()]


def _tensors(node: ov.Node) -> list[tuple[ov.Type, ov.PartialShape]]:
    return [(output.get_element_type(), output.get_partial_shape()) for output in node.outputs()]


def _content(node: Any) -> Any:
    """Return where a constant's values lie (numpy's ``ctypes`` takes several times as long), else the attributes."""
    if node.get_type_name() == CONSTANT:
        return node.data.__array_interface__["data"][0]
    return node.get_attributes()
