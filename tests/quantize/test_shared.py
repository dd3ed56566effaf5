"""What graph forms share with the float model: the same candidates as if everything had been observed."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "forms"))
from form_graphs import published, transformer_block

from autotune.configuration import DIRECT, ActivationChoice, Estimator, FormChoice, Quantization
from autotune.data import Dataset
from autotune.graph.normalise import normalise
from autotune.quantize.correctable import averaged
from autotune.quantize.factory import CandidateFactory
from autotune.quantize.marks import look
from autotune.quantize.observe import Observation, observe
from autotune.quantize.records import Records
from autotune.quantize.shared import Reference, Shared
from autotune.quantize.variants import Variants
from autotune.stopwatch import Stopwatch

SAMPLES = Dataset({"x": np.random.default_rng(3).standard_normal((24, 6, 8)).astype(np.float32)})


def block() -> tuple[ov.Model, Dataset]:
    return normalise(transformer_block())[0], SAMPLES


def assert_close(taken: Observation, full: Observation, key: str) -> None:
    mine, theirs = taken.tensors[key], full.tensors[key]
    width = max(np.abs(theirs.low).max(), np.abs(theirs.high).max())
    for one, other in ((mine.low, theirs.low), (mine.high, theirs.high)):
        np.testing.assert_allclose(one, other, atol=1e-4 * width, err_msg=key)
    assert (mine.size, len(mine.elements)) == (theirs.size, len(theirs.elements)), key
    assert mine.channels.keys() == theirs.channels.keys(), key
    for axis, pair in mine.channels.items():
        for one, other in zip(pair, theirs.channels[axis], strict=True):
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, atol=1e-4 * width, err_msg=key)


def assert_shared_is_what_would_be_observed(model: ov.Model, data: Dataset, folder: Path) -> None:
    made = Variants(model, data, folder / "shared", threads=2)
    made.observe()
    assert made.groups
    for name, groups in made.groups.items():
        forms = (FormChoice(name, tuple(groups), 0.5 if name == "smoothing" else None),)
        formed = made.factory(forms, "plain")
        if name == DIRECT:
            assert formed is made.base, "kernels change no value"
            continue
        alone = CandidateFactory(made.model(forms), data, folder / "alone", 2, placements=("plain",))
        alone.prepare(check=made.base.nncf_path)
        alone.observe()
        assert formed.observation.tensors.keys() == alone.observation.tensors.keys()
        for key in alone.observation.tensors:
            assert_close(formed.observation, alone.observation, key)
        assert formed.observation.means.keys() == alone.observation.means.keys()
        for operator, mean in alone.observation.means.items():
            size = np.abs(mean).max()
            np.testing.assert_allclose(formed.observation.means[operator], mean, atol=2e-4 * size, err_msg=operator)
        for estimator in (Estimator("mean-min-max"), Estimator("min-max")):
            choice = Quantization(activation=ActivationChoice(estimator))
            one, other = (ranges(factory.build(choice)) for factory in (formed, alone))
            assert one.keys() == other.keys()
            for quantiser, (low, high) in other.items():
                np.testing.assert_allclose(one[quantiser], (low, high), atol=1e-4 * np.max(high - low))


def ranges(model: ov.Model) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the input ranges by quantiser."""
    return {
        node.get_friendly_name(): tuple(np.array(node.input_value(i).get_node().data) for i in (1, 2))  # type: ignore[misc]
        for node in model.get_ops()
        if node.get_type_name() == "FakeQuantize"
    }


def test_of_a_transformer_block(tmp_path: Path) -> None:
    assert_shared_is_what_would_be_observed(*block(), tmp_path)


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", ["file-type", "page-orientation", "digits"])
def test_of_published_models(name: str, tmp_path: Path) -> None:
    model, four = published(name)
    mirrored = {key: np.concatenate([values, values[..., ::-1]]) for key, values in four.inputs.items()}
    data = Dataset(mirrored)  # eight, of which three are compared
    assert_shared_is_what_would_be_observed(model, data, tmp_path)


def test_a_layout_is_no_difference_and_a_scale_is_one(tmp_path: Path) -> None:
    """Of the form, only what is smoothed needs to be observed."""
    model, data = block()
    made = Variants(model, data, tmp_path, threads=1)
    made.observe()
    reference = Reference(model, made.base.digest, made.base.observation, data, Stopwatch())
    layout = (FormChoice("linear-as-convolution", tuple(made.groups["linear-as-convolution"])),)
    smooth = (FormChoice("smoothing", ("q",), 0.5),)
    for forms, all_shared in ((layout, True), (smooth, False)):
        factory = made.factory(forms, "plain")
        tensors = {key: frozenset(stat.channels) for key, stat in factory.observation.tensors.items()}
        shared = reference.shared(made.model(forms), tensors, averaged(made.model(forms)))
        assert (shared.tensors.keys() == tensors.keys()) == all_shared
        assert shared.tensors
        assert Shared.parse(shared.dump()) == shared


def scaled(by: float) -> ov.Model:
    """x times something, and what does not depend on that: the second channel of both is close to nothing."""
    x = ops.parameter([1, 3, 4], np.float32, name="x")
    x.output(0).set_names({"x"})
    factors = ops.constant(np.array([[[by], [1.0], [1.0]]], np.float32))
    product = ops.multiply(x, factors, name="product")
    zero = ops.multiply(x, ops.constant(np.float32(0)), name="zero")
    return ov.Model([ops.add(product, zero, name="sum")], [x], "scaled")


def test_one_scaled_channel_is_seen_and_constants_are_never_shared() -> None:
    data = Dataset({"x": np.random.default_rng(0).uniform(1, 2, (9, 3, 4)).astype(np.float32)})
    tensors = {"x:0": frozenset({1}), "product:0": frozenset({1}), "zero:0": frozenset[int]()}
    reference = Reference(scaled(1.0), "", observe(scaled(1.0), data, tensors, threads=1), data, Stopwatch())
    assert reference.shared(scaled(1.0), tensors, {}).tensors == {"x:0": "x:0", "product:0": "product:0"}
    assert reference.shared(scaled(0.97), tensors, {}).tensors == {"x:0": "x:0"}


def test_comparing_costs_a_compilation_of_each_and_none_of_what_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Dataset({"x": np.random.default_rng(0).uniform(1, 2, (9, 3, 4)).astype(np.float32)})
    tensors = {"product:0": frozenset[int]()}
    model = scaled(1.0)
    observation = observe(model, data, tensors, threads=1)
    compiled = []
    whole = ov.Core.compile_model
    monkeypatch.setattr(ov.Core, "compile_model", lambda *a, **k: (compiled.append(1), whole(*a, **k))[1])
    reference = Reference(model, "", observation, data, Stopwatch())
    assert len(compiled) == 1
    rebuilt = reference.shared(scaled(1.0), tensors, {})  # its constants are other memory
    assert len(compiled) == 2
    assert reference.shared(model.clone(), tensors, {}) == rebuilt == Shared({"product:0": "product:0"}, frozenset())
    assert len(compiled) == 2


def test_what_is_shared_with_one_model_is_not_taken_for_another(tmp_path: Path) -> None:
    """Of the form they know the same; what it shares with either is recorded beside each other."""
    data = Dataset({"x": np.random.default_rng(0).uniform(1, 2, (9, 3, 4)).astype(np.float32)})
    tensors = {"x:0": frozenset({1}), "product:0": frozenset({1})}
    records = Records(scaled(1.0), "form", data, tmp_path, 1, Stopwatch())
    for by, factor in (("equal", 1.0), ("other", 0.97)):
        other = scaled(factor)
        reference = Reference(other, by, observe(other, data, tensors, threads=1), data, Stopwatch())
        high = records.observation(tensors, reference).tensors["product:0"].channels[1][1]
        true = observe(scaled(1.0), data, tensors, threads=1).tensors["product:0"].channels[1][1]
        np.testing.assert_allclose(high, true, rtol=1e-6, err_msg=by)


@pytest.mark.parametrize("shape", [(2, 3, 50), (2, 3, 9000)])
def test_masks_are_looked_at_without_overflow(shape: tuple[int, ...]) -> None:
    """As low as f32 goes: its square is no f32, and neither is the sum of a few."""
    x = ops.parameter([1, *shape[1:]], np.float32, name="x")
    x.output(0).set_names({"x"})
    model = ov.Model([ops.add(x, ops.constant(np.float32(0)), name="mask")], [x], "masked")
    values = np.random.default_rng(0).choice(np.array([0, np.finfo(np.float32).min], np.float32), shape)
    values[1] = np.random.default_rng(1).normal(size=shape[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        seen = look(model, {"x:0": frozenset({1, 2})}, {}, Dataset({"x": values}), Stopwatch())
    exact = values.astype(np.float64)
    for axis, rest in ((None, (1, 2)), (1, 2), (2, 1)):
        marks = seen.marks["x:0", axis]
        np.testing.assert_allclose(marks[:, 2].ravel(), exact.mean(axis=rest).ravel(), rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(marks[:, 3].ravel(), np.sqrt((exact**2).mean(axis=rest)).ravel(), rtol=1e-5)


def test_a_text_that_is_not_one() -> None:
    for text in ("", "{}", "[]", '{"tensors": 1, "operators": []}'):
        with pytest.raises(ValueError, match=r"."):
            Shared.parse(text)
