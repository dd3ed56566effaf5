"""Weights as int8: numbers by hand, the same as NNCF's on real graphs, and what OpenVINO makes of the pattern."""

from __future__ import annotations

import sys
from pathlib import Path

import nncf
import numpy as np
import openvino as ov
import pytest
from placement_models import attention, convolutions

sys.path.insert(0, str(Path(__file__).parents[1] / "forms"))
from form_graphs import published, transformer_block

from autotune.configuration import WeightSymmetry
from autotune.graph.inspect import candidate_digest, constants_size, nodes_by_name
from autotune.graph.linear import linear_layers
from autotune.graph.normalise import normalise
from autotune.measure.compiled import compile_model
from autotune.quantize.compress import compress, compressed

MODES = {"symmetric": nncf.CompressWeightsMode.INT8_SYM, "affine": nncf.CompressWeightsMode.INT8_ASYM}
SYMMETRIES: tuple[WeightSymmetry, ...] = ("symmetric", "affine")


def test_symmetric_by_hand() -> None:
    """The largest magnitude becomes -128: a scale is negative where that value is positive."""
    made = compressed(np.array([[1, -2], [0.5, 1], [0, 0]], np.float32), 1, "symmetric")
    assert made.values.dtype == np.int8 and made.zero_points is None
    assert made.values.tolist() == [[64, -128], [-64, -128], [0, 0]]
    np.testing.assert_array_equal(made.scales[:2], [[2 / 128], [-1 / 128]])
    assert made.scales[2] == np.finfo(np.float32).eps


def test_affine_by_hand() -> None:
    """Zero is always in the range, and is exact."""
    made = compressed(np.array([[-51, 204], [102, 255], [0, 0]], np.float32), 1, "affine")
    assert made.values.dtype == np.uint8 and made.zero_points is not None
    assert made.scales[:2].tolist() == [[1], [1]]
    assert made.zero_points.tolist() == [[51], [0], [0]]
    assert made.values.tolist() == [[0, 255], [102, 255], [0, 0]]


def test_scales_follow_the_outputs_whichever_way_the_matrix_lies() -> None:
    weights = np.random.default_rng(0).standard_normal((5, 7), np.float32)
    for symmetry in SYMMETRIES:
        one, other = compressed(weights, 1, symmetry), compressed(weights.T.copy(), 0, symmetry)
        np.testing.assert_array_equal(one.values, other.values.T)
        np.testing.assert_array_equal(one.scales, other.scales.T)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_weights_that_are_not_finite(wrong: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        compressed(np.array([[1, wrong]], np.float32), 1, "symmetric")


def parts(model: ov.Model, layer: str) -> tuple[list[str], list[np.ndarray]]:
    """Types of the nodes that make a layer's weights, without conversions from f16, and the constants among them."""
    kinds: list[str] = []
    constants: list[np.ndarray] = []
    pending = [nodes_by_name(model)[layer].input_value(1).get_node()]
    while pending:
        node = pending.pop()
        if node.get_type_name() == "Constant":
            constants.append(np.array(node.data))
        if node.get_type_name() != "Convert" or not node.get_input_element_type(0).is_real():
            kinds.append(node.get_type_name())
        pending += [node.input_value(port).get_node() for port in range(node.get_input_size())]
    return kinds, constants


def assert_same_as_nncf(model: ov.Model, symmetry: WeightSymmetry) -> None:
    layers = [layer.name for layer in linear_layers(model)]
    assert layers
    ours = compress(model, layers, symmetry)
    theirs = nncf.compress_weights(
        model.clone(),
        mode=MODES[symmetry],
        ignored_scope=nncf.IgnoredScope(types=["Gather", "Convolution", "GroupConvolution"], validate=False),
    )
    for layer in layers:
        kinds, constants = parts(ours, layer)
        their_kinds, their_constants = parts(theirs, layer)
        assert kinds == their_kinds, layer
        for mine, other in zip(constants, their_constants, strict=True):
            # NNCF's scales are f16; ours are what it rounds.
            assert np.array_equal(mine.astype(other.dtype), other), layer


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("build", [transformer_block, attention, convolutions])
def test_equals_nncf(build, symmetry: WeightSymmetry) -> None:
    assert_same_as_nncf(normalise(build())[0], symmetry)


@pytest.mark.network
@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("name", ["file-type", "page-orientation"])
def test_equals_nncf_on_published_models(name: str, symmetry: WeightSymmetry) -> None:
    assert_same_as_nncf(published(name)[0], symmetry)


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_only_these_layers_change_and_the_model_gets_smaller(symmetry: WeightSymmetry) -> None:
    model = normalise(transformer_block(width=64))[0]
    before = candidate_digest(model)
    made = compress(model, ["up", "q"], symmetry)
    assert candidate_digest(model) == before
    assert "Constant" in parts(made, "down")[0] and len(parts(made, "down")[0]) == 1
    saved = 3 * (64 * 128 + 64 * 64)  # three of four bytes, and a scale and perhaps a zero point per output
    more = (64 + 128) * (4 if symmetry == "symmetric" else 5)
    assert constants_size(model) - constants_size(made) == saved - more
    x = {"x": np.random.default_rng(0).standard_normal((1, 6, 64), np.float32)}
    (expected,), (got,) = (compile_model(m, "f32", 1, 0).infer(x).values() for m in (model, made))
    assert 0 < np.abs(got - expected).max() < 0.05 * np.abs(expected).max()


def test_what_cannot_be_compressed() -> None:
    model = normalise(transformer_block())[0]
    model = compress(model, ["up"], "symmetric")
    for name in ("scores", "gelu", "nothing", "up"):
        with pytest.raises(ValueError, match=f"'{name}' is no linear layer of float weights here"):
            compress(model, [name], "symmetric")


def test_linear_layers_are_products_with_a_constant_matrix() -> None:
    found = {layer.name: layer for layer in linear_layers(normalise(transformer_block(rows=6, width=8))[0])}
    assert set(found) == {"q", "k", "v", "projection", "up", "down"}
    assert (found["up"].rows, found["up"].inputs, found["up"].outputs) == (6, 8, 16)
    assert (found["down"].inputs, found["down"].outputs, found["down"].transposed) == (16, 8, True)
    as_exported = {layer.name: layer for layer in linear_layers(transformer_block(rows=6, width=8))}
    assert (as_exported["up"].inputs, as_exported["up"].outputs, as_exported["up"].transposed) == (8, 16, False)
