"""What a child sends back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autotune.record import Failure


@dataclass(frozen=True)
class Answer:
    """``value`` is of the type that the request's docstring names."""

    value: Any


@dataclass(frozen=True)
class Refusal:
    """``user`` is a UserError's sentence; otherwise ``failure`` says what went wrong with this candidate."""

    user: str | None = None
    failure: Failure | None = None
