"""Draws pages of a report with running head, titles, paragraphs, figures and tables, and says where each is.

Page n is the same on every machine with the same Python and libraries.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw

from autotune.sources.builtin.typesetting import INK, Font, font_of, help_texts, texts_from, wrapped

# About 150 dots per inch; twice the model's input.
WIDTH, HEIGHT = 1216, 1600
# Class, left, top, width, height in pixels.
Box = tuple[str, float, float, float, float]


def draw_page(number: int, families: Sequence[tuple[Path, Path]]) -> tuple[Image.Image, list[Box]]:
    """Return page ``number`` (mode L) and its boxes.

    Args:
        families: font files, (regular, bold) of each family.
    """
    chance = random.Random(f"layout {number}")
    page = _Page.new(chance, families)
    page.borders()
    columns = chance.choice((1, 1, 2, 2))
    gap = page.size * 2
    width = (WIDTH - 2 * page.margin - gap * (columns - 1)) // columns
    for column in range(columns):
        page.fill(page.margin + column * (width + gap), width)
    return page.image, page.boxes


@dataclass
class _Page:
    """A page that is being filled."""

    image: Image.Image
    draw: ImageDraw.ImageDraw
    chance: random.Random
    texts: Iterator[str]
    name: str
    size: int
    leading: float
    margin: int
    body: Font
    strong: Font
    small: Font
    bottom: int = HEIGHT - 130
    boxes: list[Box] = field(default_factory=list)

    @classmethod
    def new(cls, chance: random.Random, families: Sequence[tuple[Path, Path]]) -> _Page:
        image = Image.new("L", (WIDTH, HEIGHT), 255)
        regular, bold = chance.choice(families)
        size = chance.choice((18, 20, 22, 24))
        names = sorted(help_texts())
        name = chance.choice(names)
        return cls(
            image=image,
            draw=ImageDraw.Draw(image),
            chance=chance,
            texts=texts_from(chance, name, names),
            name=name,
            size=size,
            leading=size * chance.uniform(1.25, 1.6),
            margin=round(WIDTH * chance.uniform(0.08, 0.12)),
            body=font_of(regular, size),
            strong=font_of(bold, round(size * chance.uniform(1.1, 1.5))),
            small=font_of(regular, round(size * 0.85)),
        )

    def borders(self) -> None:
        """A running head, a page number, or neither."""
        if self.chance.random() < 0.7:
            bottom = self.line("header", f"The Python Language: {self.name}", (self.margin, 70), self.small)
            self.draw.line((self.margin, bottom + 8, WIDTH - self.margin, bottom + 8), fill=60, width=2)
        if self.chance.random() < 0.7:
            self.line("footer", str(self.chance.randint(2, 400)), (WIDTH // 2, HEIGHT - 80), self.small, "ma")

    def fill(self, left: float, width: float) -> None:
        """Fill a column with whatever comes."""
        y = 140.0
        while y < self.bottom - 3 * self.leading:
            kind = self.chance.random()
            if kind < 0.22:
                y = self.title(left, y + self.leading * 0.6)
            elif kind < 0.34 and y + width * 0.75 < self.bottom:
                y = self.figure(left, y + self.leading * 0.5, width)
            elif 0.34 <= kind < 0.46 and y + self.leading * 12 < self.bottom:
                y = self.table(left, y + self.leading * 0.5, width)
            else:
                y = self.paragraph(left, y, width)

    def title(self, left: float, top: float) -> float:
        """Return where it ends, as the others do."""
        words = " ".join(next(self.texts).split()[: self.chance.randint(2, 4)])
        number = f"{self.chance.randint(1, 9)}.{self.chance.randint(1, 9)}"
        return self.line("title", f"{number} {words}", (left, top), self.strong) + self.leading * 0.7

    def paragraph(self, left: float, top: float, width: float) -> float:
        indent, y = self.chance.choice((0, round(self.leading))), top
        lines = []
        for number, line in enumerate(wrapped(next(self.texts), self.body, round(width), indent)):
            if y + self.leading > self.bottom:
                break
            lines.append(self.write(line, left + (0 if number else indent), y, self.body))
            y += self.leading
        if lines:
            lefts, tops, rights, bottoms = zip(*lines, strict=True)
            self.known("text", min(lefts), min(tops), max(rights), max(bottoms))
        return y + self.leading * self.chance.uniform(0.6, 1.0)

    def figure(self, left: float, top: float, width: float) -> float:
        """Bars or lines in a frame, with a caption below."""
        chance, wide = self.chance, width * self.chance.uniform(0.6, 1)
        high, begin = wide * chance.uniform(0.4, 0.6), left + (width - wide) / 2
        self.draw.rectangle((begin, top, begin + wide, top + high), outline=80, width=2)
        if chance.random() < 0.5:
            bars = chance.randint(4, 9)
            step = wide / (bars + 1)
            for bar in range(bars):
                x, tall = begin + step * (bar + 0.6), high * chance.uniform(0.1, 0.9)
                self.draw.rectangle((x, top + high - tall, x + step * 0.7, top + high), fill=chance.randint(60, 200))
        else:
            for _ in range(chance.randint(1, 3)):
                points = [(begin + wide * n / 20, top + high * chance.uniform(0.2, 0.8)) for n in range(21)]
                self.draw.line(points, fill=chance.randint(20, 120), width=3)
        self.known("figure", begin, top, begin + wide, top + high)
        caption = f"Figure {chance.randint(1, 9)}: {self.words(4)}"
        below = top + high + self.leading * 0.4
        return self.line("figure_caption", caption, (left + width / 2, below), self.small, "ma") + self.leading

    def table(self, left: float, top: float, width: float) -> float:
        """Words and numbers between lines, with a caption above."""
        chance = self.chance
        caption = f"Table {chance.randint(1, 9)}: {self.words(4)}"
        top = self.line("table_caption", caption, (left + width / 2, top), self.small, "ma") + self.leading * 0.5
        rows, columns, framed = chance.randint(3, 7), chance.randint(3, 4), chance.random() < 0.5
        cell, high = width / columns, self.leading * 1.3
        words = iter(" ".join(next(self.texts) for _ in range(4)).split())
        for row in range(rows + 1):
            if framed or row in (0, 1, rows):
                self.draw.line((left, top + row * high, left + width, top + row * high), fill=40, width=2)
            for column in range(columns if row < rows else 0):
                word = next(words, "a")[: max(2, int(cell / self.size * 1.4))]
                shown = word if chance.random() < 0.5 else str(chance.randint(1, 9999) / 10)
                self.write(shown, left + column * cell + 8, top + row * high + 4, self.small)
        for column in range(columns + 1 if framed else 0):
            x = left + column * cell
            self.draw.line((x, top, x, top + rows * high), fill=40, width=2)
        self.known("table", left, top, left + width, top + rows * high)
        return top + rows * high + self.leading

    def words(self, count: int) -> str:
        return " ".join(next(self.texts).split()[:count])

    def line(self, kind: str, text: str, at: tuple[float, float], font: Font, anchor: str = "la") -> float:
        """Write a line that is a box of its own; return where it ends."""
        box = self.write(text, *at, font, anchor)
        self.known(kind, *box)
        return box[3]

    def write(self, text: str, x: float, y: float, font: Font, anchor: str = "la") -> tuple[float, float, float, float]:
        self.draw.text((x, y), text, font=font, fill=INK, anchor=anchor)
        return self.draw.textbbox((x, y), text, font=font, anchor=anchor)

    def known(self, kind: str, left: float, top: float, right: float, bottom: float) -> None:
        right, bottom = min(right, WIDTH), min(bottom, HEIGHT)
        self.boxes.append((kind, left, top, right - left, bottom - top))
