"""Peak memory is that of a written model in a process of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest

from autotune import deploy, footprint
from autotune.measure.compiled import deploy_properties
from autotune.stages import StageFailed

WIDTHS = {"small": 1000, "large": 3200}  # constants of 4 MB and of 41 MB


def peak(folder: Path, width: int) -> int:
    x = ops.parameter([1, width], np.float32, name="x")
    x.output(0).set_names({"x"})
    weights = np.random.default_rng(0).standard_normal((width, width), dtype=np.float32)
    model = ov.Model([ops.relu(ops.matmul(x, ops.constant(weights), False, True))], [x], "product")
    deploy.export(model, deploy_properties("f32", 1), folder, name="m", label="float f32", remark="")
    return footprint.peak_memory(folder, [{"x": np.ones((1, width), np.float32)}] * 10)


def test_larger_constants_have_the_larger_peak(tmp_path: Path) -> None:
    small, large = (peak(tmp_path / name, width) for name, width in WIDTHS.items())
    assert small > 4 * WIDTHS["small"] ** 2, "its constants at least"
    assert large - small > 0.9 * 4 * (WIDTHS["large"] ** 2 - WIDTHS["small"] ** 2)


def test_what_cannot_be_loaded_has_none(tmp_path: Path) -> None:
    peak(tmp_path / "m", 8)
    (tmp_path / "m" / deploy.MODEL).write_text("broken")
    with pytest.raises(StageFailed, match="a fresh process cannot load and run the written model"):
        footprint.peak_memory(tmp_path / "m", [{"x": np.ones((1, 8), np.float32)}])
