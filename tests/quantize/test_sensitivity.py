"""One emulated graph against models built and compiled for each variant."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest

from autotune.configuration import Quantization
from autotune.data import Dataset
from autotune.graph.normalise import normalise
from autotune.quantize.emulate import SWITCHES, Emulation, merged
from autotune.quantize.factory import CandidateFactory
from autotune.quantize.points import ActivationQuantizer, Placement
from autotune.quantize.ranges import Range
from autotune.quantize.sensitivity import distances
from autotune.stopwatch import Stopwatch

CONVOLUTIONS = ("conv1", "depthwise", "conv2", "fc")


@pytest.fixture(scope="module")
def small(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[CandidateFactory, ov.Model, Dataset]:
    model = ov.Core().read_model(tiny / "model.xml")
    model.reshape({"image": [1, 3, 16, 16]})
    images = np.load(tiny / "data.npz")["image"]
    model, _ = normalise(model)
    factory = CandidateFactory(model, Dataset({"image": images[:50]}), tmp_path_factory.mktemp("cache"), 2)
    factory.prepare()
    factory.observe()
    return factory, model, Dataset({"image": images[50:82]})


def outputs(model: ov.Model, data: Dataset, **more: np.ndarray) -> np.ndarray:
    compiled = ov.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.concatenate([compiled({**data.row(i), **more})[0] for i in range(len(data))]).astype(np.float64)


def error(candidate: np.ndarray, reference: np.ndarray) -> float:
    return float(((candidate - reference) ** 2).sum() / ((reference - reference.mean(axis=0)) ** 2).sum())


@pytest.mark.parametrize("bias_correction", [False, True])
@pytest.mark.parametrize("setting", [("plain", "performance"), ("transformer", "mixed")])
def test_equals_candidates_that_are_really_int8(small, setting, bias_correction):
    factory, model, data = small
    placement, preset = setting
    # Seven-bit weights: 8-bit sums saturate on CPUs without VNNI, which the emulation does not follow.
    quantization = Quantization(placement, preset, bias_correction=bias_correction, overflow_fix="all")
    found = factory.sensitivity(quantization, data)
    reference = outputs(model, data)
    names = set(factory.operators)
    assert set(found.alone) == set(found.kept) == names >= set(CONVOLUTIONS)
    for name in names:
        # In chains of int8 operators OpenVINO's fused kernels round a little otherwise; alone there are no chains.
        alone, kept = names - {name}, {name}
        for floats, distance, close in ((alone, found.alone[name], 0.01), (kept, found.kept[name], 0.2)):
            real = factory.build(replace(quantization, float_operators=tuple(floats)))
            assert distance.error == pytest.approx(error(outputs(real, data), reference), rel=close, abs=1e-9)
    real = factory.build(quantization)
    assert found.whole.error == pytest.approx(error(outputs(real, data), reference), rel=0.2)
    eight_bits = factory.sensitivity(replace(quantization, overflow_fix="off"), data, few=0)
    assert eight_bits.whole.cosine > 0.99
    assert found.samples == len(data)
    assert found.inferences <= len(data) * (2 + 2 * len(names))


def test_errors_of_single_operators_roughly_add_up(small):
    factory, _, data = small
    found = factory.sensitivity(Quantization(), data, few=0)
    assert found.kept == {}
    assert 0.5 < sum(d.error for d in found.alone.values()) / found.whole.error < 2


def test_a_few_samples_for_what_float_takes_back(small):
    factory, _, data = small
    found = factory.sensitivity(Quantization(), data, few=4)
    alike = factory.sensitivity(Quantization(), data.take(slice(0, 4)))
    assert found.kept == alike.kept and found.whole_of_few == alike.whole == alike.whole_of_few
    assert found.alone == factory.sensitivity(Quantization(), data, few=0).alone
    assert found.inferences < len(data) * (2 + len(found.alone)) + 4 * len(found.kept) + 1


def test_groups_and_operators_that_stay_float(small):
    factory, _, data = small
    found = factory.sensitivity(
        Quantization(float_operators=("fc",)), data, {"body": ("conv1", "conv2"), "fc": ("fc",)}
    )
    assert found.alone["fc"].error == 0
    assert found.alone["fc"].cosine == pytest.approx(1)
    assert found.kept["fc"] == found.whole
    assert found.alone["body"].error > 0


def test_all_off_is_the_float_model_exactly(small):
    factory, model, data = small
    quantization = Quantization()
    emulation = factory.emulation(quantization, [factory.placement(quantization)])
    off = emulation.switches(Placement((), ()))
    assert not off.any()
    # Weights that are chosen at run time are multiplied by another kernel, in another order.
    assert outputs(emulation.model, data, **{SWITCHES: off}) == pytest.approx(outputs(model, data), rel=1e-4, abs=1e-5)
    assert emulation.switches(factory.placement(quantization)).all()


def test_the_float_model_is_untouched(small):
    factory, model, _ = small
    before = [node.get_friendly_name() for node in model.get_ordered_ops()]
    factory.emulation(Quantization(), [factory.placement(Quantization())])
    assert [node.get_friendly_name() for node in model.get_ordered_ops()] == before
    assert [port.get_any_name() for port in model.inputs] == ["image"]


def test_a_quantiser_of_another_placement(small):
    factory, _, _ = small
    one = Quantization(float_operators=tuple(set(factory.operators) - {"conv1"}))
    emulation = factory.emulation(one, [factory.placement(one)])
    with pytest.raises(KeyError):
        emulation.switches(factory.placement(Quantization()))


def test_merging_keeps_the_first_of_a_name(small):
    factory, _, _ = small
    whole = factory.placement(Quantization())
    part = factory.placement(Quantization(float_operators=("fc",)))
    both = merged([whole, part, whole])
    assert {q.name for q in both.activations} == {q.name for p in (whole, part) for q in p.activations}
    assert len(both.weights) == len(whole.weights)


@pytest.mark.parametrize("operator, error, cosine", [("relu", 1.0, 0.75 / math.sqrt(0.625)), ("log", math.inf, -1.0)])
def test_distances_by_hand(operator: str, error: float, cosine: float):
    """Two levels, 0 and 1: 0.25 becomes 0 and 0.75 becomes 1; squared errors are 4 x 1/16, so is the variance.

    The logarithm of 0 is not finite.
    """
    x = ops.parameter([1, 2], np.float32, name="x")
    x.output(0).set_names({"x"})
    model = ov.Model([getattr(ops, operator)(x)], [x], "m")
    quantizer = ActivationQuantizer("x/fq", "x", 0, "output", "x:0", True, False, False, None, None)
    placement = Placement((quantizer,), ())
    ranges = {"x/fq": Range(np.zeros(1, np.float32), np.ones(1, np.float32), 2)}
    emulation = Emulation(model, [placement], ranges, {}, {})
    data = Dataset({"x": np.array([[0.25, 0.75], [0.75, 0.25]], np.float32)})
    off, on = distances(emulation, [Placement((), ()), placement], data, 1, Stopwatch())
    assert (off.error, off.cosine) == (0, 1)
    assert on.error == pytest.approx(error)
    assert on.cosine == pytest.approx(cosine)
