"""Files of the running Python, labelled by their extension, as magika sees them.

What is read: the standard library and the site-packages folder of the running interpreter. Caches are left out, since
they come and go. Left out as well, by rules that look at the file alone and never at what a model says of it: files
under 128 bytes, licence texts, extensions that hold anything (.txt, .pb, .dat) or several languages (.h, .m), and files
without the signature of their format. What is left is still only as true as file names: some accuracy is lost to that.
"""

from __future__ import annotations

import hashlib
import json
import os
import sysconfig
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autotune.data import Dataset
from autotune.errors import UserError
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

_SKIPPED = {"__pycache__", "site-packages", "dist-packages", "lib-dynload"}


def load(announce: Callable[[str], None], *, per_type: int = 200, at_least: int = 10) -> Dataset:
    """Return ``bytes`` int32 (n, 2048) and as labels the index of the type in magika's list, int64.

    Types with fewer than ``at_least`` different files are left out; of the others, ``per_type`` files at most,
    those whose SHA-256 comes first (a choice that does not depend on names or on the order of a folder).

    Raises:
        UserError: magika's list cannot be downloaded, or this Python has too few files.
    """
    config = json.loads(fetch(PACKAGE, CONFIG, CONFIG_SHA256).read_text())
    space: list[str] = config["target_labels_space"]
    by_type = _files({e: label for e, label in EXTENSIONS.items() if label in space})
    chosen = {
        label: sorted(files.items())[:per_type] for label, files in sorted(by_type.items()) if len(files) >= at_least
    }
    if len(chosen) < 2:
        raise UserError("data.builtin: this Python's folders hold too few files for 'python-files'; install packages.")
    rows = [features(path.read_bytes()) for files in chosen.values() for _, path in files]
    labels = [space.index(label) for label, files in chosen.items() for _ in files]
    announce(
        f"python-files: {len(rows)} files of {len(chosen)} types from this Python's own folders, labelled by extension "
        f"({', '.join(f'{label} {len(files)}' for label, files in chosen.items())})."
    )
    return Dataset({"bytes": np.stack(rows)}, np.asarray(labels, dtype=np.int64))


def features(content: bytes) -> NDArray[np.int32]:
    """Return magika's input for a file: int32 (2048,), values 0 to 255, and 256 for padding.

    The first 4096 bytes, stripped on the left, first 1024 of them left-aligned; then the last 4096 bytes, stripped on
    the right, last 1024 of them right-aligned (magika 1.0, ``_extract_features_from_seekable``).
    """
    row = np.full(2048, 256, dtype=np.int32)
    head = np.frombuffer(content[:4096].lstrip()[:1024], dtype=np.uint8)
    tail = np.frombuffer(content[-4096:].rstrip()[-1024:], dtype=np.uint8)
    row[: len(head)] = head
    row[2048 - len(tail) :] = tail
    return row


def _files(extensions: dict[str, str]) -> dict[str, dict[str, Path]]:
    """By label, the files worth a label, by the SHA-256 of their content: identical ones are there once."""
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    seen: set[str] = set()
    for path in _walk():
        label = extensions.get(path.suffix[1:].lower())
        if label is None or path.stem.lower().startswith(("licen", "copying")):
            continue
        try:
            content = path.read_bytes()
        except OSError:  # a file without read permission is no sample
            continue
        digest = hashlib.sha256(content).hexdigest()
        if digest in seen or len(content) < SMALLEST or not content.startswith(SIGNATURES.get(label, b"")):
            continue
        seen.add(digest)
        found[label][digest] = path
    return found


def _walk() -> Iterator[Path]:
    """Every regular file, in the same order everywhere."""
    paths = sysconfig.get_paths()
    for root in dict.fromkeys(paths[key] for key in ("stdlib", "purelib", "platlib")):
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name not in _SKIPPED)
            for name in sorted(names):
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink():
                    yield path
