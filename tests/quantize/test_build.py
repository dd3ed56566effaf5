"""Quantisers end up where they belong, with NNCF's names; the float model stays as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from small_graphs import borders, convolutional, images, infer, placement

from autotune.configuration import ActivationChoice, Estimator
from autotune.quantize.build import build
from autotune.quantize.observe import observe
from autotune.quantize.points import ActivationQuantizer, Placement, WeightQuantizer
from autotune.quantize.ranges import ActivationRanges, Range, WeightRanges

UNIT = Range(np.array(-1, np.float32), np.array(1, np.float32), 256)


def quantized(model: ov.Model, place: Placement) -> ov.Model:
    seen = observe(model, images(12), {q.tensor: frozenset({1}) for q in place.activations}, threads=2)
    activations = ActivationRanges(seen).of(place, ActivationChoice(Estimator("min-max")), {})
    return build(model, place, activations, WeightRanges(model).of(place, "per-channel", "off"), {})


def test_names_levels_and_shapes() -> None:
    model = convolutional()
    found = borders(quantized(model, placement(model)))
    assert {name: (levels, low.shape) for name, (levels, low, _) in found.items()} == {
        "image/fq_output_0": (256, ()),
        "relu/fq_output_0": (256, (1, 4, 1, 1)),
        "pool/fq_output_0": (256, ()),
        "conv/fq_weights_1": (255, (4, 1, 1, 1)),
        "depthwise/fq_weights_1": (255, (4, 1, 1, 1, 1)),
        "linear/fq_weights_1": (255, (5, 1)),
    }


def test_outputs_stay_close_and_the_float_model_as_it_was() -> None:
    model, dataset = convolutional(), images(12)
    before = infer(model, dataset)
    after = infer(quantized(model, placement(model)), dataset)
    assert 0 < np.abs(after - before).max() < 0.05 * np.abs(before).max()
    np.testing.assert_array_equal(infer(model, dataset), before)
    assert not borders(model)


def branching() -> ov.Model:
    """Return x -> relu -> (sigmoid, result) and two products that share a weight."""
    x = ops.parameter([1, 4], np.float32, name="x")
    x.output(0).set_names({"x"})
    relu = ops.relu(x, name="relu")
    weight = ops.constant(np.ones((4, 4), np.float32), name="weight")
    left = ops.matmul(ops.sigmoid(relu, name="sigmoid"), weight, False, False, name="left")
    right = ops.matmul(relu, weight, False, False, name="right")
    return ov.Model([ops.result(n) for n in (left, right, relu)], [x], "branching")


def activation(node: str, port: int, side: Literal["output", "input"], tensor: str) -> ActivationQuantizer:
    return ActivationQuantizer(
        f"{node}/fq_{side}_{port}",
        node,
        port,
        side,
        tensor,
        True,
        False,
        False,
        None,
        None,
    )


def test_output_side_is_for_all_consumers_and_input_side_for_one() -> None:
    output = build(
        branching(), Placement((activation("relu", 0, "output", "relu:0"),), ()), {"relu/fq_output_0": UNIT}, {}, {}
    )
    relu = next(n for n in output.get_ops() if n.get_friendly_name() == "relu")
    assert [t.get_node().get_friendly_name() for t in relu.output(0).get_target_inputs()] == ["relu/fq_output_0"]
    one = build(
        branching(), Placement((activation("right", 0, "input", "relu:0"),), ()), {"right/fq_input_0": UNIT}, {}, {}
    )
    relu = next(n for n in one.get_ops() if n.get_friendly_name() == "relu")
    targets = {t.get_node().get_friendly_name() for t in relu.output(0).get_target_inputs()}
    assert {"right/fq_input_0", "sigmoid"} <= targets and "right" not in targets and len(targets) == 3


def test_shared_weights_share_the_quantiser() -> None:
    weights = tuple(WeightQuantizer(f"{n}/fq_weights_1", n, 1, (1,), False) for n in ("left", "right"))
    model = build(branching(), Placement((), weights), {}, {w.name: replace(UNIT, levels=255) for w in weights}, {})
    assert list(borders(model)) == ["left/fq_weights_1"]
    for node in model.get_ops():
        if node.get_friendly_name() in ("left", "right"):
            assert node.input_value(1).get_node().get_friendly_name() == "left/fq_weights_1"


def test_biases_are_replaced_where_they_still_follow_the_operator() -> None:
    model = convolutional()
    new = np.arange(4, dtype=np.float32).reshape(1, 4, 1, 1)
    changed = build(model, Placement((), ()), {}, {}, {"conv": new})
    bias = next(n for n in changed.get_ops() if n.get_friendly_name() == "conv_bias").input_value(1).get_node()
    np.testing.assert_array_equal(bias.get_data(dtype=np.float32), new)
    between = Placement((activation("conv", 0, "output", "conv:0"),), ())
    kept = build(model, between, {"conv/fq_output_0": UNIT}, {}, {"conv": new})
    bias = next(n for n in kept.get_ops() if n.get_friendly_name() == "conv_bias").input_value(1).get_node()
    assert not np.array_equal(bias.get_data(dtype=np.float32), new)


def test_f16_constants_keep_their_type() -> None:
    x = ops.parameter([1, 4], np.float32, name="x")
    weight = ops.convert(ops.constant(np.eye(4, dtype=np.float16)), ov.Type.f32)
    bias = ops.convert(ops.constant(np.ones((1, 4), np.float16), name="stored"), ov.Type.f32)
    node = ops.add(ops.matmul(x, weight, False, False, name="linear"), bias, name="sum")
    model = ov.Model([ops.result(node)], [x], "half")
    place = Placement((), (WeightQuantizer("linear/fq_weights_1", "linear", 1, (1,), False),))
    ranges = WeightRanges(model).of(place, "per-tensor", "off")
    assert ranges["linear/fq_weights_1"].high == 1
    changed = build(model, place, {}, ranges, {"linear": np.full((1, 4), 2.5, np.float32)})
    out = ov.compile_model(changed, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(np.zeros((1, 4), np.float32))[0]
    assert out == pytest.approx(2.5)
