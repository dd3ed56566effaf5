"""Reading recordings, and the explicit steps from a recording to a model's input."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotune.errors import UserError
from autotune.media.cells import Cell
from autotune.recipe import Preprocess

Samples = NDArray[np.float32]

# Recordings that are kept whole where no length is given; lengths are multiples of this many seconds.
COVERED = 0.95
STEP = 0.1


def read_audio(cell: Cell, rate: int) -> Samples:
    """Return a recording from -1 to 1, channels averaged, at ``rate`` samples per second.

    Raises:
        UserError: it cannot be read or holds no sample; names the file.
    """
    if isinstance(cell.held, np.ndarray):
        raise UserError(f"{cell.name}: a recording is a file or its bytes, for an array does not say its rate.")
    try:
        found, values = _wav(cell) if _is_wav(cell) else _by_soundfile(cell)
    except (OSError, ValueError, EOFError, RuntimeError, struct.error) as error:
        said = " ".join(str(error).split())[:120].rstrip(".")
        raise UserError(
            f"{cell.name}: cannot be read as a recording ({said}); it may be cut or of another kind."
        ) from error
    if not values.size:
        raise UserError(f"{cell.name}: holds no sound; leave it out.")
    mono = values.mean(axis=1) if values.ndim > 1 else values
    if found != rate:
        from scipy.signal import resample_poly

        divisor = math.gcd(found, rate)
        mono = resample_poly(mono, rate // divisor, found // divisor)
    return np.asarray(mono, dtype=np.float32)


def length_of(recordings: list[Samples], seconds: float | None, rate: int) -> tuple[int, str]:
    """Return a length in samples for all, and a sentence about it; the least that keeps 95 % whole if none is given."""
    lengths = np.array([len(one) for one in recordings])
    if seconds is None:
        covered = int(np.quantile(lengths, COVERED, method="inverted_cdf"))
        seconds = math.ceil(covered / rate / STEP - 1e-9) * STEP
    length = max(1, round(seconds * rate))
    cut = int((lengths > length).sum())
    told = f"Recordings have {length / rate:g} s (the longest of {len(lengths)} has {lengths.max() / rate:.3g} s)"
    return length, f"{told}; {cut} longer ones are cut." if cut else f"{told}; none is cut."


def fitted(recording: Samples, length: int) -> Samples:
    """Return a recording cut at the end, or padded there with zeros."""
    return np.pad(recording[:length], (0, max(0, length - len(recording))))


def prepared(recording: Samples, steps: Preprocess, length: int) -> Samples:
    """Return a model's input, shape (length,), (1, length) or (length, 1)."""
    row = fitted(recording, length)
    return {"NT": row, "NCT": row[np.newaxis], "NTC": row[:, np.newaxis]}[steps.shape]


def _is_wav(cell: Cell) -> bool:
    if isinstance(cell.held, bytes):
        return cell.held[:4] in (b"RIFF", b"RIFX", b"RF64")
    assert isinstance(cell.held, Path)
    return cell.held.suffix.lower() == ".wav"


def _wav(cell: Cell) -> tuple[int, NDArray[Any]]:
    import warnings

    from scipy.io import wavfile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wavfile.WavFileWarning)  # of notes in the file that are no samples
        rate, raw = wavfile.read(cell.opened())
    if raw.dtype == np.uint8:
        return rate, (raw.astype(np.float32) - 128) / 128
    if raw.dtype.kind == "i":
        return rate, raw.astype(np.float32) / np.float32(np.iinfo(raw.dtype).max + 1)
    return rate, raw.astype(np.float32)


def _by_soundfile(cell: Cell) -> tuple[int, NDArray[Any]]:
    try:
        import soundfile  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError as error:
        raise UserError(
            f"{cell.name}: reading it needs soundfile, which is not installed; pip install 'autotune[audio]', or "
            "convert it to wav."
        ) from error
    values, rate = soundfile.read(cell.opened(), dtype="float32")
    return int(rate), values
