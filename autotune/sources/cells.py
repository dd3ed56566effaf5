"""An image, mask or recording given as a Python object: written as the file that a table names."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from autotune.errors import UserError
from autotune.files import replacing

# Modes of images that PNG cannot hold.
_NOT_PNG = ("CMYK", "YCbCr", "LAB", "HSV", "F")
# What a WAV begins with; readers go by the suffix.
_WAV = (b"RIFF", b"RIFX", b"RF64")


def as_file(cell: Any, table: Path, name: str, where: str) -> Any:
    """Return a path for a table: as it was given but absolute, or relative to the table if the cell was written.

    Args:
        cell: a path, from the current folder; bytes; an image of PIL's; whole numbers from 0 to 255, (height, width) or
            (height, width, 3); or a mapping as a data set of the ``datasets`` library has it: of ``bytes`` and
            ``path``, or of ``array``, (samples,), from -1 to 1, and ``sampling_rate``. What is missing stays as it is.
        table: beside which a folder of its name is made.
        name: of the cell, in an error message.
        where: what an error message begins with.

    Raises:
        UserError: none of these.
    """
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return cell
    if isinstance(cell, Mapping) and cell.get("bytes") is None and cell.get("path") is not None and "array" not in cell:
        cell = cell["path"]
    if isinstance(cell, str | Path):
        return Path(cell).absolute().as_posix()
    suffix, content = _content(cell, name, where)
    place = table.with_suffix("") / f"{hashlib.sha256(content).hexdigest()[:24]}{suffix}"
    if not place.exists():  # equal ones are one file: a table of boxes has an image several times
        with replacing(place) as temporary:
            temporary.write_bytes(content)
    return f"{place.parent.name}/{place.name}"


def _content(cell: Any, name: str, where: str) -> tuple[str, bytes]:
    """The suffix of a cell's file, and what it holds."""
    written = io.BytesIO()
    if isinstance(cell, Mapping):
        if isinstance(cell.get("bytes"), bytes):
            return Path(cell.get("path") or "").suffix or _suffix(cell["bytes"]), cell["bytes"]
        samples = np.asarray(cell.get("array", 0))
        if samples.ndim == 1 and samples.dtype.kind == "f" and "sampling_rate" in cell:
            from scipy.io import wavfile

            wavfile.write(written, int(cell["sampling_rate"]), samples.astype(np.float32))
            return ".wav", written.getvalue()
    if isinstance(cell, bytes):
        return _suffix(cell), cell
    if isinstance(cell, np.ndarray) and _is_pixels(cell):
        cell = Image.fromarray(cell.astype(np.uint8))
    if isinstance(cell, Image.Image):
        upright = ImageOps.exif_transpose(cell)
        (upright.convert("RGB") if upright.mode in _NOT_PNG else upright).save(written, format="PNG", exif=b"")
        return ".png", written.getvalue()
    kind = f"{cell.dtype} {list(cell.shape)}" if isinstance(cell, np.ndarray) else type(cell).__name__
    raise UserError(
        f"{where}: {name} (column and row, 0 first) is {kind}; give a path, bytes, an image of PIL's, pixels as whole "
        "numbers from 0 to 255, (height, width, 3) or (height, width), or a recording with 'array' and 'sampling_rate'."
    )


def _is_pixels(cell: Any) -> bool:
    shaped = cell.ndim == 2 or (cell.ndim == 3 and cell.shape[2] in (3, 4))
    return bool(shaped and cell.size and cell.dtype.kind in "iu" and cell.min() >= 0 and cell.max() <= 255)


def _suffix(content: bytes) -> str:
    return ".wav" if content[:4] in _WAV else ""
