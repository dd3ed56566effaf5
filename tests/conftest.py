"""Small real models and data that many tests share."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest


def convolution_net(seed: int = 0, bias: Sequence[float] = (0.0, 0.0, 0.0, 0.0)):
    """A float OpenVINO model [1,3,16,16] -> [1,4]: two convolutions, a depthwise one, a residual and a linear layer."""
    import openvino as ov
    from openvino import opset13 as ops

    rng = np.random.default_rng(seed)

    def constant(*shape: int) -> ov.Output:
        fan_in = int(np.prod(shape[1:])) or 1
        return ops.constant((rng.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32))

    def convolution(x, out: int, into: int, name: str):
        y = ops.convolution(x, constant(out, into, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1])
        y.set_friendly_name(name)
        biased = ops.add(y, constant(1, out, 1, 1))
        biased.set_friendly_name(f"{name}/bias")
        return ops.relu(biased, name=f"{name}/relu")

    x = ops.parameter([-1, 3, 16, 16], np.float32, name="image")
    x.output(0).set_names({"image"})
    a = convolution(x, 16, 3, "conv1")
    depthwise = ops.group_convolution(a, constant(16, 1, 1, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1], name="depthwise")
    b = convolution(depthwise, 16, 16, "conv2")
    c = ops.add(a, b, name="residual")
    pooled = ops.reduce_mean(c, ops.constant(np.array([2, 3])), keep_dims=False, name="pool")
    y = ops.matmul(pooled, constant(4, 16), False, True, name="fc")
    y = ops.add(y, ops.constant(np.asarray([bias], np.float32)), name="fc/bias")
    y.output(0).set_names({"logits"})
    return ov.Model([y], [x], "convolution_net")


def logits_of(model, images: np.ndarray) -> np.ndarray:
    """Float f32 outputs of a batch."""
    import openvino as ov

    return ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(images)[0]


def dealt(files: dict[str, list[pytest.Item]], shares: int) -> list[pytest.Item]:
    """Order tests: each of ``shares`` equal parts begins with as many long ones; files stay whole where they can.

    Each of pytest-xdist's processes begins with a part, and one that is done takes from the end of another's rest.
    When that end is short tests, nobody waits for a long one that the other has just begun.
    """
    long = {name: sum(test.get_closest_marker("slow") is not None for test in tests) for name, tests in files.items()}
    size = sum(map(len, files.values())) // shares
    parts: list[list[pytest.Item]] = [[] for _ in range(shares)]
    loads = [0] * shares
    for name in sorted((name for name in files if long[name]), key=lambda name: -long[name]):
        least = loads.index(min(loads))
        loads[least] += long[name]
        parts[least] += files[name]
    short = [test for name, tests in files.items() if not long[name] for test in tests]
    for part in parts[:-1]:
        fits = max(size - len(part), 0)
        part.extend(short[:fits])
        del short[:fits]
    parts[-1] += short
    return [test for part in parts for test in part]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where pytest-xdist runs the tests, deal them out; otherwise they run in their own order."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        files: dict[str, list[pytest.Item]] = {}
        for item in items:
            files.setdefault(item.nodeid.partition("::")[0], []).append(item)
        items[:] = dealt(files, worker["workercount"])


@pytest.fixture(autouse=True)
def same_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test of graph forms draws the same constants, whichever run before it."""
    if "form_graphs" in sys.modules:
        monkeypatch.setattr("form_graphs._RANDOM", np.random.default_rng(0))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``model.xml`` and ``data.npz``: random images labelled by the float model, 5 % of them wrongly."""
    import openvino as ov

    folder = tmp_path_factory.mktemp("tiny")
    rng = np.random.default_rng(1)
    images = rng.standard_normal((600, 3, 16, 16)).astype(np.float32)
    balance = -logits_of(convolution_net(), images).mean(axis=0)
    model = convolution_net(bias=balance.tolist())
    ov.save_model(model, folder / "model.xml", compress_to_fp16=False)
    predicted = logits_of(model, images).argmax(axis=1)
    wrong = rng.random(len(predicted)) < 0.05
    np.savez(folder / "data.npz", image=images, labels=np.where(wrong, (predicted + 1) % 4, predicted))
    return folder
