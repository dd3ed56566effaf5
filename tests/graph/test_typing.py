"""Operators typed bf16 in an f32 model: structure, values, and the kernel that runs."""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from conftest import convolution_net

from autotune.graph.typing import type_bf16
from autotune.measure.compiled import compile_model, probe_precisions

IMAGE = {"image": np.random.default_rng(0).standard_normal((1, 3, 16, 16), dtype=np.float32)}


@pytest.fixture
def net() -> ov.Model:
    model = convolution_net()
    model.reshape([1, 3, 16, 16])
    return model


def test_types_and_names(net: ov.Model) -> None:
    assert type_bf16(net, ["conv1", "fc"]).left == ()
    types = {n.get_friendly_name(): n.get_output_element_type(0) for n in net.get_ops() if n.get_output_size()}
    assert (types["conv1"], types["fc"]) == (ov.Type.bf16, ov.Type.bf16)
    assert (types["conv2"], types["depthwise"], types["conv2/bias"]) == (ov.Type.f32,) * 3
    assert net.output("logits").get_element_type() == ov.Type.f32


def test_weights_are_rounded_to_nearest_even() -> None:
    x = ops.parameter([1, 4], np.float32, name="x")
    weights = np.array([[1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-9, 3.0]], np.float32)
    model = ov.Model([ops.matmul(x, ops.constant(weights), False, True, name="fc")], [x], "m")
    type_bf16(model, ["fc"])
    (constant,) = (n for n in model.get_ops() if n.get_type_name() == "Constant")
    assert constant.get_element_type() == ov.Type.bf16
    bits = np.array(constant.data).view(np.uint16).astype(np.uint32) << 16
    np.testing.assert_array_equal(bits.view(np.float32), [[1.0, 1 + 2**-6, -1.0, 3.0]])


def test_an_operator_that_feeds_another_directly_hands_over_bf16() -> None:
    x = ops.parameter([1, 4], np.float32, name="x")
    one = ops.matmul(x, ops.constant(np.eye(4, dtype=np.float32)), False, False, name="one")
    two = ops.matmul(one, ops.constant(np.eye(4, dtype=np.float32)), False, False, name="two")
    model = ov.Model([two], [x], "m")
    type_bf16(model, ["one", "two"])
    kinds = [n.get_type_name() for n in model.get_ordered_ops()]
    assert kinds.count("Convert") == 2


def test_what_cannot_be_typed_is_said(net: ov.Model) -> None:
    import nncf

    samples = [IMAGE["image"]] * 4
    quantised = nncf.quantize(net, nncf.Dataset(samples), subset_size=4)
    assert set(type_bf16(quantised, ["conv1", "fc"]).left) == {"conv1", "fc"}


def test_outputs_differ_by_rounding_only(net: ov.Model) -> None:
    expected = compile_model(net, "f32", 1).infer(IMAGE)["logits"]
    type_bf16(net, ["conv1", "depthwise", "conv2", "fc"])
    got = compile_model(net, "f32", 1).infer(IMAGE)["logits"]
    assert not np.array_equal(got, expected)
    np.testing.assert_allclose(got, expected, atol=0.02 * np.abs(expected).max())


@pytest.mark.skipif("bf16" not in probe_precisions(), reason="this CPU does not compute in bf16")
def test_bf16_kernels_run_exactly_there(net: ov.Model) -> None:
    type_bf16(net, ["conv2"])
    ran = {run.name: run.precision for run in compile_model(net, "f32", 1).profile()}
    assert ran["conv2"] == "bf16"
    assert ran["conv1"] == "f32"


def test_what_is_between_and_after_operators_is_bf16_too_and_reductions_are_not(net: ov.Model) -> None:
    (region,) = type_bf16(net, ["conv1", "depthwise", "conv2"]).regions
    assert region == {"conv1", "conv1/bias", "conv1/relu", "depthwise", "conv2", "conv2/bias", "conv2/relu", "residual"}
    types = {n.get_friendly_name(): n.get_output_element_type(0) for n in net.get_ops() if n.get_output_size()}
    assert all(types[name] == ov.Type.bf16 for name in region)
    assert (types["pool"], types["fc"], types["fc/bias"]) == (ov.Type.f32,) * 3
    kinds = [n.get_type_name() for n in net.get_ordered_ops()]
    assert kinds.count("Convert") == 2  # into the region, and out of it


def test_one_conversion_serves_all_who_read_a_value() -> None:
    x = ops.parameter([1, 4], np.float32, name="x")
    eye = np.eye(4, dtype=np.float32)
    ways = [ops.matmul(x, ops.constant(eye), False, False, name=name) for name in ("one", "two", "three")]
    model = ov.Model([ops.softmax(way, -1) for way in ways], [x], "m")
    typed = type_bf16(model, ["one", "two", "three"])
    assert set(typed.regions) == {frozenset({"one"}), frozenset({"two"}), frozenset({"three"})}
    assert [n.get_type_name() for n in model.get_ordered_ops()].count("Convert") == 4


def test_a_constant_that_bf16_cannot_hold_stays_f32() -> None:
    x = ops.parameter([1, 4], np.float32, name="x")
    one = ops.matmul(x, ops.constant(np.eye(4, dtype=np.float32)), False, False, name="one")
    masked = ops.add(one, ops.constant(np.full((1, 4), np.finfo(np.float32).min)), name="mask")
    model = ov.Model([ops.matmul(masked, ops.constant(np.eye(4, dtype=np.float32)), False, False, name="two")], [x])
    assert type_bf16(model, ["one", "two"]).regions == (frozenset({"one"}), frozenset({"two"}))
