"""Weights as integers: numbers worked out by hand, and the same model as OpenVINO's own transformation makes."""

from __future__ import annotations

import numpy as np
import openvino as ov
import pytest
from conftest import convolution_net

from autotune.graph.inspect import candidate_digest
from autotune.graph.normalise import normalise
from autotune.quantize.build import build
from autotune.quantize.factory import store_weights
from autotune.quantize.placement import Placer
from autotune.quantize.points import Placement
from autotune.quantize.ranges import Range, WeightRanges
from autotune.quantize.stored import StoredWeights, stored


def test_integers_and_scale_by_hand() -> None:
    top = np.array([[1.27], [2.54]], np.float32)
    made = stored(np.array([[0.014, -1.27, 9.0], [0.029, -0.045, 2.54]], np.float32), Range(-top, top, 255))
    assert made.integers.tolist() == [[1, -127, 127], [1, -2, 127]]
    assert made.scale == pytest.approx(np.array([[0.01], [0.02]]))
    assert made.levels.tolist() == [[128, 0, 254], [128, 125, 254]]


@pytest.mark.parametrize("fix", ["off", "all"])
@pytest.mark.parametrize("granularity", ["per-channel", "per-tensor"])
def test_the_model_is_the_one_that_openvino_makes(granularity, fix) -> None:
    source = convolution_net()
    source.reshape([1, 3, 16, 16])
    model, _ = normalise(source)
    sample = {"image": np.zeros((1, 3, 16, 16), np.float32)}
    place = Placement((), Placer(model, sample).solve("plain", "performance").weights)
    ranges = WeightRanges(model).of(place, granularity, fix)
    integers = StoredWeights(model).of(place, ranges)
    assert integers.keys() == ranges.keys()
    ours, theirs = build(model, place, {}, ranges, {}, stored=integers), build(model, place, {}, ranges, {})
    store_weights(theirs)
    assert candidate_digest(ours) == candidate_digest(theirs)
    image = np.random.default_rng(0).standard_normal((1, 3, 16, 16)).astype(np.float32)
    one, other = (ov.Core().compile_model(m, "CPU")({"image": image})[0] for m in (ours, theirs))
    assert (one == other).all()
