"""Small real graphs for the tests of forms, and what every form must keep."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from autotune import recipe
from autotune.data import Dataset
from autotune.graph.normalise import normalise
from autotune.sources.model import locate, read

RECIPES = Path(__file__).parents[2] / "recipes"
RELATIVE = 1e-4

_RANDOM = np.random.default_rng(0)


def constant(*shape: int, name: str | None = None, at_least: float | None = None) -> ov.Node:
    """A random constant; positive with ``at_least``."""
    values = _RANDOM.normal(size=shape).astype(np.float32)
    if at_least is not None:
        values = np.abs(values) + np.float32(at_least)
    return ops.constant(values, name=name)


def parameter(*shape: int) -> ov.Node:
    """The input ``x``."""
    node = ops.parameter(list(shape), np.float32, name="x")
    node.output(0).set_names({"x"})
    return node


def linear(x: ov.Node, into: int, out: int, name: str, transpose_b: bool = True) -> ov.Node:
    """A product and its bias."""
    weights = constant(out, into) if transpose_b else constant(into, out)
    return ops.add(ops.matmul(x, weights, False, transpose_b, name=name), constant(1, out), name=f"{name}/bias")


def layer_norm(x: ov.Node, channels: int, name: str) -> ov.Node:
    """Normalisation of the last axis with a scale and a shift."""
    node = ops.mvn(x, np.array([-1]), True, 1e-5, "inside_sqrt", name=f"{name}/mvn")
    node = ops.multiply(node, constant(1, 1, channels, at_least=0.1), name=f"{name}/scale")
    return ops.add(node, constant(1, 1, channels), name=name)


def model_of(*outputs: ov.Node, x: ov.Node) -> ov.Model:
    """A model with outputs named ``y0``, ``y1``, ..."""
    for number, node in enumerate(outputs):
        node.output(0).set_names({f"y{number}"})
    return ov.Model([ops.result(node) for node in outputs], [x], "small")


def transformer_block(rows: int = 6, width: int = 8, batch: int = 1) -> ov.Model:
    """Normalisation, q, k and v of one head, attention, a feed-forward block; both with residuals."""
    x = parameter(batch, rows, width)
    norm = layer_norm(x, width, "norm1")
    q, k, v = (linear(norm, width, width, name) for name in "qkv")
    weights = ops.softmax(ops.matmul(q, k, False, True, name="scores"), -1)
    context = ops.matmul(weights, v, False, False, name="context")
    first = ops.add(x, linear(context, width, width, "projection"), name="residual1")
    norm = layer_norm(first, width, "norm2")
    hidden = ops.gelu(linear(norm, width, 2 * width, "up", transpose_b=False), "erf", name="gelu")
    return model_of(ops.add(first, linear(hidden, 2 * width, width, "down"), name="residual2"), x=x)


def published(name: str) -> tuple[ov.Model, Dataset]:
    """The model of a recipe, normalised, with random samples of its kind."""
    found = recipe.load(RECIPES / f"{name}.yaml")
    rng = np.random.default_rng(0)
    path = locate(found)
    data = {
        "file-type": {"bytes": rng.integers(0, 257, (4, 2048), dtype=np.int32)},
        "page-orientation": {"x": rng.standard_normal((4, 3, 224, 224)).astype(np.float32)},
        "digits": {"image": rng.uniform(0, 1, (4, 1, 28, 28)).astype(np.float32)},
    }[name]
    if name == "digits":
        data = {ov.Core().read_model(path).input(0).get_any_name(): data["image"]}
    dataset = Dataset(data)
    model, _ = read(path, {key: tuple(shape) for key, shape in found.inputs.items()}, dataset)
    return normalise(model)[0], dataset


def operators(model: ov.Model) -> dict[str, str]:
    """Types by friendly name, without constants."""
    return {n.get_friendly_name(): n.get_type_name() for n in model.get_ops() if n.get_type_name() != "Constant"}


def infer(model: ov.Model, inputs: Mapping[str, NDArray[np.generic]]) -> list[NDArray[np.float32]]:
    """All outputs of one sample in f32."""
    compiled = ov.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [np.array(value) for value in compiled(inputs).values()]


def assert_equal(model: ov.Model, formed: ov.Model, samples: Dataset | None = None) -> None:
    """Inputs and outputs keep their names and shapes, nodes have names of their own, and outputs are equal in f32."""
    for before, after in ((model.inputs, formed.inputs), (model.outputs, formed.outputs)):
        assert [(p.get_names(), p.get_partial_shape()) for p in before] == [
            (p.get_names(), p.get_partial_shape()) for p in after
        ]
    names = [node.get_friendly_name() for node in formed.get_ops()]
    assert len(set(names)) == len(names)
    if samples is None:
        shape = [3, *model.input(0).get_shape()[1:]]
        samples = Dataset({"x": np.random.default_rng(7).normal(size=shape).astype(np.float32)})
        assert model.input(0).get_shape()[0] == 1
    for row in range(len(samples)):
        for one, other in zip(infer(model, samples.row(row)), infer(formed, samples.row(row)), strict=True):
            np.testing.assert_allclose(other, one, rtol=0, atol=RELATIVE * float(np.abs(one).max()))
