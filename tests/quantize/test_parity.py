"""Candidates equal what ``nncf.quantize`` builds: structure, names, levels, ranges and int8 weights.

NNCF's own choice is the estimator ``mean-min-max``. Both sides store their weights as int8. Ranges may differ by what
summing float32 in another order gives. Bias correction differs on purpose (quantize/bias.py) and is off.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import nncf
import numpy as np
import openvino as ov
import pytest
from openvino._offline_transformations import compress_quantize_weights_transformation
from placement_models import attention, convolutions, products, samples, shared_weights

from autotune import recipe
from autotune.configuration import OverflowFix, PlacementName, Preset, Quantization
from autotune.data import Dataset
from autotune.graph.inspect import model_digest
from autotune.graph.normalise import normalise
from autotune.quantize.factory import CandidateFactory
from autotune.quantize.nncf_public import quantize
from autotune.sources.model import locate, read

RECIPES = Path(__file__).parents[2] / "recipes"
FIXES = {
    "off": nncf.OverflowFix.DISABLE,
    "first-layer": nncf.OverflowFix.FIRST_LAYER,
    "all": nncf.OverflowFix.ENABLE,
}
# Placement, preset, overflow fix, share of the operators kept float.
CASES: list[tuple[PlacementName, Preset, OverflowFix, float]] = [
    ("plain", "performance", "first-layer", 0.0),
    ("plain", "performance", "off", 0.3),
    ("plain", "mixed", "off", 0.0),
    ("transformer", "mixed", "all", 0.0),
    ("transformer", "performance", "off", 0.3),
]
LARGEST_DIFFERENCE = 1e-6


def small(build: Callable[[], ov.Model]) -> tuple[ov.Model, Dataset]:
    model = build()
    return model, samples(model)


def real(name: str) -> tuple[ov.Model, Dataset]:
    """The model of a recipe with random samples of its kind: parity needs no real ones."""
    found = recipe.load(RECIPES / f"{name}.yaml")
    rng = np.random.default_rng(0)
    data = {
        "file-type": {"bytes": rng.integers(0, 257, (10, 2048), dtype=np.int32)},
        "page-orientation": {"x": rng.standard_normal((10, 3, 224, 224)).astype(np.float32)},
    }[name]
    model, _ = read(locate(found), {key: tuple(shape) for key, shape in found.inputs.items()}, Dataset(data))
    return model, Dataset(data)


def digits() -> tuple[ov.Model, Dataset]:
    data = Dataset({"image": np.random.default_rng(0).uniform(0, 1, (10, 1, 28, 28)).astype(np.float32)})
    source = ov.Core().read_model(RECIPES / "digits" / "digits.onnx")
    data = Dataset({source.input(0).get_any_name(): data.inputs["image"]})
    return read(RECIPES / "digits" / "digits.onnx", {}, data)[0], data


def difference(one: ov.Model, other: ov.Model) -> float:
    """Largest relative difference of two models of equal structure: ranges to their width, constants to their size.

    Weights stored as int8 must be equal.
    """
    ours, theirs = (model.get_ordered_ops() for model in (one, other))
    assert [node.get_type_name() for node in ours] == [node.get_type_name() for node in theirs]
    assert edges(ours) == edges(theirs)
    worst = 0.0
    for a, b in zip(ours, theirs, strict=True):
        if a.get_type_name() == "FakeQuantize":
            assert a.get_friendly_name() == b.get_friendly_name()
            assert a.get_attributes() == b.get_attributes()
            ranges = [[node.input_value(port).get_node().data for port in range(1, 5)] for node in (a, b)]
            width = np.abs(ranges[1][1] - ranges[1][0])
            worst = max(worst, *(float(np.max(np.abs(x - y) / width)) for x, y in zip(*ranges, strict=True)))
        elif a.get_type_name() == "Constant":
            assert a.data.dtype == b.data.dtype
            assert a.data.shape == b.data.shape
            if is_range(a):
                continue
            if a.data.dtype == np.float32:
                changed = a.data != b.data
                size = np.abs(b.data[changed])
                worst = max(worst, float(np.max(np.abs(a.data[changed] - b.data[changed]) / size, initial=0)))
            else:
                np.testing.assert_array_equal(a.data, b.data)
    return worst


def is_range(constant: ov.Node) -> bool:
    return all(target.get_node().get_type_name() == "FakeQuantize" for target in constant.output(0).get_target_inputs())


def edges(nodes: list[ov.Node]) -> list[list[tuple[int, int]]]:
    index = {node.get_name(): i for i, node in enumerate(nodes)}
    sources = [[value.get_source_output() for value in node.inputs()] for node in nodes]
    return [[(index[o.get_node().get_name()], o.get_index()) for o in outputs] for outputs in sources]


def check(
    source: ov.Model, data: Dataset, folder: Path, cases: list[tuple[PlacementName, Preset, OverflowFix, float]]
) -> None:
    model, _ = normalise(source)
    before = model_digest(model)
    factory = CandidateFactory(model, data, folder, threads=2)
    factory.prepare()
    factory.observe()
    assert factory.nncf_path == "fast"
    rows = [data.row(i) for i in range(len(data))]
    rng = random.Random(3)
    worst = 0.0
    for placement, preset, fix, share in cases:
        kept = tuple(rng.sample(list(factory.operators), round(share * len(factory.operators))))
        ours = factory.build(Quantization(placement, preset, kept, bias_correction=False, overflow_fix=fix))
        theirs = quantize(model, rows, placement, preset, kept, overflow_fix=FIXES[fix])
        compress_quantize_weights_transformation(theirs)
        worst = max(worst, difference(ours, theirs))
    print(f"largest relative difference {worst:.1e}")
    assert worst < LARGEST_DIFFERENCE
    assert model_digest(model) == before, "building changed the float model"


@pytest.mark.parametrize("build", [convolutions, attention, shared_weights])
def test_small_models(build: Callable[[], ov.Model], tmp_path: Path) -> None:
    check(*small(build), tmp_path, CASES)


def test_products_of_activations(tmp_path: Path) -> None:
    """All but plain and mixed: there NNCF makes the inputs affine, which costs the product its int8 kernel."""
    check(*small(products), tmp_path, [case for case in CASES if case[:2] != ("plain", "mixed")])


def test_digits(tmp_path: Path) -> None:
    check(*digits(), tmp_path, CASES)


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", ["file-type", "page-orientation"])
def test_published_models(name: str, tmp_path: Path) -> None:
    check(*real(name), tmp_path, CASES)
