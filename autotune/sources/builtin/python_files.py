"""Files of the running Python, labelled by their extension, as magika sees them.

What is read: the standard library and the site-packages folder of the running interpreter. Caches are left out, since
they come and go. Left out as well, by rules that look at the file alone and never at what a model says of it: files
under 128 bytes, licence texts, extensions that hold anything (.txt, .pb, .dat) or several languages (.h, .m), and files
without the signature of their format. What is left is still only as true as file names: some accuracy is lost to that.

Thousands of files are read for it, so the result is kept in the cache folder, under the list of their paths, sizes and
times of change.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autotune.data import Array, Dataset
from autotune.errors import UserError
from autotune.sources.builtin.kept import code, kept
from autotune.sources.package import fetch

PACKAGE = "magika==1.0.3"
CONFIG = "magika/models/standard_v3_3/config.min.json"
CONFIG_SHA256 = "ae24c742205358f6ff6dfd5facb6743fb69743dbba8373e73da58ff0cbd695db"

# Extension -> magika's label, where one extension means one type.
EXTENSIONS = {
    "bat": "batch", "bmp": "bmp", "bz2": "bzip", "c": "c", "cc": "cpp", "cmake": "cmake", "cpp": "cpp", "css": "css",
    "csv": "csv", "cu": "cpp", "cuh": "cpp", "cxx": "cpp", "exe": "pebin", "f": "fortran", "f90": "fortran",
    "gif": "gif", "gz": "gzip", "hpp": "cpp", "htm": "html", "html": "html", "ico": "ico", "ini": "ini",
    "ipynb": "ipynb", "j2": "jinja", "java": "java", "jinja": "jinja", "jinja2": "jinja", "jpeg": "jpeg",
    "jpg": "jpeg", "js": "javascript", "json": "json", "jsonl": "jsonl", "lua": "lua", "md": "markdown",
    "npy": "npy", "npz": "npz", "onnx": "onnx", "pdf": "pdf", "pem": "pem", "pickle": "pickle",
    "pkl": "pickle", "png": "png", "po": "po", "proto": "proto", "ps1": "powershell", "py": "python",
    "pyi": "python", "r": "r", "rs": "rust", "rst": "rst", "scss": "scss", "sh": "shell", "so": "elf",
    "sql": "sql", "svg": "svg", "tar": "tar", "tcl": "tcl", "tex": "latex", "toml": "toml", "ts": "typescript",
    "ttf": "ttf", "wav": "wav", "woff": "woff", "woff2": "woff2", "xml": "xml", "xsl": "xml",
    "xslt": "xml", "xz": "xz", "yaml": "yaml", "yml": "yaml", "zip": "zip",
}  # fmt: skip

# How every file of a type begins, for the types that have a signature.
SIGNATURES = {
    "bzip": (b"BZh",), "elf": (b"\x7fELF",), "gif": (b"GIF8",), "gzip": (b"\x1f\x8b",), "jpeg": (b"\xff\xd8\xff",),
    "npy": (b"\x93NUMPY",), "npz": (b"PK\x03\x04",), "pdf": (b"%PDF",), "pebin": (b"MZ",), "png": (b"\x89PNG",),
    "wav": (b"RIFF",), "woff": (b"wOFF",), "woff2": (b"wOF2",), "xz": (b"\xfd7zXZ",), "zip": (b"PK\x03\x04",),
}  # fmt: skip
SMALLEST = 128
BLOCK = 4096

# Path, label, size and time of the last change.
_Listed = tuple[str, str, int, int]
_SKIPPED = {"__pycache__", "site-packages", "dist-packages", "lib-dynload"}


def load(announce: Callable[[str], None], *, per_type: int = 200, at_least: int = 10) -> Dataset:
    """Return ``bytes`` int32 (n, 2048) and as labels the index of the type in magika's list, int64.

    Files that look the same to the model are there once. Types with fewer than ``at_least`` files are left out; of the
    others, ``per_type`` files at most, those whose SHA-256 comes first (a choice that does not depend on names).

    Raises:
        UserError: magika's list cannot be downloaded, or this Python has too few files.
    """
    config = json.loads(fetch(PACKAGE, CONFIG, CONFIG_SHA256).read_text())
    space: list[str] = config["target_labels_space"]
    listed = list(_listed({e: label for e, label in EXTENSIONS.items() if label in space}))
    source = (per_type, at_least, space, listed, code(sys.modules[__name__]))
    found = kept("python-files", source, lambda: _chosen(listed, space, per_type, at_least))
    types, counts = (values.tolist() for values in np.unique(found["labels"], return_counts=True))
    numbers = sorted((space[kind], count) for kind, count in zip(types, counts, strict=True))
    announce(
        f"python-files: {len(found['labels'])} files of {len(types)} types from this Python's own folders, labelled by "
        f"extension ({', '.join(f'{label} {count}' for label, count in numbers)})."
    )
    return Dataset({"bytes": found["bytes"]}, found["labels"])


def _chosen(listed: Iterable[_Listed], space: list[str], per_type: int, at_least: int) -> dict[str, Array]:
    chosen = {
        label: sorted(files.items(), key=itemgetter(0))[:per_type]
        for label, files in sorted(_files(listed).items())
        if len(files) >= at_least
    }
    if len(chosen) < 2:
        raise UserError("data.builtin: this Python's folders hold too few files for 'python-files'; install packages.")
    rows = [row for files in chosen.values() for _, row in files]
    labels = [space.index(label) for label, files in chosen.items() for _ in files]
    return {"bytes": np.stack(rows), "labels": np.asarray(labels, dtype=np.int64)}


def features(head: bytes, tail: bytes) -> NDArray[np.int32]:
    """Return magika's input for a file: int32 (2048,), values 0 to 255, and 256 for padding.

    ``head`` and ``tail`` are the first and last 4096 bytes (both the whole of a smaller file). The head, stripped on
    the left, its first 1024 bytes left-aligned; then the tail, stripped on the right, its last 1024 right-aligned
    (magika 1.0, ``_extract_features_from_seekable``).
    """
    row = np.full(2048, 256, dtype=np.int32)
    first = np.frombuffer(head.lstrip()[:1024], dtype=np.uint8)
    last = np.frombuffer(tail.rstrip()[-1024:], dtype=np.uint8)
    row[: len(first)] = first
    row[2048 - len(last) :] = last
    return row


def _files(listed: Iterable[_Listed]) -> dict[str, dict[bytes, NDArray[np.int32]]]:
    """By label, the features of the files worth a label, by their SHA-256."""
    found: dict[str, dict[bytes, NDArray[np.int32]]] = defaultdict(dict)
    seen: set[bytes] = set()
    for path, label, size, _ in listed:
        try:
            head, tail = _ends(Path(path), size)
        except OSError:  # a file without read permission is no sample
            continue
        if not head.startswith(SIGNATURES.get(label, b"")):
            continue
        row = features(head, tail)
        digest = hashlib.sha256(row.tobytes()).digest()
        if digest not in seen:
            seen.add(digest)
            found[label][digest] = row
    return found


def _ends(path: Path, size: int) -> tuple[bytes, bytes]:
    """First and last bytes."""
    with path.open("rb") as file:
        head = file.read(BLOCK)
        if size <= BLOCK:
            return head, head
        file.seek(size - BLOCK)
        return head, file.read(BLOCK)


def _listed(extensions: dict[str, str]) -> Iterator[_Listed]:
    """Every regular file that may be a sample, in the same order everywhere."""
    paths = sysconfig.get_paths()
    for root in dict.fromkeys(paths[key] for key in ("stdlib", "purelib", "platlib")):
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name not in _SKIPPED)
            for name in sorted(names):
                stem, dot, extension = name.rpartition(".")
                label = extensions.get(extension.lower()) if stem and dot else None
                if label is None or stem.lower().startswith(("licen", "copying")):
                    continue
                path = Path(folder, name)
                about = path.lstat()
                if stat.S_ISREG(about.st_mode) and about.st_size >= SMALLEST:
                    yield str(path), label, about.st_size, about.st_mtime_ns
