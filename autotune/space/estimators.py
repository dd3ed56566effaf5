"""Range estimators as questions and answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autotune.configuration import Estimator
from autotune.recipe import EstimatorChoice, Range
from autotune.space.asking import Suggest, pick, prefer


def draw_estimator(suggest: Suggest, prefix: str, choices: tuple[EstimatorChoice, ...]) -> Estimator:
    """Return the estimator that the answers describe; ``prefix``: of the questions."""
    label = pick(suggest, f"{prefix}estimator", tuple(choice.label for choice in choices))
    choice = next(choice for choice in choices if choice.label == label)
    if not isinstance(choice.parameter, Range):
        return Estimator(choice.name, choice.parameter)
    low, high, log = _bounds(choice)
    answer = suggest.number(f"{prefix}{label}", low, high, log)
    return Estimator(choice.name, _from_number(choice.name, answer))


def estimator_answers(prefix: str, choices: Iterable[EstimatorChoice], wanted: Estimator) -> dict[str, Any]:
    """Return answers that choose ``wanted``, as a single value or inside a range; none if it is not offered."""
    for choice in choices:
        if choice.name == wanted.name and choice.parameter == wanted.parameter:
            return {f"{prefix}estimator": choice.label}
    for choice in choices:
        span, parameter = choice.parameter, wanted.parameter
        if choice.name != wanted.name or not isinstance(span, Range) or parameter is None:
            continue
        if span.low <= parameter <= span.high:
            answer = _to_number(choice.name, parameter)
            return {f"{prefix}estimator": choice.label, f"{prefix}{choice.label}": answer}
    return {f"{prefix}estimator": str(wanted)}


def middles(prefix: str, choices: tuple[EstimatorChoice, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {
        f"{prefix}{choice.label}": middle(choice) for choice in choices if isinstance(choice.parameter, Range)
    }
    if choices:
        found[f"{prefix}estimator"] = prefer("mean-min-max", tuple(choice.label for choice in choices))
    return found


def middle(choice: EstimatorChoice) -> float:
    """Return the answer in the middle of a range of parameters, on the scale that is searched."""
    low, high, log = _bounds(choice)
    return min(max((low * high) ** 0.5 if log else (low + high) / 2, low), high)


def steps(choice: EstimatorChoice, answer: float) -> tuple[float, ...]:
    """Return the answers next to ``answer`` in a range: half and twice it, inside the range."""
    low, high, _ = _bounds(choice)
    return tuple(step for step in (max(answer / 2, low), min(answer * 2, high)) if step != answer)


def _bounds(choice: EstimatorChoice) -> tuple[float, float, bool]:
    """Return low, high and whether to search the logarithm: of the constant, or of the share cut off (1 - p)."""
    assert isinstance(choice.parameter, Range)
    low, high = sorted((_to_number(choice.name, choice.parameter.low), _to_number(choice.name, choice.parameter.high)))
    return low, high, low > 0


def _to_number(name: str, parameter: float) -> float:
    # Exact both ways: p is in [0.5, 1], where 1 - p is computed without rounding (Sterbenz), and so is its inverse.
    return 1 - parameter if name == "percentile" else parameter


_from_number = _to_number
