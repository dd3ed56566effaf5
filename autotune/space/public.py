"""What of a recipe's space the public function of NNCF can do."""

from __future__ import annotations

from dataclasses import dataclass

from autotune import recipe
from autotune.errors import UserError

# It has nothing like these.
_UNKNOWN = ("moving-average", "entropy")


@dataclass(frozen=True)
class Narrowed:
    """What is left, and a sentence about what is not; empty if nothing was left out."""

    space: recipe.Space
    note: str


def narrowed(space: recipe.Space) -> Narrowed:
    """Leave out what ``nncf.quantize`` has no parameter for.

    Raises:
        UserError: nothing else is allowed, or single quantisers are set.
    """
    if space.activations.quantizers:
        raise UserError(
            f"{space.where('activations', 'quantizers')}: nncf.quantize cannot set single quantisers; "
            "remove them, or 'candidates: nncf' from strategy."
        )
    listed = space.activations.estimator
    left = tuple(choice for choice in listed if choice.name not in _UNKNOWN)
    missing = [choice.name for choice in listed if choice not in left]
    if not left:
        raise UserError(
            f"{space.where('activations', 'estimator')}: nncf.quantize has no {' or '.join(missing)}; "
            "add another estimator, or remove 'candidates: nncf' from strategy."
        )
    if not missing:
        return Narrowed(space, "")
    note = f"Estimator {' and '.join(missing)} left out: nncf.quantize has none of that kind."
    activations = space.activations.model_copy(update={"estimator": left})
    return Narrowed(space.model_copy(update={"activations": activations}), note)
