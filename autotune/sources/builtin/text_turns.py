"""Lines of text, each upright and upside down; the label is whether it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from autotune.data import Dataset
from autotune.sources.builtin.drawn_lines import draw, preprocess, texts

WIDTH = 192


def load(announce: Callable[[str], None], *, lines: int = 600) -> Dataset:
    """Return ``x`` f32 (2 * lines, 3, 48, 192), labels 0 and 1 (upside down) and the line's number as group.

    Raises:
        UserError: the fonts cannot be downloaded.
    """
    random = np.random.default_rng(0)
    rows = []
    for text in texts(lines, random):
        line = draw(text, WIDTH, random)
        rows += [preprocess(line, WIDTH), preprocess(line.transpose(Image.Transpose.ROTATE_180), WIDTH)]
    index = np.arange(len(rows), dtype=np.int64)
    announce(f"text-turns: {lines} lines of text typeset from this Python's help texts, each in both turns.")
    return Dataset({"x": np.stack(rows)}, index % 2, index // 2)
