"""Runs beside each other need names that tell them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autotune.outcome import RunRecord


@dataclass(frozen=True)
class Named:
    """A run with a name that no other run beside it has.

    Attributes:
        folder: as the user gave it.
    """

    name: str
    folder: Path
    run: RunRecord


def name_runs(runs: Sequence[tuple[Path, RunRecord]]) -> tuple[Named, ...]:
    """Name each run: by its recipe, else by its folder, else by the folder's whole path, in that order.

    Args:
        runs: of different folders.
    """
    ways: tuple[Callable[[Path, RunRecord], str], ...] = (
        lambda _, run: run.name,
        lambda folder, _: folder.name or str(folder),
        lambda folder, _: str(folder),
    )
    names = [ways[0](*entry) for entry in runs]
    for way in ways[1:]:
        counted = Counter(names)
        names = [name if counted[name] == 1 else way(*entry) for name, entry in zip(names, runs, strict=True)]
    return tuple(Named(name, folder, run) for name, (folder, run) in zip(names, runs, strict=True))
