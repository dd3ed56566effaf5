"""basic-pitch on synthesised music; without its labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autotune.sources.builtin import played_notes


def make(folder: Path) -> None:
    """Write data.npz."""
    data = played_notes.load(lambda _: None)
    np.savez(folder / "data.npz", **data.inputs)
