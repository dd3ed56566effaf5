"""Optuna's study: asked and told in memory, every told trial kept in an SQLite file."""

from __future__ import annotations

import importlib
import sqlite3
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from pydantic import TypeAdapter

from autotune.configuration import Configuration
from autotune.protocol import Explored
from autotune.recipe import SamplerName

NAME = "autotune"
_EXPLORED = "autotune:explored:"
_KERNELS = "autotune:kernels:"
_REVISED = "autotune:revised:"
# A frame, what was found out about it, and its edges once more: JSON has no pairs as keys.
_Kept = tuple[Configuration, Explored | None, list[tuple[str, str, int]]]
_KEPT: TypeAdapter[_Kept] = TypeAdapter(_Kept)
# A candidate, and the sets of its convolutions that may pay in other kernels.
_Looked = tuple[Configuration, tuple[tuple[str, ...], ...]]
_LOOKED: TypeAdapter[_Looked] = TypeAdapter(_Looked)
# Random trials before TPE has something to learn from.
_STARTUP_TRIALS = 8
_LATE = ("sqlalchemy.orm", "alembic.context", "scipy.special")
_DIRECTIONS = ("minimize", "minimize")


def import_ahead() -> None:
    """Import what Optuna imports only when a study is opened or asked: while nobody waits for it."""
    for module in _LATE:
        importlib.import_module(module)


class StoredStudy:
    """A study that a file outlives.

    Over the file itself every answer of a proposal is a transaction of its own: a dozen of them took five times as long
    as the one that a whole trial takes. A trial in flight leaves no trace, so a run that is continued asks it again.
    """

    def __init__(self, storage: Path, sampler: SamplerName, seed: int) -> None:
        """Continue the study in a file, or begin one.

        Args:
            seed: seeds the sampler, together with the number of trials already there.
        """
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        # Not through the URL, in which a '?' of the path would begin its options.
        connect = partial(sqlite3.connect, storage, factory=_Connection, check_same_thread=False, timeout=60)
        backend = optuna.storages.RDBStorage("sqlite:///study.db", engine_kwargs={"creator": connect})
        # Optuna asks twice per parameter of a trial, about other trials; else SQLAlchemy writes before each question.
        backend.scoped_session.remove()
        backend.scoped_session.configure(autoflush=False)
        self._file = optuna.create_study(study_name=NAME, storage=backend, directions=_DIRECTIONS, load_if_exists=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._file.set_metric_names(["latency ratio", "drop"])
        kept = self.kept
        self._live = optuna.create_study(sampler=_sampler(sampler, seed + len(kept)), directions=_DIRECTIONS)
        self._live.add_trials(kept)

    @property
    def kept(self) -> list[optuna.trial.FrozenTrial]:
        """The trials in the file, by number; to be read only."""
        trials: list[optuna.trial.FrozenTrial] = self._file.get_trials(deepcopy=False)
        return trials

    def ask(self) -> optuna.Trial:
        """Begin a trial of the sampler's."""
        return self._live.ask()

    def ask_for(self, parameters: Mapping[str, Any]) -> optuna.Trial:
        """Begin a trial whose suggestions are these."""
        self._live.enqueue_trial(dict(parameters))
        return self._live.ask()

    def tell(self, asked: optuna.Trial, values: Sequence[float]) -> None:
        """End a trial and keep it."""
        self._file.add_trial(self._live.tell(asked, values))

    def revise(self, number: int, record: str) -> None:
        """Keep a trial's record that is to be read instead of the one it was told with."""
        self._file.set_user_attr(f"{_REVISED}{number}", record)

    @property
    def revised(self) -> dict[int, str]:
        """The records that :func:`revise` kept, the last of each trial."""
        found = self._file.user_attrs.items()
        return {int(key.removeprefix(_REVISED)): record for key, record in found if key.startswith(_REVISED)}

    def remember(self, frame: Configuration, explored: Explored | None) -> None:
        """Keep what was found out about a frame; None: it could not be explored."""
        edges = [(*ends, elements) for ends, elements in explored.edges.items()] if explored else []
        kept = (frame, replace(explored, edges={}) if explored else None, edges)
        self._append(_EXPLORED, _KEPT.dump_python(kept, mode="json"))

    def recall(self) -> Iterator[tuple[Configuration, Explored | None]]:
        """Yield what :func:`remember` kept, in its order."""
        for kept in self._listed(_EXPLORED):
            frame, explored, edges = _KEPT.validate_python(kept)
            found = {(giver, taker): elements for giver, taker, elements in edges}
            yield frame, replace(explored, edges=found) if explored else None

    def remember_kernels(self, base: Configuration, sets: Sequence[tuple[str, ...]]) -> None:
        """Keep which convolutions of a candidate may pay in other kernels."""
        self._append(_KERNELS, _LOOKED.dump_python((base, tuple(sets)), mode="json"))

    def recall_kernels(self) -> Iterator[tuple[Configuration, tuple[tuple[str, ...], ...]]]:
        """Yield what :func:`remember_kernels` kept, in its order."""
        yield from map(_LOOKED.validate_python, self._listed(_KERNELS))

    def _append(self, prefix: str, kept: Any) -> None:
        number = sum(key.startswith(prefix) for key in self._file.user_attrs)
        self._file.set_user_attr(f"{prefix}{number:04d}", kept)

    def _listed(self, prefix: str) -> list[Any]:
        return [kept for key, kept in sorted(self._file.user_attrs.items()) if key.startswith(prefix)]


def _sampler(name: SamplerName, seed: int) -> optuna.samplers.BaseSampler:
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=_STARTUP_TRIALS)


class _Connection(sqlite3.Connection):
    """Leaves flushing to the system: a third of the time per proposal went into waiting for the disk.

    A killed process loses nothing by it, only a machine that loses its power may.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.execute("PRAGMA synchronous=OFF")
