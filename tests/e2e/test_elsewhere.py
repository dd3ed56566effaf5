"""A tuned model on another CPU: ``verify`` under an instruction set whose 8-bit sums saturate."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from autotune import hardware

FLAGS = hardware.flags()
# Older sets of this CPU whose sums saturate, while its own are exact.
SATURATING = [isa for isa in ("avx2", "avx512") if isa in hardware.offered_isas(FLAGS)]
RECIPE = """
version: 1
model: {path: model.xml}
data: {path: data.npz}
metric: accuracy
tolerance: {max_drop: 10%, max_size: 12kB}
budget: {trials: 2}
space: {precision: f32, schemes: int8-static, placement: plain, preset: performance, overflow_fix: off,
  bias_correction: true, threads: all}
"""


def autotune(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autotune", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, check=False)


def write_model_and_data(folder: Path) -> None:
    """Two classes, right in 8 bits: the sum of one adds large products in pairs, which saturate, the other's does not.

    Channels are read in pairs: weights of the first class are 1 on both channels of 16 pairs, those of the second on
    one channel of 32 pairs. ``model.xml`` takes x f32 (1, 64, 8, 8); the data are 500 samples labelled by it.
    """
    import openvino as ov
    from openvino import opset13 as op

    x = op.parameter([1, 64, 8, 8], np.float32, name="x")
    weights = np.zeros((64, 64, 1, 1), np.float32)
    weights[::2, :32] = weights[1::2, ::2] = 1 / 32
    pick = np.zeros((64, 2), np.float32)
    pick[::2, 0] = pick[1::2, 1] = 1 / 32
    y = op.relu(op.convolution(x, op.constant(weights), [1, 1], [0, 0], [0, 0], [1, 1]))
    y = op.matmul(op.reduce_mean(y, op.constant([2, 3]), False), op.constant(pick), False, False)
    x.output(0).set_names({"x"})
    y.output(0).set_names({"scores"})
    model = ov.Model([y], [x])
    ov.save_model(model, folder / "model.xml", compress_to_fp16=False)

    random = np.random.default_rng(0)
    images = np.broadcast_to(0.6 + 0.4 * random.random((500, 64, 1, 1)), (500, 64, 8, 8)).astype(np.float32)
    labels = random.integers(0, 2, 500)
    images[np.ix_(labels == 0, np.arange(32, 64, 2))] -= 0.2
    images[np.ix_(labels == 1, np.arange(1, 32, 2))] -= 0.2
    np.savez(folder / "data.npz", x=images, labels=labels)


@pytest.mark.slow
@pytest.mark.skipif(
    hardware.can_saturate(FLAGS, hardware.instruction_set()), reason="8-bit sums saturate on this CPU: it has no VNNI"
)
@pytest.mark.skipif(not SATURATING, reason="this CPU cannot be restricted to AVX2 or AVX-512 without VNNI")
def test_a_model_tuned_with_vnni_is_refused_where_its_sums_saturate(tmp_path: Path) -> None:
    write_model_and_data(tmp_path)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    tuned = autotune(tmp_path, "tune", "recipe.yaml", "--output", "run", "--json")
    assert tuned.returncode == 0, tuned.stderr
    summary = json.loads(tuned.stdout)
    assert "int8" in summary["winner"]["label"] and summary["verdict"]["status"] == "proven"

    refused = autotune(tmp_path, "verify", "run", "--isa", SATURATING[0], "--slower", "99%")
    assert refused.returncode == 3, refused.stderr + refused.stdout
    assert f"Differs instruction set: native → {hardware.ISA_NAMES[SATURATING[0]]}" in refused.stdout
    assert "Differs 8-bit sums: exact → saturating, so int8 may give other outputs" in refused.stdout
    assert "It does NOT hold: its drop of 0." in refused.stdout and "beyond the tolerance of 0.1" in refused.stdout
