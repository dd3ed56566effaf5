"""Optuna's study in its SQLite file."""

from __future__ import annotations

import sqlite3
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import optuna

from autotune.recipe import SamplerName

NAME = "autotune"
# Random trials before TPE has something to learn from.
_STARTUP_TRIALS = 8


def open_study(storage: Path, sampler: SamplerName, seed: int) -> optuna.Study:
    """Continue the study in a file, or begin one.

    Args:
        seed: seeds the sampler, together with the number of trials already there.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # Not through the URL, in which a '?' of the path would begin its options.
    connect = partial(sqlite3.connect, storage, factory=_Connection, check_same_thread=False, timeout=60)
    backend = optuna.storages.RDBStorage("sqlite:///study.db", engine_kwargs={"creator": connect})
    known = [s.study_name for s in optuna.get_all_study_summaries(backend)]
    done = 0
    if NAME in known:
        done = len(optuna.load_study(study_name=NAME, storage=backend).get_trials(deepcopy=False))
    study = optuna.create_study(
        study_name=NAME,
        storage=backend,
        sampler=_sampler(sampler, seed + done),
        directions=["minimize", "minimize"],
        load_if_exists=True,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(["latency ratio", "drop"])
    return study


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
