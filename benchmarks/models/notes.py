"""basic-pitch on synthesised music; no labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLES, LENGTH, RATE = 240, 43844, 22050


def make(folder: Path) -> None:
    """Write data.npz."""
    random = np.random.default_rng(0)
    pieces = np.stack([piece(random) for _ in range(SAMPLES)])
    np.savez(folder / "data.npz", **{"serving_default_input_2:0": pieces[:, :, None]})


def piece(random: np.random.Generator) -> NDArray[np.float32]:
    """Return two seconds: one to twelve notes, plucked or blown, in noise."""
    total = np.zeros(LENGTH)
    for _ in range(int(random.integers(1, 13))):
        start = int(random.uniform(0, 0.8) * LENGTH)
        time = np.arange(LENGTH - start) / RATE
        pitch = 440 * 2 ** ((int(random.integers(33, 90)) - 69) / 12)
        blown = random.random() < 0.4
        envelope = np.minimum(time / 0.05, 1) * (time < random.uniform(0.2, 1.5)) if blown else np.exp(-3 * time)
        roll_off = random.uniform(0.8, 2.5)
        partials = [k for k in range(1, 16) if k * pitch < RATE / 2]
        phases = random.uniform(0, 2 * np.pi, len(partials))
        waves = [np.sin(2 * np.pi * k * pitch * time + p) / k**roll_off for k, p in zip(partials, phases, strict=True)]
        total[start:] += random.uniform(0.2, 1) * envelope * sum(waves)
    total += 10 ** random.uniform(-4, -2) * random.standard_normal(LENGTH)
    return (total / np.abs(total).max() * random.uniform(0.1, 0.95)).astype(np.float32)
