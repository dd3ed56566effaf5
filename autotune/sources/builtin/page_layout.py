"""Pages as of a report, and where on them there is what: paragraphs, titles, figures, tables, their captions ...

Typeset here from the running Python's own help texts, so every box is known. They are no scans of real reports.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import PIL
from PIL import features

from autotune.sources.builtin import layout_pages, typesetting
from autotune.sources.builtin.document_pages import FOLDER, FONT_FILES, PACKAGE
from autotune.sources.builtin.kept import code, kept
from autotune.sources.builtin.layout_pages import draw_page
from autotune.sources.package import fetch_all

if TYPE_CHECKING:
    import pandas as pd


def load(announce: Callable[[str], None], *, pages: int = 100) -> pd.DataFrame:
    """Return a row per page: ``file``, grey pixels uint8 (1600, 1216), and ``label``, [class, x, y, w, h] per box.

    Raises:
        UserError: the fonts cannot be downloaded.
    """
    import pandas as pd

    paths = fetch_all(PACKAGE, {FOLDER + name: sha256 for name, sha256 in FONT_FILES.items()})
    files = [paths[FOLDER + name] for name in FONT_FILES]
    families = tuple(zip(files[0:6:2], files[1:6:2], strict=True))

    def make() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
        drawn = [draw_page(number, families) for number in range(pages)]
        boxes = [(str(page), *map(str, box)) for page, (_, known) in enumerate(drawn) for box in known]
        return {"pages": np.stack([np.asarray(page) for page, _ in drawn]), "boxes": np.array(boxes)}

    source = (pages, code(layout_pages, typesetting, sys.modules[__name__]), tuple(FONT_FILES), typesetting.contents())
    versions = (sys.version, PIL.__version__, features.version("freetype2"))
    made = kept("page-layout", (*source, *versions), make)
    labels: list[list[list[object]]] = [[] for _ in range(pages)]
    for page, name, *box in made["boxes"]:
        labels[int(page)].append([str(name), *map(float, box)])
    announce(f"page-layout: {pages} pages typeset from this Python's help texts in fonts from {PACKAGE}.")
    return pd.DataFrame({"file": list(made["pages"]), "label": labels})
