"""Lines of text and what they say, for recognisers of PP-OCR's Chinese and English characters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autotune.data import Dataset
from autotune.sources.builtin.drawn_lines import draw, preprocess, texts

WIDTH = 320
# The classes of these characters among PP-OCR's 6,625, as its models' metadata list them; 0 is the blank of CTC.
_CLASSES = (
    "\"1822 '1 (721 )965 ,34 -28 .466 026 193 225 394 4632 5631 6933 729 827 91109 =1989 A1221 B3588 C4244 D1220 E4381 "
    "F1219 G5128 H425 I3587 J2697 K5193 L3506 M3639 N3589 O4741 P1310 Q4731 R5127 S1217 T1381 U4497 V5405 W5033 X5200 "
    "Y1218 Z4136 a4544 b3463 c4902 d5171 e3332 f4389 g4548 h3539 i3538 j5493 k4849 l2710 m5233 n4547 o4245 p4545 q2156 "
    "r1958 s1033 t3333 u1034 v4922 w3537 x2993 y4546 z3316"
)
CLASSES = {" ": 6624, **{entry[0]: int(entry[1:]) for entry in _CLASSES.split()}}


def load(announce: Callable[[str], None], *, lines: int = 500) -> Dataset:
    """Return ``x`` f32 (lines, 3, 48, 320), labels int64 (lines, longest): the characters' classes, then -1.

    Raises:
        UserError: the fonts cannot be downloaded.
    """
    random = np.random.default_rng(0)
    said = texts(lines, random)
    rows = [preprocess(draw(text, WIDTH, random), WIDTH) for text in said]
    labels = np.full((len(said), max(map(len, said))), -1, dtype=np.int64)
    for row, text in enumerate(said):
        labels[row, : len(text)] = [CLASSES[character] for character in text]
    announce(f"text-lines: {len(said)} lines of text typeset from this Python's help texts.")
    return Dataset({"x": np.stack(rows)}, labels)
