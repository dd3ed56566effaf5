"""Files that are either whole or not there: written under a temporary name, then renamed."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autotune.errors import UserError

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EROFS: "the file system is read-only; choose another place",
    errno.EACCES: "permission denied; choose another place",
    errno.EPERM: "permission denied; choose another place",
    errno.EEXIST: "a part of this path is a file, not a folder; choose another place",
    errno.ENOTDIR: "a part of this path is a file, not a folder; choose another place",
    errno.EISDIR: "a folder of this name exists; choose another place",
}


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to; renamed over ``path`` when the block ends without error.

    Readers see the old file or the new one, never half of it. Missing parent folders are made. The temporary name
    keeps the suffix of ``path``.

    Raises:
        UserError: the disk is full, or the place cannot be written to.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes it private
        temporary.replace(path)
    except OSError as error:
        reason = _REASONS.get(error.errno or 0)
        if reason is None:
            raise
        raise UserError(f"Cannot write {path}: {reason}.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def model_files(model: Path) -> tuple[Path, ...]:
    """Return the files that a model consists of: its own, and its data beside it (by their name)."""
    if model.suffix == ".xml":
        weights = model.with_suffix(".bin")
        return (model, weights) if weights.exists() else (model,)
    return tuple(sorted(path for path in model.parent.glob(f"{glob.escape(model.name)}*") if path.is_file()))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file or, on any error, leave what was there.

    Raises:
        UserError: as :func:`replacing`.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """Write a whole text file (UTF-8, line ends as given) or, on any error, leave what was there.

    Raises:
        UserError: as :func:`replacing`.
    """
    write_bytes(path, text.encode())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
