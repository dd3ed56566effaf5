"""Look at a graph: nodes and tensors by name, digests of its content."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from autotune.files import model_files
from autotune.graph.kernels import prefers_direct

CONSTANT = "Constant"
_CHUNK = 1 << 20
# What OpenVINO calls an input or output that has no name; the number is the process's.
_NUMBERED = re.compile(r"(Parameter|Result)_\d+")


def clone(model: ov.Model) -> ov.Model:
    """Return a copy whose constants share their memory with ``model``: replace them, never write to them."""
    return model.clone()


def nodes_by_name(model: ov.Model) -> dict[str, ov.Node]:
    """Return the nodes by friendly name, in topological order."""
    return {node.get_friendly_name(): node for node in model.get_ordered_ops()}


def tensor_key(output: ov.Output) -> str:
    """Return the key of a tensor in an observation: ``<producer friendly name>:<output port>``."""
    return f"{output.get_node().get_friendly_name()}:{output.get_index()}"


def extents(shape: ov.Shape) -> tuple[int, ...]:
    """Return a shape as numbers, one after the other: the end of an iteration over OpenVINO's takes 10 microseconds."""
    return tuple([shape[axis] for axis in range(len(shape))])


def is_float(output: ov.Output) -> bool:
    """Tell whether a tensor holds floating-point values."""
    return bool(output.get_element_type().is_real())


def consumers(node: ov.Node) -> list[ov.Node]:
    """Return the nodes that read any output of ``node``; one that reads it twice comes twice."""
    return [target.get_node() for output in node.outputs() for target in output.get_target_inputs()]


def activation_names(model: ov.Model) -> set[str]:
    """Return the names of the nodes whose value depends on an input of the model."""
    queue = deque(model.get_parameters())
    names = {node.get_friendly_name() for node in queue}
    while queue:
        for node in consumers(queue.popleft()):
            name = node.get_friendly_name()
            if name not in names:
                names.add(name)
                queue.append(node)
    return names


def constants_size(model: ov.Model) -> int:
    """Return the bytes of a model's constants."""
    return sum(int(node.data.nbytes) for node in model.get_ops() if node.get_type_name() == CONSTANT)


def candidate_digest(model: ov.Model) -> str:
    """Return the hexadecimal SHA-256 of what a model computes: operators, attributes, shapes, types and constants.

    Kernels that operators ask for count, too.

    Names of operators do not count (OpenVINO numbers those it makes itself), names of inputs and outputs do. Equal
    graphs have equal digests, in every process.
    """
    return _digests(model, names=False).content


def model_digest(model: ov.Model | Path) -> str:
    """Return the hexadecimal SHA-256 of a model's files, or of a model in memory, names of operators included.

    Names of constants never count: nothing refers to them, and graphs built in Python number them per process.
    """
    if not isinstance(model, Path):
        return model_digests(model).content
    total = hashlib.sha256()
    for path in model_files(model):
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                total.update(chunk)
    return total.hexdigest()


@dataclass(frozen=True)
class Digests:
    """Hexadecimal SHA-256 of a model in memory.

    Attributes:
        content: as :func:`model_digest`.
        structure: of the same but for the values of constants: of operators, names, attributes, shapes and types.
    """

    content: str
    structure: str


def model_digests(model: ov.Model) -> Digests:
    """Return both digests of a model in memory, in one walk."""
    return _digests(model, names=True)


def _digests(model: ov.Model, names: bool) -> Digests:
    content, structure = hashlib.sha256(), hashlib.sha256()
    nodes = model.get_ordered_ops()
    index = {node.get_name(): i for i, node in enumerate(nodes)}  # get_name is unique within a process
    for node in nodes:
        kind = node.get_type_name()
        sources = node.input_values()
        lines = [
            f"{kind} {node.get_friendly_name() if names and kind != CONSTANT else ''}",
            str([(index[source.get_node().get_name()], source.get_index()) for source in sources]),
            str([(o.get_element_type().get_type_name(), str(o.get_partial_shape())) for o in node.outputs()]),
            str(sorted((key, str(value)) for key, value in _attributes(node).items())),
        ]
        text = "\n".join(lines).encode()
        content.update(text)
        structure.update(text)
        if kind == CONSTANT:
            content.update(_bytes(node))
        elif prefers_direct(node):
            content.update(b"direct")
        for body in _bodies(node):
            inside = _digests(body, names)
            content.update(inside.content.encode())
            structure.update(inside.structure.encode())
    for port in [*model.inputs, *model.outputs]:
        given = sorted(name for name in port.get_names() if not _NUMBERED.fullmatch(name))
        text = f"{index[port.get_node().get_name()]} {given}\n".encode()
        content.update(text)
        structure.update(text)
    return Digests(content.hexdigest(), structure.hexdigest())


def _attributes(node: ov.Node) -> dict[str, Any]:
    return {} if node.get_type_name() == CONSTANT else node.get_attributes()


def _bytes(constant: Any) -> Any:
    values = constant.data
    if values.dtype.hasobject:
        return repr(values.tolist()).encode()
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8)  # not a copy: weights are most of what is digested


def has_body(node: ov.Node) -> bool:
    """Tell whether an operator has graphs inside."""
    return node.get_type_name() in ("If", "Loop", "TensorIterator")


def _bodies(node: Any) -> list[ov.Model]:
    """Return the graphs inside an operator."""
    if not has_body(node):
        return []
    return [node.get_function(0), node.get_function(1)] if node.get_type_name() == "If" else [node.get_function()]
