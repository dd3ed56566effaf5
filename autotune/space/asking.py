"""How questions are asked, and where answers come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T", bound=str | bool | float)


class Suggest(Protocol):
    """Where answers come from: a sampler, or the record of an earlier configuration."""

    def categorical(self, name: str, choices: Sequence[str | float | int | bool]) -> Any:
        """Return one of ``choices``; the same ``name`` always comes with the same ones."""

    def number(self, name: str, low: float, high: float, log: bool) -> float:
        """Return a number from ``low`` to ``high``, both included; ``log``: spread evenly over the logarithm."""


class Replay:
    """Gives prepared answers and remembers which were asked for.

    Raises:
        ValueError: an answer is missing or is not among the choices.
    """

    def __init__(self, prepared: Mapping[str, Any]) -> None:
        self._prepared = prepared
        self.asked: dict[str, Any] = {}

    def categorical(self, name: str, choices: Sequence[str | float | int | bool]) -> Any:
        answer = self._prepared.get(name)
        if answer not in choices:
            raise ValueError(f"{name}={answer!r} is not in this space: {list(choices)}")
        self.asked[name] = answer
        return answer

    def number(self, name: str, low: float, high: float, log: bool) -> float:
        answer = self._prepared.get(name)
        if not isinstance(answer, float) or not low <= answer <= high:
            raise ValueError(f"{name}={answer!r} is not in this space: [{low}, {high}]")
        self.asked[name] = answer
        return answer


def pick(suggest: Suggest, name: str, choices: Sequence[T]) -> T:
    """Ask, unless there is nothing to choose."""
    if len(choices) == 1:
        return choices[0]
    answer: T = suggest.categorical(name, choices)
    return answer


def prefer(wanted: T, choices: Sequence[T]) -> T:
    return wanted if wanted in choices else choices[0]
