"""Products of one-hot rows as lookups in a table.

A model whose exporter knew no embedding writes it as ``one_hot(ids) @ weights``: rows of the weights, at the cost of a
matrix product. Here the rows are gathered, and element-wise operators after it (bias, activation function) are applied
to the table once instead of to every row at every inference.

The table has a row of zeros at each end for ids outside the one-hot range, whose one-hot row is zero.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from autotune.forms.base import chosen_groups
from autotune.forms.elementwise import activations_of
from autotune.forms.weighted import Weighted, weighted
from autotune.graph.constants import Floats, constant_value, is_constant
from autotune.graph.inspect import extents

# A table larger than this leaves the caches, and the model grows.
_MOST_ELEMENTS = 1 << 24


@dataclass(frozen=True, eq=False)
class _OneHot:
    layer: Weighted
    ids: ov.Output


class OneHotAsLookup:
    """MatMul of a one-hot tensor with a constant matrix -> Gather; see the module."""

    name = "one-hot-as-lookup"

    def groups(self, model: ov.Model) -> dict[str, tuple[str, ...]]:
        """Return every such product as a group of its own. What is rewritten has no product any more."""
        return {found.layer.name: (found.layer.name,) for found in _products(model)}

    def apply(self, model: ov.Model, groups: Collection[str]) -> None:
        """Rewrite these products; the lookup has the name of the last operator that the table includes."""
        products = list(_products(model))
        chosen_groups(self.name, {found.layer.name: () for found in products}, groups)
        for found in products:
            if found.layer.name in groups:
                _replace(found)
        model.validate_nodes_and_infer_types()


def _products(model: ov.Model) -> Iterator[_OneHot]:
    for node in model.get_ordered_ops():
        layer = weighted(node) if node.get_type_name() == "MatMul" else None
        if layer is not None and (layer.into + 2) * layer.out <= _MOST_ELEMENTS:
            ids = _ids(node.input_value(0), layer.into)
            if ids is not None:
                yield _OneHot(layer, ids)


def _ids(rows: ov.Output, depth: int) -> ov.Output | None:
    """Return the integers, of shape [..., 1] or [...], whose one-hot rows these are; None if there are none."""
    node = rows.get_node()
    if node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    if node.get_type_name() == "OneHot":
        values = [node.input_value(port) for port in (2, 3)]
        zero_one = all(is_constant(v) for v in values) and [float(constant_value(v)) for v in values] == [1, 0]
        last = node.get_attributes()["axis"] in (-1, len(rows.get_shape()) - 1)
        return node.input_value(0) if last and zero_one else None
    if node.get_type_name() != "Equal":
        return None
    for port in (0, 1):
        ids, numbers = node.input_value(port), node.input_value(1 - port)
        if not is_constant(numbers) or is_constant(ids) or ids.get_element_type().is_real():
            continue
        shape = list(extents(numbers.get_shape()))
        counting = shape[-1:] == [depth] and int(np.prod(shape)) == depth
        if counting and extents(ids.get_shape())[-1] == 1 and np.array_equal(_integers(numbers), np.arange(depth)):
            return ids
    return None


def _integers(output: ov.Output) -> Floats:
    return constant_value(output).reshape(-1)


def _replace(found: _OneHot) -> None:
    layer = found.layer
    output = layer.node.output(0)
    shape = list(extents(output.get_shape()))
    weights = layer.weights.T if layer.node.get_attributes()["transpose_b"] else layer.weights
    zeros = np.zeros((1, layer.out), np.float32)
    table = np.concatenate([zeros, weights, zeros]).reshape([1] * (len(shape) - 2) + [layer.into + 2, layer.out])
    region = _same_for_every_row(output)
    inside = {output.get_node().get_name() for output in region}
    reads = [(end, [t for t in end.get_target_inputs() if t.get_node().get_name() not in inside]) for end in region]
    ends = [(end, readers) for end, readers in reads if readers]
    values = _evaluate(region, [end for end, _ in ends], table)
    rows = _rows(found, shape[:-1])
    for (end, readers), value in zip(ends, values, strict=True):
        name = end.get_node().get_friendly_name()
        end.get_node().set_friendly_name(f"{name}/replaced")
        stored = ops.constant(value.reshape(layer.into + 2, layer.out), name=f"{name}/table")
        lookup = ops.gather(stored, rows, ops.constant(np.int64(0), name=f"{name}/axis"), name=name)
        for target in readers:
            target.replace_source_output(lookup.output(0))


def _rows(found: _OneHot, shape: list[int]) -> ov.Output:
    """Return the row of the table for every id: one more than the id; 0 and the last row are for ids out of range."""
    name = found.layer.name
    kind = ov.Type.i64 if found.ids.get_element_type() in (ov.Type.i64, ov.Type.u64, ov.Type.u32) else ov.Type.i32
    node = ops.reshape(found.ids, ops.constant(np.array(shape, np.int64), name=f"{name}/rows/shape"), False)
    node.set_friendly_name(f"{name}/ids")
    if found.ids.get_element_type() != kind:
        node = ops.convert(node, kind, name=f"{name}/wide")
    steps = ((ops.maximum, -1, "least"), (ops.minimum, found.layer.into, "most"), (ops.add, 1, "rows"))
    for operation, bound, label in steps:
        limit = ops.constant(np.array(bound), kind, name=f"{name}/{label}/constant")
        node = operation(node, limit, name=f"{name}/{label}")
    return node.output(0)


def _same_for_every_row(output: ov.Output) -> list[ov.Output]:
    """Return ``output`` and the element-wise results that depend on it alone and treat every row alike, in order."""
    found = {_key(output): output}
    pending = [target.get_node() for target in output.get_target_inputs()]
    while pending:
        node = pending.pop(0)
        sources = activations_of(node)
        if sources is None or _key(node.output(0)) in found or not all(_key(source) in found for source in sources):
            continue
        if all(_is_one_row(value.get_source_output()) for value in node.inputs()):
            found[_key(node.output(0))] = node.output(0)
            pending += [target.get_node() for target in node.output(0).get_target_inputs()]
    return list(found.values())


def _is_one_row(output: ov.Output) -> bool:
    """Whether it is no constant, or one that is broadcast over everything but the last axis."""
    return not is_constant(output) or all(extent == 1 for extent in extents(output.get_shape())[:-1])


def _evaluate(region: list[ov.Output], ends: list[ov.Output], table: Floats) -> list[Floats]:
    """Return what the region's operators make of the table. They are led to it for good: nothing else reads them."""
    row = ops.parameter(list(table.shape), np.float32, name="table")
    inside = {output.get_node().get_name() for output in region}
    for target in region[0].get_target_inputs():
        if target.get_node().get_name() in inside:
            target.replace_source_output(row.output(0))
    for output in region[1:]:
        output.get_node().constructor_validate_and_infer_types()
    results = [ops.result(row if _key(end) == _key(region[0]) else end) for end in ends]
    # Compiled, though ``Model.evaluate`` takes a tenth of the time: last bits are then those of the float model.
    compiled = ov.compile_model(ov.Model(results, [row], "table"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    request.infer([table])
    return [np.array(request.get_output_tensor(port).data) for port in range(len(ends))]


def _key(output: ov.Output) -> tuple[str, int]:
    return output.get_node().get_name(), output.get_index()
