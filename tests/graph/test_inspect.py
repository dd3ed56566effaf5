"""Digests tell graphs apart by what they compute; helpers find nodes and tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from autotune.graph.copies import Original
from autotune.graph.inspect import (
    activation_names,
    candidate_digest,
    clone,
    model_digest,
    model_digests,
    tensor_key,
)


def net(
    weight: float = 1.0, levels: int = 256, name: str = "product", rows: int = 4, transpose: bool = False
) -> ov.Model:
    x = ops.parameter([1, rows, 4], np.float32, name="x")
    x.output(0).set_names({"x"})
    values = np.full((4, 4), 0.5, np.float32)
    values[1, 2] = weight
    low, high = np.float32(-1), np.float32(1)
    quantized = ops.fake_quantize(x, low, high, low, high, levels)
    y = ops.matmul(quantized, ops.constant(values), False, transpose, name=name)
    y.output(0).set_names({"y"})
    return ov.Model([y], [x], "net")


def test_equal_graphs_have_equal_digests_whatever_their_names() -> None:
    assert candidate_digest(net()) == candidate_digest(net(name="other"))
    assert candidate_digest(net()) == candidate_digest(clone(net()))
    assert model_digest(net()) != model_digest(net(name="other"))


@pytest.mark.parametrize("change", [{"weight": 2.0}, {"levels": 255}, {"rows": 5}, {"transpose": True}])
def test_a_change_changes_the_digest(change: dict[str, object]) -> None:
    assert candidate_digest(net()) != candidate_digest(net(**change))  # type: ignore[arg-type]


def test_a_saved_model_has_the_digest_of_the_one_in_memory(tmp_path: Path) -> None:
    ov.save_model(net(), tmp_path / "net.xml", compress_to_fp16=False)
    assert candidate_digest(ov.Core().read_model(tmp_path / "net.xml")) == candidate_digest(net())


def test_the_weights_file_counts_as_part_of_an_ir(tmp_path: Path) -> None:
    ov.save_model(net(), tmp_path / "net.xml", compress_to_fp16=False)
    before = model_digest(tmp_path / "net.xml")
    assert before == model_digest(tmp_path / "net.xml")
    weights = tmp_path / "net.bin"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\xff")
    assert model_digest(tmp_path / "net.xml") != before


def test_bodies_of_if_count() -> None:
    def conditional(slope: float) -> ov.Model:
        x = ops.parameter([1, 4], np.float32, name="x")
        bodies = []
        for factor in (slope, 1.0):
            inner = ops.parameter([1, 4], np.float32)
            bodies.append((ov.Model([ops.multiply(inner, np.float32(factor))], [inner], "body"), inner))
        node = ops.if_op(ops.constant(np.array(True)))
        node.set_then_body(bodies[0][0])
        node.set_else_body(bodies[1][0])
        node.set_input(x.output(0), bodies[0][1], bodies[1][1])
        y = node.set_output(bodies[0][0].get_results()[0], bodies[1][0].get_results()[0])
        return ov.Model([y.get_node()], [x], "conditional")

    assert candidate_digest(conditional(2.0)) == candidate_digest(conditional(2.0))
    assert candidate_digest(conditional(2.0)) != candidate_digest(conditional(3.0))


def test_structure_is_everything_but_the_values_of_constants() -> None:
    def product(value: float, width: int = 4, name: str = "product") -> ov.Model:
        x = ops.parameter([1, width], np.float32, name="x")
        y = ops.multiply(x, np.full((1, width), value, np.float32), name=name)
        return ov.Model([ops.result(y, name="y")], [x], "product")

    one, other = model_digests(product(1.0)), model_digests(product(2.0))
    assert one.structure == other.structure
    assert one.content == model_digest(product(1.0)) != other.content
    assert len({model_digests(m).structure for m in (product(1.0), product(1.0, 5), product(1.0, name="p"))}) == 3


def test_activations_are_what_depends_on_an_input() -> None:
    model = net()
    types = {node.get_friendly_name(): node.get_type_name() for node in model.get_ops()}
    assert sorted(types[name] for name in activation_names(model)) == ["FakeQuantize", "MatMul", "Parameter", "Result"]


def test_a_tensor_is_named_by_its_producer_and_port() -> None:
    x = ops.parameter([1, 4], np.float32, name="x")
    halves = ops.split(x, np.int64(1), 2, name="halves")
    assert [tensor_key(output) for output in halves.outputs()] == ["halves:0", "halves:1"]


def test_what_comes_of_the_same_operators_and_constants_is_unchanged() -> None:
    model = net()
    names = {node.get_friendly_name() for node in model.get_ops()}
    copy = clone(model)
    assert Original(model).unchanged(copy) == names
    product = next(node for node in copy.get_ops() if node.get_type_name() == "MatMul")
    old = product.input_value(1).get_node()
    new = ops.constant(np.array(old.data) * 2)
    new.set_friendly_name(old.get_friendly_name())
    product.input(1).replace_source_output(new.output(0))
    result = copy.get_results()[0].get_friendly_name()
    assert Original(model).unchanged(copy) == names - {"product", old.get_friendly_name(), result}


def test_other_attributes_are_a_change() -> None:
    model = net()
    copy = clone(model)
    product = next(node for node in copy.get_ops() if node.get_type_name() == "MatMul")
    product.set_attribute("transpose_b", True)
    assert "product" not in Original(model).unchanged(copy)
    assert "x" in Original(model).unchanged(copy)
