"""What the cell of a table of images or recordings may hold, and how an error message calls it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autotune.data import Array
from autotune.errors import UserError

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
AUDIO = (".wav", ".flac", ".ogg", ".mp3")
SUFFIXES = {"image": IMAGES, "audio": AUDIO}


@dataclass(frozen=True)
class Cell:
    """One image or recording.

    Attributes:
        held: a file, the bytes of one, or (images only) an array of pixels, (height, width) or (height, width, 3).
        name: for error messages: the file, or the row.
    """

    held: Path | bytes | Array
    name: str

    @property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of the content; empty for a file that is not there."""
        if isinstance(self.held, np.ndarray):
            return hashlib.sha256(f"{self.held.dtype} {self.held.shape}".encode() + self.held.tobytes()).hexdigest()
        try:
            return hashlib.sha256(self.held if isinstance(self.held, bytes) else self.held.read_bytes()).hexdigest()
        except OSError:
            return ""

    def opened(self) -> Path | io.BytesIO:
        """Return what libraries read from: a path or a file of bytes."""
        assert not isinstance(self.held, np.ndarray)
        return io.BytesIO(self.held) if isinstance(self.held, bytes) else self.held


def cell_of(value: Any, base: Path, where: str, row: int) -> Cell:
    """Return what a table's cell holds.

    Args:
        value: a path, relative to ``base``; bytes; an array; or a mapping of ``bytes`` and ``path``, as the
            ``datasets`` library stores images and recordings.

    Raises:
        UserError: none of these, or a file that is not there.
    """
    name = f"{where}, row {row} (0 first)"
    if isinstance(value, Mapping):
        content, value = value.get("bytes"), value.get("path")
        if content is not None:
            return Cell(bytes(content), f"{name}, {value}" if value else name)
    if isinstance(value, bytes):
        return Cell(value, name)
    if isinstance(value, np.ndarray):
        return Cell(value, name)
    if not isinstance(value, str):
        raise UserError(f"{name}: must be a file, its bytes or an array of pixels, not {type(value).__name__}.")
    path = base / value
    if not path.is_file():
        raise UserError(f"{name}: {path} does not exist; files are relative to the folder of the table.")
    return Cell(path, str(path))
