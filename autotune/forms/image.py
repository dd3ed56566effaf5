"""Tensors whose last axis is the channels, held as images [1, channels, 1, rows] instead."""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from autotune.forms.weighted import replace_constant
from autotune.graph.constants import Floats, constant_value

Key = tuple[str, int]


class ImageLayout:
    """Which tensors of a graph are held as images, and the conversions at the border.

    Between :meth:`image` and :meth:`finish` the graph is inconsistent: what reads a tensor that is an image already
    still reads it as it was.
    """

    def __init__(self) -> None:
        self._images: dict[Key, ov.Output] = {}
        # Outputs that are images now, their shape before, and what read them before.
        self._done: set[str] = set()  # nodes that were replaced or moved: they do not read the old tensors any more
        self._outputs: list[tuple[ov.Output, list[int], list[ov.Input]]] = []

    def moved(self, output: ov.Output) -> bool:
        """Whether the tensor is computed as an image."""
        return output.get_node().get_name() in self._done

    def image(self, output: ov.Output) -> ov.Output:
        """Return the tensor as an image, converting it if need be."""
        if _key(output) not in self._images:
            self._images[_key(output)] = to_image(output)
        return self._images[_key(output)]

    def replace(self, output: ov.Output, image: ov.Output) -> None:
        """Compute ``image`` in the place of ``output``; its node takes over the name."""
        name = output.get_node().get_friendly_name()
        output.get_node().set_friendly_name(f"{name}/replaced")
        image.get_node().set_friendly_name(name)
        self._images[_key(output)] = image
        self._done.add(output.get_node().get_name())
        self._outputs.append((image, list(output.get_shape()), list(output.get_target_inputs())))

    def move(self, node: ov.Node, ports: int) -> None:
        """Let an element-wise operator work on images: its first so many inputs."""
        output = node.output(0)
        shape = list(output.get_shape())
        for port in range(ports):
            target = node.input(port)
            source = target.get_source_output()
            if self.moved(source):
                target.replace_source_output(self._images[_key(source)])
            else:
                replace_constant(target, constant_as_image(constant_value(source), shape))
        node.constructor_validate_and_infer_types()
        self._images[_key(output)] = output
        self._done.add(node.get_name())
        self._outputs.append((output, shape, list(output.get_target_inputs())))

    def finish(self) -> None:
        """Convert back what is read as it was."""
        for image, shape, readers in self._outputs:
            name = image.get_node().get_friendly_name()
            waiting = [target for target in readers if target.get_node().get_name() not in self._done]
            if waiting:
                back = from_image(image, shape, name)
                for target in waiting:
                    target.replace_source_output(back)


def to_image(output: ov.Output) -> ov.Output:
    """Return [..., channels] as [1, channels, 1, rows].

    First a reshape to an image with its channels last, then the transpose to channels first: OpenVINO's int8
    convolutions work on channels-last memory, so it merges that transpose with its own reorder and moves nothing.
    Measured on MiniLM: int8 takes 1.3 to 1.5 times as long with the transpose first, and float 1.04 times as long with
    the rows as height.
    """
    *lead, channels = list(output.get_shape())
    rows = int(np.prod(lead))
    name = output.get_node().get_friendly_name()
    if rows == 1:
        return _reshape(output, [1, channels, 1, 1], f"{name}/image")
    rowwise = _reshape(output, [1, 1, rows, channels], f"{name}/rows")
    return _transpose(rowwise, [0, 3, 1, 2], f"{name}/image")


def from_image(image: ov.Output, shape: list[int], name: str) -> ov.Output:
    """Return an image as a tensor of ``shape``: the inverse of :func:`to_image`."""
    if int(np.prod(shape[:-1])) == 1:
        return _reshape(image, shape, f"{name}/tensor")
    rowwise = _transpose(image, [0, 2, 3, 1], f"{name}/channels-last")
    return _reshape(rowwise, shape, f"{name}/tensor")


def constant_as_image(values: Floats, shape: list[int]) -> Floats:
    """Return a constant that is broadcast to a tensor of ``shape`` so that it is broadcast to its image alike."""
    values = values.reshape([1] * (len(shape) - values.ndim) + list(values.shape))
    *lead, channels = values.shape
    if any(extent != 1 for extent in lead):
        values = np.broadcast_to(values, [*shape[:-1], channels])
    return np.ascontiguousarray(values.reshape(1, 1, -1, channels).transpose(0, 3, 1, 2))


def _reshape(output: ov.Output, shape: list[int], name: str) -> ov.Output:
    node = ops.reshape(output, ops.constant(np.array(shape, np.int64), name=f"{name}/shape"), False, name=name)
    return node.output(0)


def _transpose(output: ov.Output, order: list[int], name: str) -> ov.Output:
    node = ops.transpose(output, ops.constant(np.array(order, np.int64), name=f"{name}/order"), name=name)
    return node.output(0)


def _key(output: ov.Output) -> Key:
    return output.get_node().get_name(), output.get_index()
