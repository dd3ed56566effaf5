"""The registry: order, composition, and what the quantiser makes of formed graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino.opset13 as ops
from form_graphs import assert_equal, constant, linear, model_of, operators, parameter, transformer_block

from autotune.configuration import Quantization
from autotune.data import Dataset
from autotune.forms import FORMS, Smoothing, apply_forms, forms_with, smoothable
from autotune.graph.inspect import candidate_digest
from autotune.quantize.factory import CandidateFactory
from autotune.quantize.observe import observe


def samples(count: int = 8) -> Dataset:
    return Dataset({"x": np.random.default_rng(3).normal(size=(count, 6, 8)).astype(np.float32)})


def test_the_registry_is_by_name_and_smoothing_has_its_place() -> None:
    assert all(name == form.name for name, form in FORMS.items())
    everything = list(forms_with(Smoothing(0.5, {})))
    assert [name for name in everything if name != "smoothing"] == list(FORMS)
    assert everything.index("smoothing") < everything.index("linear-as-convolution")


def test_nothing_chosen_is_a_copy() -> None:
    model = transformer_block()
    copy = apply_forms(model, {})
    assert copy is not model
    assert candidate_digest(copy) == candidate_digest(model)


def test_smoothing_from_an_observation_and_everything_together() -> None:
    model = transformer_block()
    seen = observe(model, samples(), smoothable(model), threads=2)
    maxima = {
        key: np.maximum(np.abs(low), np.abs(high))
        for key, tensor in seen.tensors.items()
        for low, high in tensor.channels.values()
    }
    forms = forms_with(Smoothing(0.85, maxima))
    chosen = {name: list(form.groups(model)) for name, form in forms.items()}
    assert chosen["smoothing"] == ["q", "projection", "up", "down"]
    other = apply_forms(model, chosen, forms)
    assert_equal(model, other, samples())
    assert operators(other)["down"] == "Convolution"


def test_a_group_whose_first_operator_is_gone_is_still_found() -> None:
    x = ops.parameter([1, 4], np.int32, name="x")
    x.output(0).set_names({"x"})
    column = ops.reshape(x, np.array([1, 4, 1]), False, name="column")
    rows = ops.convert(ops.equal(column, np.arange(7, dtype=np.int32).reshape(1, 1, 7), name="equal"), "f32", name="f")
    model = model_of(linear(ops.relu(linear(rows, 7, 5, "first"), name="relu"), 5, 3, "second"), x=x)
    chosen = {"one-hot-as-lookup": ["first"], "linear-as-convolution": ["first"]}
    assert FORMS["linear-as-convolution"].groups(model) == {"first": ("first", "second")}
    other = apply_forms(model, chosen)
    assert_equal(model, other, Dataset({"x": np.array([[0, 6, 7, 3]], np.int32)}))
    assert operators(other)["second"] == "Convolution"
    assert operators(other)["relu"] == "Gather"


def test_activations_are_fused_after_convolutions_whose_borders_were_moved() -> None:
    x = parameter(1, 6, 8)
    wide = ops.transpose(ops.reshape(x, np.array([1, 6, 8, 1]), False), np.array([0, 2, 1, 3]), name="transpose")
    node = ops.convolution(wide, constant(4, 8, 3, 1), [1, 1], [0, 0], [0, 0], [1, 1], name="conv")
    node = ops.add(ops.reshape(node, np.array([1, 4, 4]), False, name="narrow"), constant(1, 4, 1), name="bias")
    one = ops.constant(np.ones((1, 1, 1), np.float32))
    below = ops.add(ops.exp(ops.negative(node, name="negative"), name="exp"), one, name="plus")
    model = model_of(ops.reduce_max(ops.divide(node, below, name="swish"), np.array([2]), True, name="max"), x=x)
    other = apply_forms(model, {name: list(form.groups(model)) for name, form in FORMS.items()})
    assert_equal(model, other)
    kinds = operators(other)
    assert (kinds["swish"], "narrow" in kinds, "exp" in kinds) == ("Swish", False, False)


def test_formed_graphs_are_quantised_like_any_other(tmp_path: Path) -> None:
    model = transformer_block()
    formed = apply_forms(model, {name: list(form.groups(model)) for name, form in FORMS.items()})
    factory = CandidateFactory(formed, samples(), tmp_path, threads=2)
    factory.prepare()
    factory.observe()
    assert factory.nncf_path == "fast"
    assert {name for name, kind in factory.operators.items() if kind == "Convolution"} == {
        "q", "k", "v", "projection", "up", "down",
    }  # fmt: skip
    int8 = factory.build(Quantization("transformer"))
    assert list(operators(int8).values()).count("FakeQuantize") >= 6
