from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune.graph.groups import cover, groups
from autotune.graph.neighbours import Neighbours, edges, neighbours


def linear(x: ov.Node, out: int, name: str) -> ov.Node:
    weight = ops.constant(np.ones((out, x.get_output_shape(0)[-1]), np.float32), name=f"{name}/weight")
    return ops.matmul(x, weight, False, True, name=name)


@pytest.fixture(scope="module")
def attention() -> ov.Model:
    """x -> q, k, v -> softmax(q k^T) v -> out -> + x -> relu -> head."""
    x = ops.parameter([1, 5, 8], np.float32, name="x")
    q, k, v = (linear(x, 8, name) for name in "qkv")
    scores = ops.matmul(q, k, False, True, name="scores")
    scaled = ops.multiply(scores, ops.constant(np.float32(0.3), name="c"), name="scale")
    mixed = ops.matmul(ops.softmax(scaled, 2, name="softmax"), v, False, False, name="mixed")
    total = ops.add(x, linear(mixed, 8, "out"), name="sum")
    return ov.Model([linear(ops.relu(total, name="relu"), 3, "head")], [x], "attention")


PRODUCTS = ("q", "k", "v", "scores", "mixed", "out", "head")


def test_neighbours(attention: ov.Model):
    near = neighbours(attention, PRODUCTS)
    assert near["softmax"] == Neighbours(("scores",), ("mixed",))
    assert near["x"] == Neighbours((), near["x"].reads)
    assert set(near["x"].reads) == {"q", "k", "v", "head"}
    assert near["relu"] == Neighbours(("out",), ("head",))
    assert near["sum"] == Neighbours(("out",), ("head",))
    assert near["out"] == Neighbours(("mixed",), ("head",))
    assert set(near["mixed"].feeds) == {"scores", "v"}
    assert "q/weight" not in near


def test_edges(attention: ov.Model):
    found = edges(attention, PRODUCTS)
    assert found["q", "scores"] == 40  # 5 x 8 given
    assert found["scores", "mixed"] == 25  # 5 x 5
    assert found["out", "head"] == 40
    assert ("q", "mixed") not in found


def test_groups_of_attention(attention: ov.Model):
    found = groups(attention, PRODUCTS)
    assert set(found) == {"shared:x", "attention:softmax"}  # the branch of 'sum' is the attention block
    assert set(found["shared:x"]) == {"q", "k", "v"}
    assert set(found["attention:softmax"]) == {"q", "k", "v", "scores", "mixed", "out"}
    assert found["attention:softmax"][-1] == "out"


def test_scale_and_sum_may_be_operators_too(attention: ov.Model):
    found = groups(attention, (*PRODUCTS, "scale", "sum"))
    assert {"scores", "mixed"} <= set(found["attention:softmax"])
    assert set(found["branch:sum"]) == {"q", "k", "v", "scores", "scale", "mixed", "out", "sum"}


def test_a_residual_branch():
    x = ops.parameter([1, 4], np.float32, name="x")
    a = linear(x, 4, "a")
    c = linear(ops.relu(linear(a, 4, "b"), name="r"), 4, "c")
    model = ov.Model([linear(ops.add(a, c, name="sum"), 2, "d")], [x], "residual")
    assert groups(model, ("a", "b", "c", "d")) == {"branch:sum": ("b", "c")}


def test_two_inputs_have_no_fork():
    x, y = (ops.parameter([1, 4], np.float32, name=name) for name in "xy")
    model = ov.Model([ops.add(linear(x, 4, "a"), linear(y, 4, "b"), name="sum")], [x, y], "two")
    assert groups(model, ("a", "b")) == {}


def test_cover_keeps_singles_while_there_is_room():
    found = {"big": ("a", "b", "c"), "small": ("a", "b")}
    assert cover(found, "abcd", 4) == {"a": ("a",), "b": ("b",), "c": ("c",), "d": ("d",)}
    assert cover(found, "abcd", 3) == {"small": ("a", "b"), "c": ("c",), "d": ("d",)}
    assert cover({}, "abcde", 3) == {"next:a": ("a", "b"), "next:c": ("c", "d"), "next:e": ("e",)}


@given(st.integers(1, 40), st.integers(1, 20), st.lists(st.sets(st.integers(0, 39), min_size=2), max_size=8))
def test_a_cover_has_every_operator_once(count: int, most: int, sets: list[set[int]]):
    found = {str(i): tuple(f"n{m}" for m in sorted(members) if m < count) for i, members in enumerate(sets)}
    found = {label: members for label, members in found.items() if len(members) > 1}
    names = [f"n{i}" for i in range(count)]
    chosen = cover(found, names, most)
    assert sorted(name for group in chosen.values() for name in group) == sorted(names)
