"""Files that are either whole or not there: written under a temporary name, then renamed."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import shutil
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
def _told(path: Path) -> Iterator[None]:
    """Turn what stands in the way of writing ``path`` into a sentence."""
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0)
        if reason is None:
            raise
        raise UserError(f"Cannot write {path}: {reason}.") from error


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
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
            os.close(handle)
            temporary = Path(name)
            yield temporary
            temporary.chmod(0o666 & ~_umask())  # mkstemp makes it private
            temporary.replace(path)
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Give an empty temporary folder beside ``path``, renamed to it when the block ends without error.

    A folder that another process has put there meanwhile is left as it is.

    Raises:
        UserError: the disk is full, or the place cannot be written to.
    """
    temporary: Path | None = None
    try:
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            try:
                temporary.rename(path)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_sha256(folder: Path) -> str:
    r"""Return the SHA-256 of a folder's files and their names, as ``sha256sum`` prints them in the order of the names.

    The same as, inside the folder:
    ``find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum``.
    """
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    lines = "".join(f"{sha256(folder / name)}  {name}\n" for name in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def model_files(model: Path) -> tuple[Path, ...]:
    """Return the files that a model consists of: its own, and its data beside it (by their name)."""
    if model.suffix == ".xml":
        weights = model.with_suffix(".bin")
        return (model, weights) if weights.exists() else (model,)
    return tuple(sorted(path for path in model.parent.glob(f"{glob.escape(model.name)}*") if path.is_file()))


def size_on_disk(model: Path) -> int:
    """Return the bytes of the files that a model consists of."""
    return sum(path.stat().st_size for path in model_files(model))


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
