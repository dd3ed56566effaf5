"""Pages of documents, each turned by 0, 90, 180 and 270 degrees; the label is the turn.

The pages are typeset here, not scanned: the running Python's own help texts, licence and source code, in varied fonts,
sizes, columns, headings, tables and pictures, then made to look like scans of uneven quality (a little askew, grey
paper, shadow, noise). They tell float from int8 apart on realistic input; they do not tell how well a model does on
paper that has been through real life. Typesetting takes long; the pages are kept in the cache folder.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image, features

from autotune.data import Dataset
from autotune.sources.builtin import typesetting
from autotune.sources.builtin.kept import code, kept
from autotune.sources.package import fetch_all

PACKAGE = "reportlab==5.1.0"
FOLDER = "reportlab/fonts/"
# Families of (regular, bold) from the package: sans serif, two of them; serif; typewriter. With their SHA-256.
FONT_FILES = {
    "Vera.ttf": "c4c45690b345435b2cba52ecabe275f05e49b389b39fe68ad03afbb551288d3d",
    "VeraBd.ttf": "cc037385e4d55bfde89b13e03091ee93bf40c0c52ddd391ff031ab276f13b8e9",
    "_a______.pfb": "612e88946ff22cecdd6e345a50ab1d6c25a32ef4bf6e78f011aa4de2d7548f4d",
    "_ab_____.pfb": "6e82ebb42171beb805fbd4449232e426c477456df8b24105211e6199fbc6ba3b",
    "_er_____.pfb": "d9cbbcd211300fdfac5317450832d6ece542afbda1015fef9df40e8a350a5029",
    "_eb_____.pfb": "adb1bfed9e866577583d93735cf16ca8d3357c2a71784ee13b4d9287299bb258",
    "com_____.pfb": "1de587f0ca79deef99a738f9f7875d062f85ef5103b6526ceda53a47961aea13",
    "cob_____.pfb": "fd5b34ad7c63d10278b25a6e763968fb0fde969985419f404205fa267a27c68c",
}
SHORT_SIDE = 256
CROP = 224
# ImageNet's mean and standard deviation of red, green and blue, in that order although the channels are BGR: this is
# what the model's own package does.
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32).reshape(3, 1, 1)
DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32).reshape(3, 1, 1)


def load(announce: Callable[[str], None], *, pages: int = 150) -> Dataset:
    """Return ``x`` f32 (4 * pages, 3, 224, 224), labels 0 to 3 (quarter turns, clockwise) and the page number as group.

    Raises:
        UserError: the fonts cannot be downloaded.
    """
    paths = fetch_all(PACKAGE, {FOLDER + name: sha256 for name, sha256 in FONT_FILES.items()})
    files = [paths[FOLDER + name] for name in FONT_FILES]
    fonts = typesetting.Fonts(
        proportional=((files[0], files[1]), (files[2], files[3]), (files[4], files[5])), mono=files[6:8]
    )
    source = (pages, code(typesetting, sys.modules[__name__]), tuple(FONT_FILES.items()), typesetting.contents())
    versions = (sys.version, PIL.__version__, features.version("freetype2"), np.__version__)
    crops = kept("document-pages", (*source, *versions), lambda: {"crops": _crops(pages, fonts)})["crops"]
    announce(
        f"document-pages: {pages} pages typeset from this Python's help texts and source code in fonts from {PACKAGE}, "
        "scan effects added, each in four turns."
    )
    index = np.arange(4 * pages, dtype=np.int64)
    return Dataset({"x": _normalised(crops)}, index % 4, index // 4)


# Clockwise, as the model's labels are; Pillow's names count the other way.
_TURNS = (Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_90)


def _crops(pages: int, fonts: typesetting.Fonts) -> NDArray[np.uint8]:
    """Typeset the pages and cut them out, grey, (4 * pages, 224, 224)."""
    crops = np.empty((4 * pages, CROP, CROP), dtype=np.uint8)
    for number in range(pages):
        page = typesetting.draw_page(number, fonts)
        for turns in range(4):
            crops[4 * number + turns] = _crop(page if turns == 0 else page.transpose(_TURNS[turns - 1]))
    return crops


def _crop(page: Image.Image) -> NDArray[np.uint8]:
    """Short side to 256, then the centre."""
    width, height = page.size
    scale = SHORT_SIDE / min(width, height)
    small = page.resize((round(width * scale), round(height * scale)), Image.Resampling.LANCZOS)
    left, top = (small.width - CROP) // 2, (small.height - CROP) // 2
    return np.asarray(small.crop((left, top, left + CROP, top + CROP)), dtype=np.uint8)


def _normalised(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the model's input, f32 (n, 3, 224, 224): three equal channels, less the mean, by the deviation."""
    grey: NDArray[np.float32] = crops[:, np.newaxis].astype(np.float32) / np.float32(255)
    return (grey - MEAN) / DEVIATION
