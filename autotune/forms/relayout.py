"""Parts of a graph in another layout, and the conversions where they end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from autotune.forms.elementwise import UNARY
from autotune.forms.weighted import replace_constant
from autotune.graph.constants import Floats, constant_value
from autotune.graph.inspect import extents

Shape = list[int]


class Relayout:
    """The tensors that are held in another layout.

    Until :meth:`finish` the graph is inconsistent: what reads a tensor in the other layout reads it as it was.
    """

    def __init__(
        self, constant: Callable[[Floats, Shape], Floats], back: Callable[[ov.Output, Shape, str], ov.Output]
    ) -> None:
        """Take what knows the layout.

        Args:
            constant: turns a constant that is broadcast to a tensor of this shape into the other layout.
            back: turns a tensor in the other layout into one of this shape; also gets a name for its operators.
        """
        self._constant = constant
        self._back = back
        self._tensors: dict[tuple[str, int], ov.Output] = {}
        self._done: set[str] = set()  # nodes that were replaced or moved: they do not read the old tensors any more
        # Outputs in the other layout, their shape before, and what read them before.
        self._outputs: list[tuple[ov.Output, Shape, list[ov.Input]]] = []

    def moved(self, output: ov.Output) -> bool:
        """Whether the tensor is held in the other layout."""
        return _key(output) in self._tensors

    def of(self, output: ov.Output) -> ov.Output:
        """Return a tensor that was moved in its other layout."""
        return self._tensors[_key(output)]

    def replace(self, output: ov.Output, new: ov.Output) -> None:
        """Compute ``new`` in the place of ``output``; its node takes over the name."""
        name = output.get_node().get_friendly_name()
        output.get_node().set_friendly_name(f"{name}/replaced")
        new.get_node().set_friendly_name(name)
        self.hold(output, new)

    def hold(self, output: ov.Output, new: ov.Output) -> None:
        """Take ``new`` for ``output`` in the other layout."""
        self._tensors[_key(output)] = new
        self._done.add(output.get_node().get_name())
        self._outputs.append((new, list(extents(output.get_shape())), list(output.get_target_inputs())))

    def end(self, output: ov.Output, new: ov.Output) -> None:
        """Compute ``new`` in the place of ``output``, and let nothing else move that reads it."""
        self.replace(output, new)
        del self._tensors[_key(output)]

    def move(self, node: ov.Node) -> None:
        """Let an element-wise operator work in the other layout."""
        output = node.output(0)
        shape = list(extents(output.get_shape()))
        for target in node.inputs()[:1] if node.get_type_name() in UNARY else node.inputs():
            source = target.get_source_output()
            if self.moved(source):
                target.replace_source_output(self.of(source))
            else:
                replace_constant(target, self._constant(constant_value(source), shape))
        self._outputs.append((output, shape, list(output.get_target_inputs())))
        node.constructor_validate_and_infer_types()
        self._tensors[_key(output)] = output
        self._done.add(node.get_name())

    def finish(self) -> None:
        """Convert back what is read as it was."""
        for output, shape, readers in self._outputs:
            waiting = [target for target in readers if target.get_node().get_name() not in self._done]
            if waiting:
                back = self._back(output, shape, output.get_node().get_friendly_name())
                for target in waiting:
                    target.replace_source_output(back)


def reshape(output: ov.Output, shape: Shape, name: str) -> ov.Output:
    """Return the tensor in another shape."""
    constant = ops.constant(np.array(shape, np.int64), name=f"{name}/shape")
    return ops.reshape(output, constant, False, name=name).output(0)


def transpose(output: ov.Output, order: list[int], name: str) -> ov.Output:
    """Return the tensor with its axes in another order."""
    return ops.transpose(output, ops.constant(np.array(order, np.int64), name=f"{name}/order"), name=name).output(0)


def _key(output: ov.Output) -> tuple[str, int]:
    return output.get_node().get_name(), output.get_index()
