"""Memory that a large model need not take: pages of files that can be read again, and what the allocator keeps.

OpenVINO maps the weights of an IR; compiled, a model has its own copy of them in the layout of its kernels, and the
pages of the file stay in memory all the same until something else needs the room.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

# Bytes of weights from which on memory counts more than seconds: 268 million parameters in f32.
LARGE = 1 << 30
_WEIGHTS = ".bin"
_DELETED = " (deleted)"


def is_large(size: int) -> bool:
    """Tell whether weights of so many bytes are too many to have more copies of than there must be."""
    return size >= LARGE


def release(least: int = LARGE) -> int:
    """Give back the pages of mapped weights, which are read again when they are needed, and memory that is free.

    Only mappings that nobody can write to; nothing is lost. Does nothing where there is no Linux.

    Args:
        least: bytes of a mapping, below which it is left alone.

    Returns:
        The bytes of the mappings; 0 as well where less than ``least`` of all files is in memory.
    """
    if sys.platform != "linux" or _mapped_and_present() < least:
        return 0
    places = large_mappings(Path("/proc/self/maps").read_text().splitlines(), least)
    for start, size in places:
        _libc().madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), mmap.MADV_DONTNEED)
    if places:
        _libc().malloc_trim(0)
    return sum(size for _, size in places)


def large_mappings(lines: Iterable[str], least: int) -> list[tuple[int, int]]:
    """Return address and bytes of the mapped files of weights that are only read, from lines of ``/proc/PID/maps``."""
    found = []
    for line in lines:
        addresses, rights, _, _, _, *path = line.split(maxsplit=5)
        start, end = (int(address, 16) for address in addresses.split("-"))
        if (
            path
            and path[0].removesuffix(_DELETED).endswith(_WEIGHTS)
            and rights.startswith("r--")
            and end - start >= least
        ):
            found.append((start, end - start))
    return found


def _mapped_and_present() -> int:
    """Return the bytes of mapped files that are in memory; it takes a hundredth of the time of reading the mappings."""
    return int(Path("/proc/self/statm").read_text().split()[2]) * mmap.PAGESIZE


@cache
def _libc() -> Any:
    return ctypes.CDLL(None)
