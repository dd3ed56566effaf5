"""Two seconds of synthesised music each, and which notes sound in it when."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from autotune.data import Dataset
from autotune.sources.builtin.kept import code, kept

LENGTH, RATE = 43844, 22050
# As basic-pitch has them: a frame per 256 samples, the 88 keys of a piano from A0 (MIDI 21).
HOP, FRAMES, KEYS, LOWEST = 256, 172, 88, 21
# Of a note's beginning; what has faded below this is no longer called sounding.
AUDIBLE = 0.1


def load(announce: Callable[[str], None], *, pieces: int = 240) -> Dataset:
    """Return the wave, f32 (pieces, 43844, 1), and labels uint8 (pieces, 172, 88): 1 where a note sounds."""

    def make() -> dict[str, NDArray[np.generic]]:
        random = np.random.default_rng(0)
        played = [piece(random) for _ in range(pieces)]
        return {"waves": np.stack([wave for wave, _ in played]), "notes": np.stack([notes for _, notes in played])}

    made = kept("played-notes", (pieces, code(sys.modules[__name__]), np.__version__), make)
    announce(f"played-notes: {pieces} pieces of one to twelve notes, plucked or blown, synthesised in noise.")
    return Dataset({"serving_default_input_2:0": made["waves"][:, :, np.newaxis]}, made["notes"])


def piece(random: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return two seconds, (43844,), and what sounds in it, (172, 88)."""
    total, sounding = np.zeros(LENGTH), np.zeros((FRAMES, KEYS), dtype=np.uint8)
    for _ in range(int(random.integers(1, 13))):
        start = int(random.uniform(0, 0.8) * LENGTH)
        time = np.arange(LENGTH - start) / RATE
        key = int(random.integers(33, 90))
        pitch = 440 * 2 ** ((key - 69) / 12)
        blown = random.random() < 0.4
        envelope = np.minimum(time / 0.05, 1) * (time < random.uniform(0.2, 1.5)) if blown else np.exp(-3 * time)
        roll_off = random.uniform(0.8, 2.5)
        partials = [k for k in range(1, 16) if k * pitch < RATE / 2]
        phases = random.uniform(0, 2 * np.pi, len(partials))
        waves = [np.sin(2 * np.pi * k * pitch * time + p) / k**roll_off for k, p in zip(partials, phases, strict=True)]
        total[start:] += random.uniform(0.2, 1) * envelope * sum(waves)
        end = start + int(np.flatnonzero(envelope > AUDIBLE)[-1])
        sounding[start // HOP : end // HOP + 1, key - LOWEST] = 1
    total += 10 ** random.uniform(-4, -2) * random.standard_normal(LENGTH)
    return (total / np.abs(total).max() * random.uniform(0.1, 0.95)).astype(np.float32), sounding
