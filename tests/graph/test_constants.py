"""What is constant, asked of many nodes of one deep model."""

from __future__ import annotations

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from autotune.graph import constants


def chain(depth: int) -> ov.Model:
    value = start = ops.parameter([1, 4], np.float32, name="x")
    for _ in range(depth):
        value = ops.relu(ops.add(value, ops.constant(np.ones((1, 4), np.float32))))
    return ov.Model([value], [start], "chain")


def test_what_depends_on_an_input_is_no_constant() -> None:
    model = chain(3)
    for node in model.get_ordered_ops():
        if node.get_output_size():
            assert constants.is_constant(node.output(0)) == (node.get_type_name() == "Constant")
    folded = ops.relu(ops.add(ops.constant(np.ones(2, np.float32)), ops.constant(np.ones(2, np.float32))))
    assert constants.is_constant(folded.output(0))


def test_a_copy_is_asked_anew_and_what_is_remembered_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(constants, "_MOST_REMEMBERED", 10)
    for node in (n for model in (chain(40), chain(40).clone()) for n in model.get_ordered_ops()):
        if node.get_type_name() == "Relu":
            assert not constants.is_constant(node.output(0))
    assert len(constants._variable) <= 10


def test_asking_every_node_of_a_deep_model_is_linear(monkeypatch) -> None:
    """Each question stops at the node before, whose answer is known: no more nodes are remembered than asked about."""
    known: set[str] = set()
    monkeypatch.setattr(constants, "_variable", known)
    nodes = [n for n in chain(50).get_ordered_ops() if n.get_type_name() == "Relu"]
    assert not any(constants.is_constant(node.output(0)) for node in nodes)
    assert known == {node.get_name() for node in nodes}
