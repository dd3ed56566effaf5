"""What was made of facts: the value between guessing and the text of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Guess:
    """What was made of the facts.

    Attributes:
        metric: as a recipe writes it; None where the task's own will do.
        task: as a recipe writes it; of a transformers folder, or of images and recordings.
        columns: role -> the table's name for it, where that is another.
        why: key of the recipe -> the reason for its value.
        open: sentences: what could not be guessed, or does not fit and must be mended.
    """

    metric: Any = None
    task: Any = None
    columns: Mapping[str, str] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    open: tuple[str, ...] = ()

    @property
    def task_name(self) -> str:
        """Return the name of the task, which may stand for the whole."""
        return str(self.task["name"] if isinstance(self.task, Mapping) else self.task)
