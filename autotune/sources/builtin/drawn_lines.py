"""Lines of text as a camera or a scanner might see them, typeset here from Python's own help texts."""

from __future__ import annotations

import pydoc_data.topics
import re
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from autotune.sources.builtin.document_pages import FOLDER, FONT_FILES, PACKAGE
from autotune.sources.package import fetch_all

HEIGHT = 48


def texts(count: int, random: np.random.Generator) -> list[str]:
    """Return different pieces of one to five words."""
    words = re.findall(
        r"[A-Za-z0-9.,()'\"=-]+", " ".join(pydoc_data.topics.topics[k] for k in sorted(pydoc_data.topics.topics))
    )
    starts = random.permutation(len(words) - 5)
    pieces = (" ".join(words[s : s + int(random.integers(1, 6))]) for s in starts)
    return list(dict.fromkeys(piece for _, piece in zip(range(3 * count), pieces, strict=False) if len(piece) > 4))[
        :count
    ]


@cache
def _fonts() -> dict[str, Path]:
    """The files of the fonts, looked at once."""
    return fetch_all(PACKAGE, {FOLDER + name: sha256 for name, sha256 in FONT_FILES.items()})


def draw(text: str, width: int, random: np.random.Generator) -> Image.Image:
    """Return a line of height 48, at most so wide: any font, ink and paper, a little askew, blurred and noisy."""
    file = _fonts()[FOLDER + str(random.choice(list(FONT_FILES)))]
    font = ImageFont.truetype(str(file), int(random.integers(14, 40)))
    left, top, right, bottom = font.getbbox(text)
    margin = int(random.integers(2, 9))
    paper, ink = int(random.integers(150, 256)), int(random.integers(0, 90))
    image = Image.new("L", (int(right - left) + 2 * margin, int(bottom - top) + 2 * margin), paper)
    ImageDraw.Draw(image).text((margin - left, margin - top), text, font=font, fill=ink)
    image = image.rotate(random.uniform(-2, 2), Image.Resampling.BICUBIC, fillcolor=paper)
    image = image.filter(ImageFilter.GaussianBlur(random.uniform(0, 1.2)))
    scaled = image.resize((min(width, max(1, round(image.width * HEIGHT / image.height))), HEIGHT))
    noise = random.normal(0, random.uniform(0, 12), (HEIGHT, scaled.width))
    return Image.fromarray(np.clip(np.asarray(scaled, dtype=np.float32) + noise, 0, 255).astype(np.uint8))


def preprocess(line: Image.Image, width: int) -> NDArray[np.float32]:
    """Return the model's input, f32 (3, 48, width): values from -1 to 1, zeros where there is no line."""
    row = np.zeros((3, HEIGHT, width), dtype=np.float32)
    row[:, :, : line.width] = np.asarray(line, dtype=np.float32) / 127.5 - 1
    return row
