"""One form for every graph, before anything is measured or quantised."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

import openvino as ov

from autotune.graph.inspect import clone

_FUSED_NAMES = "fused_names_0"
# What reading a written model makes anew; no other mark of a node is written with it.
_OF_A_FILE = "WeightlessCacheAttribute_0"


def normalise(model: ov.Model) -> tuple[ov.Model, str | None]:
    """Return an equivalent copy with constants and batch norms folded, whose operators have lasting names.

    Folding is what ``ov.convert_model`` does and ``read_model`` does not; on a graph without it NNCF places quantisers
    at many more points, and wrongly for depthwise convolutions. Operators that it makes are numbered by OpenVINO per
    process; here each gets the name of the source operator it stands for, or one that depends on the graph alone, so
    that a recipe can name them. Marks of transformations are forgotten, for they are not written with a model, and
    what is judged is to run as what is written does: one on a Convert of constants keeps OpenVINO from fusing rotary
    positions (Llama), and the last bits of the outputs are others.

    Returns:
        The copy, and a sentence for the user if the graph had to be left unfolded.
    """
    from openvino._offline_transformations import apply_moc_transformations

    origin = _Origin(model)
    try:
        folded = clone(model)
        apply_moc_transformations(folded, cf=True)
        folded.validate_nodes_and_infer_types()
    except RuntimeError as error:
        folded = clone(model)
        note = f"OpenVINO could not fold the graph, it is used as it is: {' '.join(str(error).split())[:200]}"
        _rename(folded, origin)
        return folded, note
    _rename(folded, origin)
    for node in folded.get_ops():
        marks = node.get_rt_info()
        for mark in [mark for mark in marks if mark != _OF_A_FILE]:
            del marks[mark]
    return folded, None


class _Origin:
    """The names that the source model itself gives, and what they belong to."""

    def __init__(self, model: ov.Model) -> None:
        given = [node for node in model.get_ordered_ops() if node.get_friendly_name() != node.get_name()]
        self.types: dict[str, str] = {node.get_friendly_name(): node.get_type_name() for node in given}
        self.producers: dict[str, str] = {
            name: node.get_friendly_name() for node in given for output in node.outputs() for name in output.get_names()
        }


def _rename(model: ov.Model, origin: _Origin) -> None:
    """Give every node a name of its own that does not depend on the process."""
    nodes = model.get_ordered_ops()
    taken: set[str] = set()
    unnamed = []
    for node in nodes:
        name = node.get_friendly_name()
        if name in origin.types and name not in taken:
            taken.add(name)
        else:
            unnamed.append(node)
    numbers: dict[str, int] = defaultdict(int)
    for node in unnamed:
        name = next((n for n in _source_names(node, origin.types, origin.producers) if n not in taken), None)
        while name is None or name in taken:
            kind = node.get_type_name()
            name = f"{kind}_{numbers[kind]}"
            numbers[kind] += 1
        taken.add(name)
        node.set_friendly_name(name)


def _source_names(node: ov.Node, types: Mapping[str, str], producers: Mapping[str, str]) -> Iterator[str]:
    """Source operators of the same type that this node replaces: by its tensors' names, then by OpenVINO's record."""
    names = [producers[tensor] for o in node.outputs() for tensor in sorted(o.get_names()) if tensor in producers]
    info = node.get_rt_info()
    if _FUSED_NAMES in info:
        names += re.split(r"\s*,\s*", info[_FUSED_NAMES].astype(str))
    return (name for name in names if types.get(name) == node.get_type_name())
