"""Pages of weights are given back, and read again when they are needed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import psutil
import pytest

from autotune import memory

MAPS = """\
7f3644e00000-7f3694746000 r--s 00000000 fe:00 2875550                    /cache/a b/openvino_model.bin (deleted)
7f3694800000-7f3694900000 rw-p 00000000 00:00 0
7f3695000000-7f3697000000 rw-s 00000000 fe:00 2875551                    /cache/written.bin
7f3697000000-7f3697001000 r--s 00000000 fe:00 2875552                    /cache/small.bin
7f3698000000-7f36a8000000 r-xp 00000000 fe:00 2875553                    /lib/libopenvino.so
"""


def test_only_large_files_of_weights_that_nobody_writes_are_found() -> None:
    assert memory.large_mappings(MAPS.splitlines(), 1 << 20) == [(0x7F3644E00000, 0x7F3694746000 - 0x7F3644E00000)]


@pytest.mark.skipif(sys.platform != "linux", reason="pages are given back on Linux only")
def test_pages_are_given_back_and_read_again(tmp_path: Path) -> None:
    size = 16 << 20
    x = ops.parameter([1], np.float32, name="x")
    values = np.arange(size // 4, dtype=np.float32)
    ov.save_model(ov.Model([ops.add(x, ops.constant(values))], [x], "m"), tmp_path / "m.xml", compress_to_fp16=False)
    model = ov.Core().read_model(tmp_path / "m.xml")
    weights = next(node for node in model.get_ops() if node.get_type_name() == "Constant")
    assert weights.data.sum() == values.sum()
    before = psutil.Process().memory_info().rss
    assert memory.release(size) == pytest.approx(size, abs=1 << 16)
    assert psutil.Process().memory_info().rss < before - size // 2
    np.testing.assert_array_equal(weights.data, values)
