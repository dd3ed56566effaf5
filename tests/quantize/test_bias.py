"""Bias correction: equal to NNCF's where there is no padding, closer to the truth where there is."""

from __future__ import annotations

from dataclasses import replace

import nncf
import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from numpy.typing import NDArray
from openvino._offline_transformations import compress_quantize_weights_transformation
from small_graphs import convolutional, placement

from autotune.configuration import OverflowFix
from autotune.data import Dataset
from autotune.graph.constants import constant_value
from autotune.quantize.bias import BiasTable, quantized
from autotune.quantize.build import build
from autotune.quantize.observe import Observation, observe
from autotune.quantize.points import Placement, WeightQuantizer
from autotune.quantize.ranges import Range, WeightRanges

Array = NDArray[np.float32]


def corrected(model: ov.Model, dataset: Dataset, place: Placement) -> dict[str, Array]:
    table = BiasTable(model, observe(model, dataset, {"image:0": frozenset()}, threads=2))
    return table.of(place, WeightRanges(model).of(place, "per-channel", "off"))


def constants(model: ov.Model) -> dict[str, Array]:
    """Return the constants added, by name of the Add."""
    return {
        node.get_friendly_name(): node.input_value(1).get_node().get_data(dtype=np.float32)
        for node in model.get_ops()
        if node.get_type_name() == "Add"
    }


def test_equals_nncf_without_padding() -> None:
    """On images that are constant per channel: elsewhere NNCF also takes E[y] - f(E[x]) of the border for a shift."""
    model = convolutional(padding=0)
    levels = np.random.default_rng(1).normal(0.5, 1, size=(20, 3, 1, 1)).astype(np.float32)
    dataset = Dataset({"image": np.broadcast_to(levels, (20, 3, 8, 8)).copy()})
    samples = nncf.Dataset([dataset.row(i) for i in range(20)])
    no_fix = nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.DISABLE)
    theirs = constants(nncf.quantize(model.clone(), samples, subset_size=20, advanced_parameters=no_fix))
    mine = corrected(model, dataset, placement(model))
    before = constants(model)
    assert set(mine) == {"conv", "linear"}
    for name, bias in mine.items():
        assert np.abs(bias - before[f"{name}_bias"]).max() > 1e-4
        np.testing.assert_allclose(bias, theirs[f"{name}_bias"], atol=2e-5)
    np.testing.assert_array_equal(theirs["depthwise_bias"], before["depthwise_bias"])


@pytest.mark.parametrize("fix", ["off", "all"])
def test_quantized_weights_are_those_that_ship(fix: OverflowFix) -> None:
    model = convolutional()
    place = Placement((), placement(model).weights)
    ranges = WeightRanges(model).of(place, "per-channel", fix)
    shipped = build(model, place, {}, ranges, {})
    compress_quantize_weights_transformation(shipped)
    before, after = ({n.get_friendly_name(): n for n in m.get_ops()} for m in (model, shipped))
    for quantizer in place.weights:
        expected = constant_value(after[quantizer.node].input_value(1))
        weight = constant_value(before[quantizer.node].input_value(1))
        assert np.abs(expected - weight).max() > 1e-3
        np.testing.assert_allclose(quantized(weight, ranges[quantizer.name]), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("stride", "dilation", "pads"),
    [(1, 1, (1, 1)), (2, 1, (0, 2)), (1, 2, (2, 1)), (3, 2, (1, 0)), (1, 1, "same_upper")],
)
def test_shift_of_strides_dilations_and_pads(stride: int, dilation: int, pads: tuple[int, int] | str) -> None:
    """The mean of what the lost part of the weights computes, when the mean per channel says all of the image."""
    random = np.random.default_rng(0)
    image = ops.parameter([1, 3, 9, 7], np.float32, name="image")
    image.output(0).set_names({"image"})
    weight = random.normal(size=(4, 3, 3, 2)).astype(np.float32)
    auto = pads if isinstance(pads, str) else "explicit"
    begin, end = ([0, 0], [0, 0]) if isinstance(pads, str) else ([pads[0], 1], [pads[1], 0])

    def convolution(values: Array) -> ov.Node:
        return ops.convolution(image, ops.constant(values), [stride, 1], begin, end, [dilation, 1], auto, name="conv")

    conv = convolution(weight)
    model = ov.Model([ops.result(ops.add(conv, np.full((1, 4, 1, 1), 100, np.float32), name="b"))], [image], "conv")
    level = np.array([0.5, 1, 2], np.float32).reshape(1, 3, 1, 1)
    dataset = Dataset({"image": np.broadcast_to(level, (2, 3, 9, 7)).copy()})
    chosen = Range(np.array(-2, np.float32), np.array(2, np.float32), 5)
    table = BiasTable(model, observe(model, dataset, {"image:0": frozenset()}, threads=1))
    place = Placement((), (WeightQuantizer("w", "conv", 1, (), False),))
    mine = table.of(place, {"w": chosen})["conv"].ravel() - 100

    lost = weight - quantized(weight, chosen)
    compiled = ov.compile_model(
        ov.Model([ops.result(convolution(lost))], [image], "p"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    np.testing.assert_allclose(mine, compiled(dataset.row(0))[0].mean(axis=(0, 2, 3)), atol=1e-4)


def linear(weight: Array, bias: Array, *, transposed: bool = False, first: bool = False) -> ov.Model:
    """Return x @ weight + bias for x of shape (1, 4, 3), or (1, 3, 4) that is transposed first by the product."""
    image = ops.parameter([1, 3, 4] if first else [1, 4, 3], np.float32, name="image")
    image.output(0).set_names({"image"})
    node = ops.matmul(image, ops.constant(weight), first, transposed, name="linear")
    return ov.Model([ops.result(ops.add(node, ops.constant(bias), name="b"))], [image], "linear")


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("rank", [1, 3])
def test_products_by_hand(first: bool, transposed: bool, rank: int) -> None:
    """Inputs are 1, 2, 4 per channel; of the weights 1.25 and 0.75 a quarter is lost."""
    weight = np.array([[1.25, 1], [1, 0.75], [1.25, 1]], np.float32)  # (in, out)
    bias = np.array([10, 20], np.float32).reshape((2,) if rank == 1 else (1, 1, 2))
    model = linear(weight.T.copy() if transposed else weight, bias, transposed=transposed, first=first)
    values = np.broadcast_to(np.array([1, 2, 4], np.float32), (2, 4, 3))
    dataset = Dataset({"image": values.transpose(0, 2, 1).copy() if first else values.copy()})
    table = BiasTable(model, observe(model, dataset, {"image:0": frozenset()}, threads=1))
    chosen = Range(np.array(-2, np.float32), np.array(2, np.float32), 9)  # steps of one half; 1.25 -> 1, .75 -> 1
    place = Placement((), (WeightQuantizer("w", "linear", 1, (), False),))
    mine = table.of(place, {"w": chosen})["linear"]
    assert mine.shape == bias.shape
    assert mine.ravel() == pytest.approx([10 + 0.25 * 1 + 0.25 * 4, 20 - 0.25 * 2])


def test_batched_weights_shift_by_the_mean_over_the_batch() -> None:
    weight = np.stack([np.full((3, 2), 1.25, np.float32), np.full((3, 2), 1, np.float32)])
    image = ops.parameter([2, 4, 3], np.float32, name="image")
    image.output(0).set_names({"image"})
    node = ops.matmul(image, ops.constant(weight), False, False, name="linear")
    model = ov.Model([ops.result(ops.add(node, np.full((1, 1, 2), 5, np.float32)))], [image], "batched")
    chosen = Range(np.array(-2, np.float32), np.array(2, np.float32), 5)
    table = BiasTable(model, Observation({}, {"linear": np.ones(3, np.float32)}))
    place = Placement((), (WeightQuantizer("w", "linear", 1, (), False),))
    assert table.of(place, {"w": chosen})["linear"].ravel() == pytest.approx([5 + 0.75 / 2] * 2)


@pytest.mark.parametrize("bias", [[0.0, 1.0], [1.0, 0.1]])
def test_a_zero_and_a_large_shift_keep_the_bias(bias: list[float]) -> None:
    model = linear(np.full((3, 2), 0.6, np.float32), np.array(bias, np.float32))
    table = BiasTable(model, Observation({}, {"linear": np.ones(3, np.float32)}))
    place = Placement((), (WeightQuantizer("w", "linear", 1, (), False),))
    chosen = Range(np.array(-1, np.float32), np.array(1, np.float32), 3)  # 0.6 -> 1: a shift of -1.2
    assert table.of(place, {"w": chosen}) == {}


def test_scalar_biases_and_weights_first_are_left_alone() -> None:
    scalar = linear(np.full((3, 2), 0.6, np.float32), np.array([[[9.0]]], np.float32))
    table = BiasTable(scalar, Observation({}, {"linear": np.ones(3, np.float32)}))
    place = Placement((), (WeightQuantizer("w", "linear", 1, (), False),))
    chosen = Range(np.array(-1, np.float32), np.array(1, np.float32), 3)
    assert table.of(place, {"w": chosen}) == {}
    swapped = Placement((), tuple(replace(w, port=0) for w in place.weights))
    assert table.of(swapped, {"w": chosen}) == {}
