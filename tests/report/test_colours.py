"""The page's colours, as its style sheet has them: enough contrast, and told apart by colour-blind readers."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

STYLE = (Path(__file__).parents[2] / "autotune" / "report" / "templates" / "report.css").read_text()
TEXT = {"text": "surface", "muted": "surface", "link": "surface", "good": "good-bg", "fair": "fair-bg"}
TEXT |= {"bad": "bad-bg", "plain": "plain-bg"}
MARKS = ("plot-winner", "plot-float", "plot-peer", "plot-searched", "plot-muted", "plot-good")
# Marks that differ in role; symbols and patterns differ as well.
ROLES = ("plot-winner", "plot-float", "plot-peer", "plot-searched")
# Linear sRGB as dichromats see it (Machado, Oliveira and Fernandes 2009, severity 1).
SEEN_WITH = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# CIE76; 2.3 is just noticeable side by side.
APART = 20.0


def colours(scheme: str) -> dict[str, np.ndarray]:
    """Linear sRGB by name."""
    blocks = re.findall(r":root[^{]*\{(.*?)\}", STYLE, re.S)
    block = next(b for b, dark in zip(blocks, (False, True), strict=False) if dark is (scheme == "dark"))
    found = {}
    for name, value in re.findall(r"--([a-z-]+): #([0-9a-f]{6})\b(?![0-9a-f])", block):
        share = np.array([int(value[i : i + 2], 16) for i in (0, 2, 4)]) / 255
        found[name] = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return found


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    """WCAG 2's ratio, 1 to 21."""
    low, high = sorted(float(np.dot(c, (0.2126, 0.7152, 0.0722))) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(linear: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB under D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = (
        np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116
        for v in to_xyz @ np.clip(linear, 0, 1) / (0.9505, 1.0, 1.089)
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_and_marks_have_contrast(scheme: str) -> None:
    """As WCAG 2.1 AA asks: 4.5 for text, 3 for what a plot is read from."""
    found = colours(scheme)
    assert all(contrast(found[name], found[behind]) >= 4.5 for name, behind in TEXT.items())
    assert all(contrast(found[name], found["surface"]) >= 3 for name in MARKS)


@pytest.mark.parametrize("sight", SEEN_WITH)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_are_told_apart(scheme: str, sight: str) -> None:
    found = colours(scheme)
    seen = {name: lab(np.array(SEEN_WITH[sight]) @ found[name]) for name in ROLES}
    apart = {(a, b): float(np.linalg.norm(seen[a] - seen[b])) for a, b in itertools.combinations(ROLES, 2)}
    assert min(apart.values()) >= APART, apart
