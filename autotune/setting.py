"""What the phases of one run share, and what the search hands over to what follows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from autotune.configuration import Configuration
from autotune.data import Dataset
from autotune.folder import RunFolder
from autotune.outcome import Fingerprint, Goal, SplitSizes
from autotune.protocol import Explored, Prepared
from autotune.recipe import Recipe
from autotune.record import Trial
from autotune.space import Space


@dataclass(frozen=True)
class Lessons:
    """What a run can train with, besides its recipe.

    Attributes:
        source: how a process with PyTorch makes the module.
        samples: to train on.
    """

    source: dict[str, object]
    samples: Dataset


@dataclass(frozen=True)
class Setting:
    """A run that is prepared: float f32 is measured, and it is known what may be tried.

    Attributes:
        clock: ``time.monotonic()`` when the run began.
        deadline: the same when the whole run is to end; None for no limit.
        solve: returns the solved recipe of a configuration and its candidate's digest.
        command: as it was typed.
        lessons: None where the recipe has no training.
    """

    recipe: Recipe
    folder: RunFolder
    prepared: Prepared
    space: Space
    goal: Goal
    sizes: SplitSizes
    clock: float
    deadline: float | None
    solve: Callable[[Configuration, str], Recipe]
    fingerprint: Fingerprint
    started: datetime
    command: str
    lessons: Lessons | None = None


@dataclass(frozen=True)
class Found:
    """What the search phase found, and how long it took.

    Attributes:
        interrupted: by the user. ``late``: by the timeout.
        ended: a sentence: why the search ended. ``training``: why nothing was trained, or why that ended.
        seconds: wall time of the search.
        explored: frames and what was found out about their operators.
        kept_f32: number of a trial -> why its float weights were not tried as f16, as the end of a sentence.
        observe_seconds, inference_seconds: of observing the float model and of looking at operators; see
            ``record.Seconds``.
    """

    trials: tuple[Trial, ...]
    interrupted: bool
    late: bool
    ended: str
    training: str
    seconds: float
    observe_seconds: float
    inference_seconds: float
    explored: tuple[tuple[Configuration, Explored], ...] = ()
    kept_f32: Mapping[int, str] = field(default_factory=dict)
