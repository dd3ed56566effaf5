"""The code blocks of the pages under ``docs/``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

_BLOCK = re.compile(
    r'(?:^<!-- (?P<mark>[^>]*) -->\n)?^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$',
    re.M | re.S,
)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        mark: of the comment in the line before: ``not run``, ``run: 0 or 3``; empty without.
        title: the file that it is saved as; empty: it is run.
        line: where it begins.
    """

    mark: str
    language: str
    title: str
    text: str
    line: int

    @property
    def exit_codes(self) -> tuple[int, ...]:
        codes = re.findall(r"\d+", self.mark)
        return tuple(map(int, codes)) or (0,)


def blocks(page: Path) -> Iterator[Block]:
    """Return the blocks of a page, in order."""
    text = page.read_text()
    for found in _BLOCK.finditer(text):
        mark, language, title, body = (found[key] or "" for key in ("mark", "language", "title", "text"))
        yield Block(mark, language, title, body, text.count("\n", 0, found.start("language")) + 1)


def written_pages() -> list[Path]:
    """Return the pages that people write."""
    return sorted(DOCS.rglob("*.md"))
