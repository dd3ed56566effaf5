"""Quantisers of attentions behind the transposition: the same values, in another place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest

from autotune.configuration import Configuration, FormChoice, Quantization
from autotune.data import Dataset
from autotune.forms.late import LateQuantizers, move
from autotune.graph.inspect import candidate_digest
from autotune.graph.normalise import normalise
from autotune.quantize.variants import Variants

HEADS, LENGTH, SIZE = 2, 6, 4
WIDTH = HEADS * SIZE


def limits(*values: float, shape: tuple[int, ...] = ()) -> list[ov.Node]:
    return [ops.constant(np.full(shape, value, np.float32)) for value in values]


def attention(
    *, fused: bool = True, quantised: bool = True, shape: tuple[int, ...] = (), read_twice: bool = False
) -> ov.Model:
    random = np.random.default_rng(0)
    x = ops.parameter([1, LENGTH, WIDTH], np.float32, name="x")

    def heads() -> ov.Node:
        weights = ops.constant(random.normal(size=(WIDTH, WIDTH)).astype(np.float32))
        split = ops.reshape(ops.matmul(x, weights, False, False), [0, LENGTH, HEADS, SIZE], special_zero=True)
        return ops.transpose(split, [0, 2, 1, 3])

    if fused:
        node = ops.scaled_dot_product_attention(heads(), heads(), heads())
    else:
        node = ops.matmul(ops.softmax(ops.matmul(heads(), heads(), False, True), -1), heads(), False, False)
    node.set_friendly_name("attention")
    if quantised:
        ends = limits(-1, 1, -1, 1, shape=shape)
        node = ops.fake_quantize(node, *ends, 256)
        node.set_friendly_name("quantiser")
    joined = ops.reshape(ops.transpose(node, [0, 2, 1, 3]), [0, LENGTH, WIDTH], special_zero=True)
    out = ops.matmul(joined, ops.constant(random.normal(size=(WIDTH, 3)).astype(np.float32)), False, False)
    return ov.Model([out, ops.relu(joined)] if read_twice else [out], [x], "attention")


def place(model: ov.Model) -> tuple[str, list[str]]:
    """What the quantiser reads, and what reads it."""
    (node,) = (n for n in model.get_ops() if n.get_friendly_name() == "quantiser")
    readers = sorted(reader.get_node().get_type_name() for reader in node.output(0).get_target_inputs())
    return node.input_value(0).get_node().get_type_name(), readers


def outputs(model: ov.Model) -> list[np.ndarray]:
    x = np.random.default_rng(1).normal(size=(1, LENGTH, WIDTH)).astype(np.float32)
    return list(ov.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x).values())


@pytest.mark.parametrize("read_twice", [False, True])
@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("shape", [(), (1, 1, 1)])
def test_the_quantiser_comes_behind_and_nothing_changes(fused: bool, read_twice: bool, shape: tuple[int, ...]) -> None:
    model = attention(fused=fused, shape=shape, read_twice=read_twice)
    before = outputs(model)
    move(model, ["attention"])
    assert place(model) == ("Reshape", ["MatMul", "Relu"] if read_twice else ["MatMul"])
    for was, now in zip(before, outputs(model), strict=True):
        np.testing.assert_allclose(now, was, rtol=1e-5, atol=1e-5)


def test_limits_of_more_axes_stay_where_there_are_as_many() -> None:
    """Limits of four axes cannot be those of a tensor of three: behind the transposition is as far as it goes."""
    model = attention(shape=(1, 1, 1, 1))
    before = outputs(model)
    move(model, ["attention"])
    assert place(model) == ("Transpose", ["Reshape"])
    np.testing.assert_allclose(outputs(model)[0], before[0], rtol=1e-5, atol=1e-5)


def test_a_range_per_head_stays() -> None:
    model = attention(shape=(1, HEADS, 1, 1))
    move(model, ["attention"])
    assert place(model) == ("ScaledDotProductAttention", ["Transpose"])


@pytest.mark.parametrize("fused", [True, False])
def test_every_attention_is_a_group_and_float_models_stay(fused: bool) -> None:
    form, model = LateQuantizers(), attention(fused=fused, quantised=False)
    assert form.groups(model) == {"attention": ("attention",)}
    kinds = [node.get_type_name() for node in model.get_ordered_ops()]
    form.apply(model, ["attention"])
    assert [node.get_type_name() for node in model.get_ordered_ops()] == kinds
    with pytest.raises(ValueError, match="late-quantizers has no group 'other'"):
        form.apply(model, ["other"])


def test_a_candidate_is_built_so_and_observed_once(tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(8, LENGTH, WIDTH)).astype(np.float32)
    made = Variants(normalise(attention(quantised=False))[0], Dataset({"x": x}), tmp_path, threads=1)
    made.observe()
    quantization = Quantization("transformer", "mixed")
    plain = made.build(Configuration(quantization=quantization))
    before = made.observing
    late = made.build(Configuration(quantization=quantization, forms=(FormChoice("late-quantizers", ("attention",)),)))
    assert made.observing == before
    assert candidate_digest(late) != candidate_digest(plain)
    (behind,) = (n for n in late.get_ops() if n.get_friendly_name() == "attention/fq_output_0")
    assert behind.input_value(0).get_node().get_type_name() == "Reshape"
    for was, now in zip(outputs(plain), outputs(late), strict=True):
        np.testing.assert_allclose(now, was, rtol=1e-4, atol=1e-4)
