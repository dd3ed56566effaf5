"""A trained model gets the float model's names, and what is chosen by them; without PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest

from autotune.configuration import Configuration, FormChoice, Quantization, Training
from autotune.data import Dataset
from autotune.graph.inspect import candidate_digest, model_digest, nodes_by_name
from autotune.graph.kernels import prefers_direct
from autotune.quantize.factory import BuildError
from autotune.quantize.variants import Variants
from autotune.training.reading import read_trained

IMAGES = np.random.default_rng(0).normal(size=(2, 3, 8, 8)).astype(np.float32)
SAMPLES = Dataset({"image": IMAGES}, None)


def network(names: list[str], *, quantized: bool = False, layers: int = 3) -> ov.Model:
    """Convolutions one after the other; the first is quantised or none is."""
    random = np.random.default_rng(0)
    x = image = ops.parameter([1, 3, 8, 8], np.float32, name="image")
    image.output(0).get_tensor().set_names({"image"})
    for i, name in enumerate(names[:layers]):
        weights = ops.constant(random.normal(size=(3, 3, 3, 3)).astype(np.float32))
        if quantized and not i:
            low, high = np.float32(-3), np.float32(3)
            weights = ops.fake_quantize(weights, low, high, low, high, 255)
            x = ops.fake_quantize(x, low, high, low, high, 256)
        x = ops.convolution(x, weights, [1, 1], [1, 1], [1, 1], [1, 1], name=name)
        x = ops.relu(x)
    x.output(0).get_tensor().set_names({"features"})
    return ov.Model([x], [image])


def trained(folder: Path, names: list[str], **more: int) -> Training:
    ov.save_model(network(names, quantized=True, **more), folder / "model.xml", compress_to_fp16=False)
    digest = model_digest(folder / "model.xml")
    for suffix in (".xml", ".bin"):
        (folder / f"model{suffix}").rename(folder / f"{digest}{suffix}")
    return Training(digest, 5)


def test_operators_of_a_trained_model_get_their_types_and_kernels(tmp_path: Path) -> None:
    floats = network(["a", "b", "c"])
    variants = Variants(floats, SAMPLES, tmp_path / "cache", 1)
    made = trained(tmp_path, ["c", "d", "e"])  # numbered anew: the first has the name that the float's last has
    direct = (FormChoice("direct-convolution", ("c",)),)
    chosen = Configuration("f32", Quantization(float_operators=("b", "c")), direct, ("b",), training=made)
    model = variants.finished(read_trained(tmp_path, chosen, floats, SAMPLES), chosen)
    nodes = nodes_by_name(model)
    types = {name: nodes[name].get_output_element_type(0).get_type_name() for name in "abc"}
    assert types == {"a": "f32", "b": "bf16", "c": "f32"}
    assert [name for name in nodes if prefers_direct(nodes[name])] == ["c"]
    again = variants.finished(read_trained(tmp_path, chosen, floats, SAMPLES), chosen)
    assert candidate_digest(again) == candidate_digest(model)
    ov.Core().compile_model(model, "CPU")


def test_operators_that_are_not_found_are_told(tmp_path: Path) -> None:
    floats = network(["a", "b", "c"])
    made = trained(tmp_path, ["d", "e"], layers=2)
    chosen = Configuration("f32", Quantization(), bf16_operators=("b",), training=made)
    with pytest.raises(BuildError, match=r"Not found in the trained model.*: b\."):
        read_trained(tmp_path, chosen, floats, SAMPLES)
