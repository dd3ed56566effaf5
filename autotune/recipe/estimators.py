"""Range estimators as choices: how they are written in a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast, get_args

from autotune.configuration import EstimatorName
from autotune.recipe.values import is_number, number_text, problem, shown, unknown

ESTIMATORS: tuple[str, ...] = get_args(EstimatorName)


@dataclass(frozen=True)
class Range:
    """A continuous choice: every number from ``low`` to ``high``, both included."""

    low: float
    high: float


@dataclass(frozen=True)
class EstimatorChoice:
    """A range estimator as a choice: with no parameter, one value of it, or a range of values."""

    name: EstimatorName
    parameter: float | Range | None = None

    @property
    def label(self) -> str:
        """A text that is different for different choices; the search's name for this choice."""
        if self.parameter is None:
            return self.name
        if isinstance(self.parameter, Range):
            return f"{self.name}({self.parameter.low!r}..{self.parameter.high!r})"
        return f"{self.name}({self.parameter!r})"


# What the parameter of an estimator may be: (above, up to and including, an example to show).
PARAMETERS: dict[str, tuple[float, float, str]] = {
    "moving-average": (0.0, 1.0, "{moving-average: 0.1}"),
    "percentile": (0.5, 1.0, "{percentile: 0.999}"),
}


def parse_estimators(raw: object) -> tuple[EstimatorChoice, ...]:
    """Parse an estimator or a list of them: ``mse``, ``{percentile: [0.999, 1]}``, ``{moving-average: {low, high}}``.

    Raises:
        PydanticCustomError: with the key of the culprit.
    """
    if isinstance(raw, tuple) and all(isinstance(item, EstimatorChoice) for item in raw):
        return raw
    many = isinstance(raw, list | tuple)
    found: list[EstimatorChoice] = []
    for index, item in enumerate(raw if isinstance(raw, list | tuple) else (raw,)):
        for choice in _estimator(item, (index,) if many else ()):
            if choice in found:
                raise problem(f"lists {choice.label} twice", *((index,) if many else ()))
            found.append(choice)
    if not found:
        raise problem("an empty list leaves nothing to choose")
    return tuple(found)


def estimators_text(choices: tuple[EstimatorChoice, ...]) -> Any:
    """Return the plain value that :func:`parse_estimators` reads as ``choices``, neighbours of one name together."""
    items: list[Any] = []
    for choice in choices:
        if choice.parameter is None:
            items.append(choice.name)
        elif isinstance(choice.parameter, Range):
            items.append({choice.name: {"low": choice.parameter.low, "high": choice.parameter.high}})
        else:
            last = items[-1].get(choice.name) if items and isinstance(items[-1], dict) else None
            if isinstance(last, float):
                items[-1] = {choice.name: [last, choice.parameter]}
            elif isinstance(last, list):
                last.append(choice.parameter)
            else:
                items.append({choice.name: choice.parameter})
    return items[0] if len(items) == 1 else items


def _estimator(item: object, at: tuple[int, ...]) -> Iterator[EstimatorChoice]:
    name, raw = item, None
    if isinstance(item, dict):
        if len(item) != 1:
            raise problem("a parameter is written as {name: value}, one estimator each", *at)
        ((name, raw),) = item.items()
    if name not in ESTIMATORS:
        raise problem(unknown("estimator", name, ESTIMATORS), *at)
    name = cast(EstimatorName, name)
    if name not in PARAMETERS:
        if isinstance(item, dict):
            raise problem(f"'{name}' takes no parameter, write just {name}", *at)
        yield EstimatorChoice(name)
        return
    if not isinstance(item, dict):
        raise problem(f"'{name}' needs its parameter, such as {PARAMETERS[name][2]}", *at)
    if isinstance(raw, dict):
        yield EstimatorChoice(name, _range(raw, name, (*at, name)))
        return
    if raw == []:
        raise problem("an empty list leaves nothing to choose", *at, name)
    for index, value in enumerate(raw if isinstance(raw, list) else [raw]):
        yield EstimatorChoice(name, _parameter(value, name, (*at, name, *((index,) if isinstance(raw, list) else ()))))


def _range(raw: dict[Any, Any], name: str, at: tuple[str | int, ...]) -> Range:
    if set(raw) != {"low", "high"}:
        raise problem("a range is written as {low: NUMBER, high: NUMBER}", *at)
    low, high = (_parameter(raw[end], name, (*at, end)) for end in ("low", "high"))
    if low >= high:
        raise problem(f"the range's low ({number_text(low)}) must be below its high ({number_text(high)})", *at)
    return Range(low, high)


def _parameter(raw: object, name: str, at: tuple[str | int, ...]) -> float:
    above, most, example = PARAMETERS[name]
    if not is_number(raw):
        raise problem(f"must be a number such as {example}, not {shown(raw)}", *at)
    value = float(raw)  # type: ignore[arg-type]
    if not above < value <= most:
        raise problem(f"must be above {above:g} and at most {most:g}, not {shown(raw)}", *at)
    return value
