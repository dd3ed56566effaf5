"""Normalisations in transformers: plain placement quantises them, whole or in pieces; the space keeps them float."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from placement_models import samples

from autotune.configuration import Configuration, Quantization
from autotune.graph.normalise import normalise
from autotune.measure.compiled import compile_model
from autotune.measure.profile import is_int8_kernel
from autotune.quantize.factory import CandidateFactory
from autotune.recipe import Recipe
from autotune.record import ModelInfo
from autotune.space import Space

NORMALISING = ("norm1", "norm2")
PRODUCTS = 4


def whole(x: ov.Node, name: str) -> ov.Node:
    return ops.mvn(x, np.array([-1]), True, 1e-5, "inside_sqrt", name=f"{name}/mvn")


def pieces(x: ov.Node, name: str) -> ov.Node:
    """E[x^2] - E[x]^2, as JAX writes it: OpenVINO does not recognise it as one operator."""
    mean = ops.multiply(
        ops.reduce_sum(x, np.array([-1]), True, name=f"{name}/sum"), np.float32(1 / 16), name=f"{name}/mean"
    )
    squares = ops.reduce_sum(ops.multiply(x, x, name=f"{name}/square"), np.array([-1]), True, name=f"{name}/squares")
    second = ops.multiply(squares, np.float32(1 / 16), name=f"{name}/second")
    variance = ops.maximum(
        ops.subtract(second, ops.multiply(mean, mean, name=f"{name}/mean2"), name=f"{name}/difference"),
        np.float32(0),
        name=f"{name}/variance",
    )
    inverse = ops.divide(
        np.float32(1), ops.sqrt(ops.add(variance, np.float32(1e-5), name=f"{name}/epsilon"), name=f"{name}/root")
    )
    return ops.multiply(ops.subtract(x, mean, name=f"{name}/centred"), inverse, name=f"{name}/scaled")


def block(norm) -> ov.Model:
    """Mixing and feed-forward layers with residuals, each after a normalisation."""
    rng = np.random.default_rng(0)

    def linear(y: ov.Node, width: int, name: str) -> ov.Node:
        weights = rng.standard_normal((width, y.get_output_shape(0)[-1])).astype(np.float32) / 4
        bias = rng.uniform(0.1, 0.5, (1, 1, width)).astype(np.float32)
        return ops.add(ops.matmul(y, weights, False, True, name=name), bias, name=f"{name}/bias")

    x = ops.parameter([1, 8, 16], np.float32, name="x")
    x.output(0).set_names({"x"})
    y = ops.add(x, linear(norm(x, "norm1"), 16, "mix"), name="skip1")
    y = ops.add(y, linear(ops.gelu(linear(norm(y, "norm2"), 32, "up"), "erf"), 16, "down"), name="skip2")
    y = linear(y, 4, "head")
    y.output(0).set_names({"y"})
    return ov.Model([y], [x], "block")


@pytest.mark.parametrize("norm", [whole, pieces])
def test_plain_placement_quantises_normalisations_and_they_can_stay_float(norm, tmp_path: Path) -> None:
    model, _ = normalise(block(norm))
    made = CandidateFactory(model, samples(model), tmp_path, threads=1)
    made.prepare()
    made.observe()
    normalising = tuple(name for name in made.operators if name.startswith(NORMALISING))
    assert normalising
    everything = Quantization()
    kept = replace(everything, float_operators=normalising)
    assert inside(made.build(everything))
    assert not inside(made.build(kept))
    assert not inside(made.build(replace(everything, placement="transformer", preset="mixed")))
    nodes = compile_model(made.build(kept), "f32", 1).nodes()
    assert sum(map(is_int8_kernel, nodes)) == PRODUCTS


def inside(model: ov.Model) -> list[str]:
    """Quantisers of what a normalisation reads or hands on within itself, not of what it gives to a product."""
    found = []
    for node in model.get_ops():
        if node.get_friendly_name().startswith(NORMALISING) and node.get_type_name() not in (
            "FakeQuantize",
            "Constant",
        ):
            sources = [value.get_source_output().get_node() for value in node.inputs()]
            found += [s.get_friendly_name() for s in sources if s.get_type_name() == "FakeQuantize"]
    return found


@pytest.mark.parametrize("norm", [whole, pieces])
def test_the_space_offers_them_together_and_singly(norm, tmp_path: Path) -> None:
    model, _ = normalise(block(norm))
    made = CandidateFactory(model, samples(model), tmp_path, threads=1)
    made.prepare()
    info = ModelInfo("block", "", (), (), made.operators, (), ("f32",), False, 1, made.nncf_path)
    space = Space(Recipe.quick("m.onnx", "d.npz", "accuracy").space, info)
    everything = Configuration("f32", Quantization())
    offered = [n.quantization.float_operators for n in space.neighbours(everything) if n.quantization]
    normalising = tuple(sorted(name for name in made.operators if name.startswith(NORMALISING)))
    assert all((name,) in offered for name in normalising)
    assert tuple(sorted(n for n, kind in made.operators.items() if kind != "MatMul")) in offered
    if norm is whole:  # of one type, which is a group; pieces are with all that has no weights, or chosen singly
        assert normalising in offered
