"""Weights as int8: numbers by hand, the same as NNCF's on real graphs, and what OpenVINO makes of the pattern."""

from __future__ import annotations

import sys
from pathlib import Path

import nncf
import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from placement_models import attention, convolutions

sys.path.insert(0, str(Path(__file__).parents[1] / "forms"))
from form_graphs import published, transformer_block

from autotune.configuration import WeightForm, WeightSymmetry
from autotune.graph.inspect import candidate_digest, constants_size, nodes_by_name
from autotune.graph.integers import packed
from autotune.graph.linear import linear_layers
from autotune.graph.normalise import normalise
from autotune.measure.compiled import compile_model
from autotune.quantize.compress import compress, compressed

MODES = {
    (8, "symmetric"): nncf.CompressWeightsMode.INT8_SYM,
    (8, "affine"): nncf.CompressWeightsMode.INT8_ASYM,
    (4, "symmetric"): nncf.CompressWeightsMode.INT4_SYM,
    (4, "affine"): nncf.CompressWeightsMode.INT4_ASYM,
}
BACKUP = {"symmetric": nncf.BackupMode.INT8_SYM, "affine": nncf.BackupMode.INT8_ASYM}
INT8 = WeightForm()
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


def test_groups_by_hand() -> None:
    """Each group has a scale of its own, on the side where the matrix has its inputs."""
    weights = np.array([[8, 4, 0.5, 1], [-7, 7, 0, 0]], np.float32)
    made = compressed(weights, 1, "symmetric", WeightForm(4, 2))
    assert made.values.tolist() == [[[-8, -4], [-4, -8]], [[-8, 7], [0, 0]]]
    np.testing.assert_array_equal(made.scales[0], [[-1], [-0.125]])
    other = compressed(weights.T.copy(), 0, "symmetric", WeightForm(4, 2))
    np.testing.assert_array_equal(other.values, made.values.transpose(1, 2, 0))
    affine = compressed(np.array([[-5, 10, 3, 30]], np.float32), 1, "affine", WeightForm(4, 2))
    assert affine.zero_points is not None
    assert (affine.scales.ravel().tolist(), affine.zero_points.ravel().tolist()) == ([1, 2], [5, 0])
    assert affine.values.ravel().tolist() == [0, 15, 2, 15]


def test_groups_that_do_not_divide() -> None:
    assert [WeightForm(8, g).divides(96) for g in (0, 32, 64)] == [True, True, False]
    with pytest.raises(ValueError, match="96 inputs are no whole groups of 64"):
        compressed(np.ones((2, 96), np.float32), 1, "symmetric", WeightForm(4, 64))


def test_two_integers_of_4_bits_to_a_byte() -> None:
    """As OpenVINO reads them: the first in the lower half; an odd one has nothing beside it."""
    for values in (np.array([[-8, 7, -1]], np.int8), np.array([[15, 0, 9]], np.uint8)):
        kind = ov.Type.i4 if values.dtype == np.int8 else ov.Type.u4
        assert packed(values).size == 2
        stored = ops.constant(ov.Tensor(packed(values), [1, 3], kind))
        read = ov.Core().compile_model(ov.Model([ops.convert(stored, "f32")], []), "CPU")({})[0]
        np.testing.assert_array_equal(read, values)


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


def assert_same_as_nncf(model: ov.Model, symmetry: WeightSymmetry, form: WeightForm = INT8) -> None:
    """With 4 bits NNCF keeps the last linear layer in 8."""
    layers = [layer.name for layer in linear_layers(model)]
    assert layers
    last = layers[-1] if form.bits == 4 else None
    ours = compress(model, {name: INT8 if name == last else form for name in layers}, symmetry)
    more = {"group_size": form.group or -1, "backup_mode": BACKUP[symmetry]} if form.bits == 4 else {}
    theirs = nncf.compress_weights(
        model.clone(),
        mode=MODES[form.bits, symmetry],
        **more,
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


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("form", [WeightForm(4, 32), WeightForm(4, 128), WeightForm(4)], ids=str)
def test_4_bits_equal_nncf(form: WeightForm, symmetry: WeightSymmetry) -> None:
    """Of matrices in both directions, small ones and such as NNCF compresses by OpenVINO."""
    assert_same_as_nncf(normalise(transformer_block(width=128))[0], symmetry, form)
    assert_same_as_nncf(transformer_block(width=128), symmetry, form)


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_groups_of_8_bits_follow_nncf_s_formula(symmetry: WeightSymmetry) -> None:
    """``nncf.compress_weights`` refuses them; what it calls for each matrix does not."""
    from nncf.quantization.algorithms.weight_compression.config import WeightCompressionConfig
    from nncf.quantization.algorithms.weight_compression.weight_lowering import do_integer_quantization
    from nncf.tensor import Tensor

    weights = np.random.default_rng(0).standard_normal((64, 256), np.float32)
    made = compressed(weights, 1, symmetry, WeightForm(8, 64))
    theirs = do_integer_quantization(Tensor(weights), WeightCompressionConfig(MODES[8, symmetry], 64), (1,))
    np.testing.assert_array_equal(made.values, theirs.tensor.data)
    np.testing.assert_allclose(made.scales, theirs.scale.data, rtol=1e-6)
    if made.zero_points is not None:
        np.testing.assert_array_equal(made.zero_points, theirs.zero_point.data)


@pytest.mark.network
@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("name", ["file-type", "page-orientation"])
def test_equals_nncf_on_published_models(name: str, symmetry: WeightSymmetry) -> None:
    assert_same_as_nncf(published(name)[0], symmetry)


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_only_these_layers_change_and_the_model_gets_smaller(symmetry: WeightSymmetry) -> None:
    model = normalise(transformer_block(width=64))[0]
    before = candidate_digest(model)
    made = compress(model, {"up": INT8, "q": INT8}, symmetry)
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
    model = compress(model, {"up": INT8}, "symmetric")
    for name in ("scores", "gelu", "nothing", "up"):
        with pytest.raises(ValueError, match=f"'{name}' is no linear layer of float weights here"):
            compress(model, {name: INT8}, "symmetric")


def test_linear_layers_are_products_with_a_constant_matrix() -> None:
    found = {layer.name: layer for layer in linear_layers(normalise(transformer_block(rows=6, width=8))[0])}
    assert set(found) == {"q", "k", "v", "projection", "up", "down"}
    assert (found["up"].rows, found["up"].inputs, found["up"].outputs) == (6, 8, 16)
    assert (found["down"].inputs, found["down"].outputs, found["down"].transposed) == (16, 8, True)
    as_exported = {layer.name: layer for layer in linear_layers(transformer_block(rows=6, width=8))}
    assert (as_exported["up"].inputs, as_exported["up"].outputs, as_exported["up"].transposed) == (8, 16, False)
