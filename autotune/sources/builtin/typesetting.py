"""Draws pages of text as a scanner would see them. Page n is the same on every machine with the same Python."""

from __future__ import annotations

import hashlib
import inspect
import random
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Font = ImageFont.FreeTypeFont

# At about 75 dots per inch: more would only be averaged away when the page is made smaller for the model.
A4 = (620, 877)
LETTER = (638, 825)
LISTINGS = ("argparse", "ast", "dataclasses", "heapq", "inspect", "json.decoder", "random", "statistics", "textwrap")
INK = 30


@dataclass(frozen=True)
class Fonts:
    """Font files: (regular, bold) of each proportional family, and of the typewriter family."""

    proportional: tuple[tuple[Path, Path], ...]
    mono: Sequence[Path]


@dataclass
class _Column:
    """A strip of the page that is being filled from ``y`` down to ``bottom``."""

    draw: ImageDraw.ImageDraw
    left: int
    width: int
    y: float
    bottom: int

    @property
    def full(self) -> bool:
        return self.y >= self.bottom

    def line(self, text: str, font: Font, leading: float, indent: int = 0) -> None:
        """Draw one line if there is room for it."""
        if self.y + leading <= self.bottom:
            self.draw.text((self.left + indent, self.y), text, font=font, fill=INK)
        self.y += leading


def draw_page(number: int, fonts: Fonts) -> Image.Image:
    """Return page ``number`` (mode L): a different text, layout and scan quality for each number."""
    chance = random.Random(f"page {number}")
    width, height = chance.choice((A4, LETTER))
    if chance.random() < 0.1:
        width, height = height, width
    page = Image.new("L", (width, height), 255)
    if chance.random() < 0.2:
        _listing(page, chance, fonts)
    else:
        _prose(page, chance, fonts)
    return _scan(page, chance)


def contents() -> str:
    """Return the hexadecimal SHA-256 of all the texts that pages are made of."""
    texts = (help_texts(), [_source(module) for module in LISTINGS])
    return hashlib.sha256(repr(texts).encode()).hexdigest()


def _prose(page: Image.Image, chance: random.Random, fonts: Fonts) -> None:
    regular, bold = chance.choice(fonts.proportional)
    size = chance.choice((6, 7, 8, 9, 10, 12))
    body, strong, title = (
        font_of(regular, size),
        font_of(bold, size),
        font_of(bold, round(size * chance.uniform(1.4, 2.2))),
    )
    leading = size * chance.uniform(1.15, 1.6)
    draw = ImageDraw.Draw(page)
    margin = round(page.width * chance.uniform(0.06, 0.14))
    top, bottom = margin, page.height - margin
    names = sorted(help_texts())
    name = chance.choice(names)
    blocks = texts_from(chance, name, names)
    if chance.random() < 0.5:
        _running_head(page, chance, body, margin, name)
    if chance.random() < 0.6:
        draw.text((margin, top), name.replace("-", " ").capitalize(), font=title, fill=INK)
        top += round(title.size * 1.6)
    columns = chance.choice((1, 1, 1, 2, 2, 3))
    gap = size * 2
    column_width = (page.width - 2 * margin - gap * (columns - 1)) // columns
    for index in range(columns):
        column = _Column(draw, margin + index * (column_width + gap), column_width, top, bottom)
        if index == columns - 1 and chance.random() < 0.3:
            column.bottom = round(bottom - (bottom - top) * chance.uniform(0.1, 0.95))  # the last page of a text
        while not column.full:
            _block(column, next(blocks), (body, strong), leading, chance)


def _block(column: _Column, text: str, fonts: tuple[Font, Font], leading: float, chance: random.Random) -> None:
    """Draw a heading, a picture, a table or, most often, a paragraph."""
    body, strong = fonts
    kind = chance.random()
    if kind < 0.08:
        column.y += leading / 2
        column.line(" ".join(text.split()[:4]), strong, leading * 1.2)
    elif kind < 0.13:
        _picture(column, chance)
    elif kind < 0.18:
        _table(column, text.split(), body, leading)
    else:
        indent = chance.choice((0, 0, round(leading)))
        for n, line in enumerate(wrapped(text, body, column.width, indent)):
            column.line(line, body, leading, indent if n == 0 else 0)
            if column.full:
                return
        column.y += leading * 0.6


def _picture(column: _Column, chance: random.Random) -> None:
    """A bar chart with a frame."""
    height = column.width * chance.uniform(0.3, 0.6)
    if column.y + height > column.bottom:
        column.y = column.bottom
        return
    base = column.y + height
    column.draw.rectangle((column.left, column.y, column.left + column.width, base), outline=120)
    bars = chance.randint(4, 9)
    step = column.width / (bars + 1)
    for n in range(bars):
        left = column.left + step * (n + 0.6)
        tall = height * chance.uniform(0.1, 0.9)
        column.draw.rectangle((left, base - tall, left + step * 0.7, base), fill=chance.randint(60, 200))
    column.y = base + 12


def _table(column: _Column, words: list[str], font: Font, leading: float) -> None:
    """A grid of three columns with a word in each cell."""
    rows = min(len(words) // 3, 8)
    cell = column.width / 3
    if column.y + rows * leading * 1.3 > column.bottom:
        column.y = column.bottom
        return
    for row in range(rows):
        column.draw.line((column.left, column.y, column.left + column.width, column.y), fill=120)
        for n, word in enumerate(words[3 * row : 3 * row + 3]):
            fits = word[: max(1, int(cell / font.size * 1.6))]
            column.draw.text((column.left + n * cell + 3, column.y + 1), fits, font=font, fill=INK)
        column.y += leading * 1.3
    column.y += leading * 0.6


def _running_head(page: Image.Image, chance: random.Random, font: Font, margin: int, name: str) -> None:
    draw = ImageDraw.Draw(page)
    draw.text((margin, margin * 0.45), f"The Python Language: {name}", font=font, fill=80)
    draw.text((page.width / 2, page.height - margin * 0.7), str(chance.randint(2, 400)), font=font, fill=80)


def _listing(page: Image.Image, chance: random.Random, fonts: Fonts) -> None:
    """Source code in a typewriter face, some of it with line numbers."""
    size = chance.choice((6, 7, 8, 9))
    font = font_of(fonts.mono[chance.random() < 0.2], size)
    margin = round(page.width * chance.uniform(0.06, 0.12))
    lines = _source(chance.choice(LISTINGS))
    start = chance.randrange(max(1, len(lines) - 100))
    numbered = chance.random() < 0.4
    column = _Column(ImageDraw.Draw(page), margin, page.width - 2 * margin, margin, page.height - margin)
    for number, line in enumerate(lines[start:], start + 1):
        if column.full:
            break
        widest = int(column.width / (size * 0.6))
        column.line((f"{number:4d}  {line}" if numbered else line)[:widest], font, size * 1.25)


def _scan(page: Image.Image, chance: random.Random) -> Image.Image:
    """Turn the page a little, then add blur, grey paper, a shadow from one side, and noise."""
    page = page.rotate(chance.gauss(0, 1.5), Image.Resampling.BICUBIC, fillcolor=255)
    if chance.random() < 0.5:
        page = page.filter(ImageFilter.GaussianBlur(chance.uniform(0.3, 1.8)))
    grey = np.asarray(page, dtype=np.float32)
    paper, contrast = chance.uniform(200, 255), chance.uniform(0.3, 1.0)
    grey = paper - (255 - grey) * contrast
    across = np.linspace(0, 1, page.width, dtype=np.float32)
    shadow = chance.uniform(0, 0.2)
    grey *= 1 - shadow * (across if chance.random() < 0.5 else across[::-1])
    noise = np.random.default_rng(chance.getrandbits(32)).normal(0, chance.uniform(0, 18), grey.shape)
    return Image.fromarray(np.clip(grey + noise, 0, 255).astype(np.uint8))


def texts_from(chance: random.Random, name: str, names: list[str]) -> Iterator[str]:
    """Paragraphs from somewhere in the named text on, then of other texts, without end."""
    paragraphs = help_texts()[name]
    yield from paragraphs[chance.randrange(len(paragraphs)) :]
    while True:
        yield from help_texts()[chance.choice(names)]


@cache
def help_texts() -> dict[str, tuple[str, ...]]:
    """Python's own help texts, as paragraphs of plain prose."""
    from pydoc_data.topics import topics

    found = {}
    for name, text in topics.items():
        plain = re.sub(r"[*`]|^[=\-~\"]{3,}$", "", text, flags=re.MULTILINE)
        paragraphs = tuple(" ".join(p.split()) for p in plain.split("\n\n") if len(p.split()) > 8)
        if len(paragraphs) > 2:
            found[name] = paragraphs
    return found


@cache
def _source(module: str) -> tuple[str, ...]:
    import importlib

    return tuple(textwrap.dedent(inspect.getsource(importlib.import_module(module))).splitlines())


def wrapped(text: str, font: Font, width: int, indent: int) -> Iterator[str]:
    """Break a paragraph into lines that fit."""
    space = _length(" ", font)
    line: list[str] = []
    room = float(width - indent)
    for word in text.split():
        if line and _length(word, font) > room:
            yield " ".join(line)
            line, room = [], float(width)
        line.append(word)
        room -= _length(word, font) + space
    yield " ".join(line)


@cache
def _length(word: str, font: Font) -> float:
    return font.getlength(word)


@cache
def font_of(path: Path, size: int) -> Font:
    # Basic layout: the other engine is not in every build of Pillow.
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
