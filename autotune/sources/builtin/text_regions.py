"""Pages with a few lines of text anywhere, and the pixels that lie in a line's middle; for PP-OCR's detectors.

Such a detector (DB: Liao et al., 2020) is trained to mark boxes that are shrunk, so that lines do not touch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from autotune.data import Dataset
from autotune.sources.builtin.document_pages import DEVIATION, MEAN
from autotune.sources.builtin.drawn_lines import draw, texts

SIDE = 320
# Of a box's area; it is shrunk on all sides by area * (1 - ratio^2) / perimeter.
RATIO = 0.4


def load(announce: Callable[[str], None], *, pages: int = 160) -> Dataset:
    """Return ``x`` f32 (pages, 3, 320, 320) and masks int8 (pages, 320, 320): 1 in text, 0 elsewhere.

    Raises:
        UserError: the fonts cannot be downloaded.
    """
    random = np.random.default_rng(0)
    said = iter(texts(12 * pages, random))
    images = np.empty((pages, 3, SIDE, SIDE), dtype=np.float32)
    masks = np.zeros((pages, SIDE, SIDE), dtype=np.int8)
    for page in range(pages):
        sheet = Image.new("L", (SIDE, SIDE), int(random.integers(150, 256)))
        top = int(random.integers(4, 30))
        while top < SIDE - 40 and (text := next(said, None)) is not None:
            line = draw(text, 300, random)
            scale = random.uniform(0.35, 0.9)
            line = line.resize((max(8, round(line.width * scale)), round(line.height * scale)))
            left = int(random.integers(0, SIDE - line.width))
            sheet.paste(line, (left, top))
            shrink = round(line.width * line.height * (1 - RATIO**2) / (2 * (line.width + line.height)))
            masks[page, top + shrink : top + line.height - shrink, left + shrink : left + line.width - shrink] = 1
            top += line.height + int(random.integers(4, 40))
        grey = np.asarray(sheet, dtype=np.float32)[np.newaxis] / np.float32(255)
        images[page] = (grey - MEAN) / DEVIATION
    announce(f"text-regions: {pages} pages with lines of text typeset from this Python's help texts.")
    return Dataset({"x": images}, masks)
