"""One pass of a real model: equal to what numpy finds in its tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from numpy.typing import NDArray
from small_graphs import convolutional, images

from autotune.data import Dataset, Lengths
from autotune.quantize import observe as module
from autotune.quantize.observe import Observation, observe

TENSORS = {"image:0": frozenset[int](), "relu:0": frozenset({1}), "depthwise:0": frozenset({1, 2})}


def raw(model: ov.Model, dataset: Dataset, names: list[str]) -> list[NDArray[np.float32]]:
    """Return whole tensors, stacked over the samples."""
    copy = model.clone()
    nodes = {n.get_friendly_name(): n for n in copy.get_ops()}
    copy.add_outputs([nodes[name].output(0) for name in names])
    compiled = ov.compile_model(copy, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = [compiled(dataset.row(i)) for i in range(len(dataset))]
    first = len(model.outputs)
    return [np.concatenate([f[first + k] for f in found]) for k in range(len(names))]


def assert_same(one: Observation, other: Observation) -> None:
    assert list(one.tensors) == list(other.tensors)
    for key, stat in one.tensors.items():
        twin = other.tensors[key]
        assert stat.size == twin.size
        for mine, theirs in ((stat.low, twin.low), (stat.high, twin.high), (stat.elements, twin.elements)):
            np.testing.assert_array_equal(mine, theirs)
            assert theirs.dtype == np.float32
        assert stat.channels.keys() == twin.channels.keys()
        for axis, pair in stat.channels.items():
            np.testing.assert_array_equal(pair, twin.channels[axis])
    assert list(one.means) == list(other.means)
    for name, mean in one.means.items():
        np.testing.assert_array_equal(mean, other.means[name])


@pytest.mark.parametrize("samples", [1, 7, 35])
def test_extremes_channels_and_means_equal_numpy(samples: int) -> None:
    model, dataset = convolutional(), images(samples)
    seen = observe(model, dataset, TENSORS, threads=2)
    image, relu, depthwise, pool = raw(model, dataset, ["image", "relu", "depthwise", "pool"])
    assert list(seen.tensors) == sorted(TENSORS)
    for key, values in (("image:0", image), ("relu:0", relu), ("depthwise:0", depthwise)):
        flat, stat = values.reshape(samples, -1), seen.tensors[key]
        np.testing.assert_allclose(stat.low, flat.min(axis=1), atol=1e-6)
        np.testing.assert_allclose(stat.high, flat.max(axis=1), rtol=1e-6)
        assert stat.size == flat.shape[1]
        for axis in TENSORS[key]:
            others = tuple(i for i in range(4) if i != axis)
            low, high = stat.channels[axis]
            np.testing.assert_allclose(low, values.min(axis=others, keepdims=True), atol=1e-6)
            np.testing.assert_allclose(high, values.max(axis=others, keepdims=True), rtol=1e-6)
    assert set(seen.means) == {"conv", "linear"}  # as NNCF, not the depthwise one
    np.testing.assert_allclose(seen.means["conv"], image.mean(axis=(0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(seen.means["linear"], pool.mean(axis=0), rtol=1e-5, atol=1e-6)


def test_small_tensors_are_recorded_whole_of_every_eighth_sample() -> None:
    dataset = images(160)
    stat = observe(convolutional(), dataset, TENSORS, threads=1).tensors["image:0"]
    np.testing.assert_array_equal(stat.elements, np.sort(dataset.inputs["image"][::8], axis=None))


def test_large_tensors_give_random_elements_of_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ELEMENTS", 20 * 20)
    values = np.arange(40 * 3 * 64, dtype=np.float32).reshape(40, 3, 8, 8)
    one, same, other = (
        observe(convolutional(), Dataset({"image": values}), TENSORS, threads=2, seed=seed).tensors["image:0"]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.elements, same.elements)
    assert len(one.elements) == 400 and not np.array_equal(one.elements, other.elements)
    parts = one.elements.reshape(20, 20)  # of 40 samples every second: at least 16 give elements
    for sample, part in zip(range(0, 40, 2), parts, strict=True):
        position = part - sample * 192  # one in each twentieth of the sample
        assert (np.abs(position - 9.6 * (np.arange(20) + 0.5)) < 9.6 / 2 + 1).all()
    np.testing.assert_array_equal(one.low, values.reshape(40, -1).min(axis=1))


def test_threads_do_not_change_the_result_nor_does_observing_change_the_model() -> None:
    model, dataset = convolutional(), images(30)
    before = [n.get_friendly_name() for n in model.get_ordered_ops()]
    one, three = (observe(model, dataset, TENSORS, threads=threads) for threads in (1, 3))
    assert_same(one, three)
    assert [n.get_friendly_name() for n in model.get_ordered_ops()] == before
    assert len(model.outputs) == 1


def test_the_order_of_the_tensors_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ELEMENTS", 400)  # too few for whole tensors: positions are drawn
    model, dataset = convolutional(), images(30)
    assert len(TENSORS) > 1
    assert_same(
        observe(model, dataset, TENSORS, threads=1), observe(model, dataset, dict(reversed(TENSORS.items())), threads=1)
    )


def test_saved_and_loaded_is_the_same(tmp_path: Path) -> None:
    seen = observe(convolutional(), images(9), TENSORS, threads=1)
    path = tmp_path / "new" / "observation.npz"
    seen.save(path)
    assert_same(seen, Observation.load(path))
    assert [p.name for p in path.parent.iterdir()] == ["observation.npz"]
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"observation\.npz"):
        Observation.load(path)
    with pytest.raises(FileNotFoundError):
        Observation.load(tmp_path / "none.npz")


def test_nothing_to_observe_is_saved_too(tmp_path: Path) -> None:
    seen = observe(convolutional(), images(2), {}, threads=1)
    seen.save(tmp_path / "none.npz")
    loaded = Observation.load(tmp_path / "none.npz")
    assert not seen.tensors and not loaded.tensors and not loaded.means


def every_rank() -> ov.Model:
    """Return tensors of ranks 0 to 5, integers, other floats, a mask and a shape that depends on the data."""
    x = ops.parameter([1, 2, 6], np.float32, name="x")
    x.output(0).set_names({"x"})
    nodes = [
        ops.reduce_sum(x, np.array([0, 1, 2]), False, name="rank0"),
        ops.reduce_sum(x, np.array([0, 1]), False, name="rank1"),
        ops.reduce_sum(x, np.array([1]), False, name="rank2"),
        ops.relu(x, name="rank3"),
        ops.reshape(x, np.array([1, 2, 3, 2]), False, name="rank4"),
        ops.reshape(x, np.array([1, 2, 1, 3, 2]), False, name="rank5"),
        ops.convert(x, ov.Type.i32, name="integers"),
        ops.convert(x, ov.Type.f16, name="half"),
        ops.multiply(ops.convert(ops.greater(x, np.float32(0)), ov.Type.f32), np.float32(-3.4e38), name="mask"),
        ops.convert(ops.non_zero(ops.relu(x)), ov.Type.f32, name="changing"),
        ops.reshape(x, np.array([0, 12], np.int64), True, name="flat"),
    ]
    return ov.Model([ops.result(n) for n in nodes], [x], "ranks")


def test_ranks_types_and_shapes() -> None:
    values = np.random.default_rng(0).normal(size=(5, 1, 2, 6)).astype(np.float32)[:, 0]
    names = ["rank0", "rank1", "rank2", "rank3", "rank4", "rank5", "half", "mask", "changing", "flat"]
    wanted = {f"{name}:0": frozenset[int]() for name in [*names, "integers"]}
    seen = observe(every_rank(), Dataset({"x": values}), wanted, threads=2)
    assert list(seen.tensors) == sorted(f"{name}:0" for name in names)
    np.testing.assert_allclose(seen.tensors["rank0:0"].high, values.sum(axis=(1, 2)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(seen.tensors["rank1:0"].low, values.sum(axis=1).min(axis=1), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(seen.tensors["rank5:0"].low, values.reshape(5, -1).min(axis=1))
    np.testing.assert_allclose(seen.tensors["half:0"].high, values.max(axis=(1, 2)), rtol=1e-3)
    assert seen.tensors["mask:0"].low.tolist() == [np.float32(-3.4e38)] * 5
    changing = seen.tensors["changing:0"]
    assert changing.size == 19 and changing.high.tolist() == [5] * 5  # the mean of five sizes
    assert set(changing.elements.tolist()) == {0, 1, 2, 3, 4, 5}


def test_unknown_tensors_are_an_error() -> None:
    with pytest.raises(KeyError, match="nowhere"):
        observe(convolutional(), images(1), {"nowhere:0": frozenset()}, threads=1)


def test_samples_of_different_lengths() -> None:
    x = ops.parameter([1, -1], np.float32, name="x")
    x.output(0).set_names({"x"})
    scales = np.array([1, 2, 3], np.float32)
    wide = ops.multiply(ops.unsqueeze(x, np.int64(2)), ops.constant(scales.reshape(1, 1, 3)), name="wide")
    product = ops.matmul(wide, ops.constant(np.eye(3, dtype=np.float32)), False, False, name="product")
    biased = ops.add(product, ops.constant(np.ones((1, 1, 3), np.float32)))
    values = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    lengths = [1, 5, 3, 2, 4, 3]
    rows = [np.outer(values[i, :n], scales) for i, n in enumerate(lengths)]
    dataset = Dataset({"x": values}, lengths=Lengths(np.array(lengths)))
    seen = observe(ov.Model([biased], [x], "m"), dataset, {"wide:0": frozenset({2})}, threads=2)
    stat = seen.tensors["wide:0"]
    np.testing.assert_array_equal(stat.low, [row.min() for row in rows])
    np.testing.assert_array_equal(stat.channels[2][1].ravel(), np.concatenate(rows).max(axis=0))
    assert stat.size == 9  # three channels of three tokens, the mean
    assert set(stat.elements.tolist()) == {value for row in rows for value in row.ravel().tolist()}
    np.testing.assert_allclose(seen.means["product"], np.mean([row.mean(axis=0) for row in rows], axis=0), rtol=1e-5)
