"""Lines of text, each upright and upside down."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.models.common_lines import draw, preprocess, texts

LINES, WIDTH = 600, 192


def make(folder: Path) -> None:
    """Write data.npz."""
    random = np.random.default_rng(0)
    rows = []
    for text in texts(LINES, random):
        line = draw(text, WIDTH, random)
        rows += [preprocess(line, WIDTH), preprocess(line.transpose(Image.Transpose.ROTATE_180), WIDTH)]
    index = np.arange(len(rows), dtype=np.int64)
    np.savez(folder / "data.npz", x=np.stack(rows), labels=index % 2, groups=index // 2)
