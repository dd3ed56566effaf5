"""Optuna's study: asked and told in memory, every told trial kept in an SQLite file."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import optuna

from autotune.recipe import SamplerName

NAME = "autotune"
# Random trials before TPE has something to learn from.
_STARTUP_TRIALS = 8
_DIRECTIONS = ("minimize", "minimize")


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
