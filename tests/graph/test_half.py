"""f16 weights, of the source or asked for, are f16 weights of what is written, bit for bit the same model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from conftest import convolution_net

from autotune import deploy
from autotune.configuration import Configuration, Quantization
from autotune.data import Dataset
from autotune.graph.half import HalfStorage, rounded
from autotune.graph.inspect import constants_size
from autotune.graph.normalise import normalise
from autotune.measure.compiled import compile_model
from autotune.protocol import Export
from autotune.quantize.variants import Variants
from autotune.stages import StageFailed
from autotune.stopwatch import Stopwatch
from autotune.writing import write

SAMPLES = np.random.default_rng(0).standard_normal((8, 3, 16, 16)).astype(np.float32)
IMAGES = [{"image": sample[None]} for sample in SAMPLES]


def read(folder: Path, compress: bool) -> tuple[ov.Model, ov.Model]:
    """The small net saved as IR and read again, and the same normalised."""
    model = convolution_net()
    model.reshape([1, 3, 16, 16])
    ov.save_model(model, folder / "source.xml", compress_to_fp16=compress)
    source = ov.Core().read_model(folder / "source.xml")
    return source, normalise(source)[0]


def weights(folder: Path) -> int:
    return (folder / "openvino_model.bin").stat().st_size


def exported(model: ov.Model, storage: HalfStorage, folder: Path, configuration: Configuration) -> str:
    compiled = compile_model(model, configuration.precision, 1)
    request = Export(configuration, folder, "")
    return write(model, compiled, request, name="m", samples=IMAGES, storage=storage, watch=Stopwatch()).note


def test_a_source_in_f32_stays_as_it_is(tmp_path: Path) -> None:
    source, model = read(tmp_path, compress=False)
    storage = HalfStorage(source, model)
    assert not storage.active
    assert storage.stored(model) is model
    assert storage.size(model) == constants_size(model)


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_the_float_model_is_as_large_as_the_source_and_runs_the_same_kernels(tmp_path: Path, precision: str) -> None:
    source, model = read(tmp_path, compress=True)
    storage = HalfStorage(source, model)
    configuration = Configuration(precision=precision)  # type: ignore[arg-type]
    assert exported(model, storage, tmp_path / "model", configuration) == ""
    assert weights(tmp_path / "model") < 1.2 * (tmp_path / "source.bin").stat().st_size < 0.7 * constants_size(model)
    assert abs(storage.size(model) - weights(tmp_path / "model")) < 64  # alignment
    judged = compile_model(model, precision, 1)
    loaded = compile_model(ov.Core().read_model(tmp_path / "model" / deploy.MODEL), precision, 1)
    assert [(n.type, n.kernel, n.precision) for n in loaded.nodes()] == [
        (n.type, n.kernel, n.precision) for n in judged.nodes()
    ]
    for image in IMAGES:
        np.testing.assert_array_equal(loaded.infer(image)["logits"], judged.infer(image)["logits"])


@pytest.mark.parametrize("precision", ["f32", "bf16"])
def test_weights_are_rounded_where_that_is_asked_for_and_written_as_they_were_judged(
    tmp_path: Path, precision: str
) -> None:
    source, model = read(tmp_path, compress=False)
    storage = HalfStorage(source, model)
    made = rounded(model)
    assert made.kept == ()
    assert storage.size(made.model) == storage.size(model) == constants_size(model), "nothing of it is f16 unasked"
    configuration = Configuration(precision=precision, float_weights="f16")  # type: ignore[arg-type]
    assert exported(made.model, storage, tmp_path / "model", configuration) == ""
    assert storage.size(made.model, "f16") < 0.6 * constants_size(model)
    assert abs(storage.size(made.model, "f16") - weights(tmp_path / "model")) < 64  # alignment
    judged = compile_model(made.model, precision, 1)
    loaded = compile_model(ov.Core().read_model(tmp_path / "model" / deploy.MODEL), precision, 1)
    before = compile_model(model, precision, 1)
    for one in (judged, before):  # the speed is the same: OpenVINO makes floats of them when it compiles
        assert [(n.type, n.kernel, n.precision) for n in loaded.nodes()] == [
            (n.type, n.kernel, n.precision) for n in one.nodes()
        ]
    changed = [before.infer(i)["logits"] - judged.infer(i)["logits"] for i in IMAGES]
    assert 0 < np.abs(changed).max() < 0.02


def linear(values: np.ndarray) -> ov.Model:
    """A model of one layer."""
    x = ops.parameter([1, values.shape[0]], np.float32, name="x")
    return ov.Model([ops.matmul(x, ops.constant(values.astype(np.float32)), False, False, name="layer")], [x], "linear")


@pytest.mark.parametrize(
    ("factor", "kept"), [(1.0, ()), (1e5, ("layer",)), (1e-6, ("layer",)), (np.nan, ()), (np.inf, ())]
)
def test_what_f16_cannot_hold_stays_as_it_is(factor: float, kept: tuple[str, ...]) -> None:
    values = np.random.default_rng(0).standard_normal((64, 4))
    if np.isfinite(factor):
        values *= factor
    else:
        values[3] = factor
    model = linear(values)
    made = rounded(model)
    assert made.kept == kept
    assert (made.model is model) == bool(kept)
    assert rounded(made.model).model is made.model, "rounded once, or not at all"


def test_what_belongs_to_integers_is_not_rounded(tmp_path: Path) -> None:
    _, model = read(tmp_path, compress=False)
    variants = Variants(model, Dataset({"image": SAMPLES}), tmp_path / "cache", 1)
    variants.observe()
    candidate = variants.build(Configuration(quantization=Quantization(float_operators=("conv2",))))
    made = rounded(candidate).model
    pairs = zip(candidate.get_ordered_ops(), made.get_ordered_ops(), strict=True)
    changed = [
        before.data.shape
        for before, after in pairs
        if before.get_type_name() == "Constant" and not np.array_equal(before.data, after.data)
    ]
    assert changed == [(16, 16, 3, 3)], "the weights of the one convolution that stays float"


def test_float_operators_of_an_int8_model_keep_f16_weights(tmp_path: Path) -> None:
    source, model = read(tmp_path, compress=True)
    storage = HalfStorage(source, model)
    variants = Variants(model, Dataset({"image": SAMPLES}), tmp_path / "cache", 1)
    variants.observe()
    configuration = Configuration(quantization=Quantization(float_operators=("conv2",)))
    candidate = variants.build(configuration)
    assert exported(candidate, storage, tmp_path / "model", configuration) == ""
    stored = {
        node.get_friendly_name(): node.output(0).get_element_type().get_type_name()
        for node in ov.Core().read_model(tmp_path / "model" / deploy.MODEL).get_ops()
        if node.get_type_name() == "Constant" and node.data.size >= 128
    }
    assert sorted(stored.values()) == ["f16", "i8", "i8"]
    assert storage.size(candidate) == constants_size(candidate) - 16 * 16 * 9 * 2


def test_weights_that_f16_cannot_hold_stay_f32(tmp_path: Path) -> None:
    source, _ = read(tmp_path, compress=True)
    other = convolution_net(seed=3)
    other.reshape([1, 3, 16, 16])
    storage = HalfStorage(source, other)
    assert storage.active
    assert storage.stored(other) is other


def test_where_outputs_would_change_weights_are_written_as_f32_and_that_is_said(tmp_path: Path) -> None:
    """Made so: the storage has looked at the weights when f16 could still hold them."""
    source, _ = read(tmp_path, compress=True)
    values = np.random.default_rng(0).standard_normal((768, 4)).astype(np.float16).astype(np.float32)
    image = ops.parameter([1, 3, 16, 16], np.float32, name="image")
    image.output(0).set_names({"image"})
    flat = ops.reshape(image, ops.constant(np.array([1, 768])), False)
    logits = ops.matmul(flat, ops.constant(values, shared_memory=True), False, False)
    logits.output(0).set_names({"logits"})
    model = ov.Model([logits], [image], "linear")
    storage = HalfStorage(source, model)
    values *= np.float32(1.0001)
    note = exported(model, storage, tmp_path / "model", Configuration())
    assert note.startswith("Weights are written as f32")
    assert "output 'logits' of the written model, loaded in a fresh process, differs" in note
    assert weights(tmp_path / "model") == pytest.approx(constants_size(model), abs=64)


def test_another_model_than_the_judged_one_is_refused(tmp_path: Path) -> None:
    source, model = read(tmp_path, compress=True)
    other = convolution_net(seed=3)
    other.reshape([1, 3, 16, 16])
    request, storage = Export(Configuration(), tmp_path / "model", ""), HalfStorage(source, model)
    with pytest.raises(
        StageFailed,
        match="output 'logits' of the written model, loaded in a fresh process, differs from the judged one",
    ):
        write(
            model, compile_model(other, "f32", 1), request, name="m", samples=IMAGES, storage=storage, watch=Stopwatch()
        )
