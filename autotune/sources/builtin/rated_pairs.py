"""Pairs of short news texts, and how similar people found them: Lee, Pincombe and Welsh (2005), from gensim's tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from autotune.errors import UserError
from autotune.sources.package import fetch_all

if TYPE_CHECKING:
    import pandas as pd

PACKAGE = "gensim==4.4.0"
FOLDER = "gensim/test/test_data/"
FILES = {
    "lee.cor": "a878f9a58f6743c32985c56c2f2f75988386216b38a4023a01fd3bcf7884d93e",
    "similarities0-1.txt": "23762bc6b728897144dda3d324a2c032dc1e059e1009806226d64b6dd123ed79",
}
# Of the 50 texts; no text is in two parts.
PARTS = {0: range(50), 1: range(12), 2: range(12, 28), 3: range(28, 50)}


def load(announce: Callable[[str], None], *, part: int = 0) -> pd.DataFrame:
    """Return columns ``text``, ``text_pair`` and ``label`` (from 0 to 1) of all pairs of a part's texts.

    Args:
        part: 1 to 3, which have no text in common; 0 for all texts.

    Raises:
        UserError: the package cannot be downloaded, or there is no such part.
    """
    import pandas as pd

    if part not in PARTS:
        raise UserError(f"data.options.part: rated-pairs has the parts 1 to 3, or 0 for all, not {part}.")
    files = fetch_all(PACKAGE, {FOLDER + name: sha256 for name, sha256 in FILES.items()})
    texts = files[FOLDER + "lee.cor"].read_text(encoding="latin-1").splitlines()
    rated = [line.split() for line in files[FOLDER + "similarities0-1.txt"].read_text().splitlines()]
    chosen = PARTS[part]
    rows = [(texts[i], texts[j], float(rated[i][j])) for i in chosen for j in chosen if i < j]
    announce(f"rated-pairs: {len(rows)} pairs of {len(chosen)} news texts from {PACKAGE}, rated by people.")
    return pd.DataFrame(rows, columns=["text", "text_pair", "label"])
