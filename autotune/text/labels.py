"""Labels as a table writes them to the numbers of the model's classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autotune.data import Array
from autotune.errors import UserError


def numbers(
    labels: Sequence[Any], names: Sequence[str], where: str, named_in: str = "id2label of the model's config.json"
) -> Array:
    """Return class numbers, int64 shape (n,), of names or numbers.

    Args:
        labels: text that is the name of a class (upper and lower case as the model has it), or whole numbers.
        names: of the model's classes, in order.
        named_in: where these stand.

    Raises:
        UserError: a label is not one of the model's; names both.
    """
    if (several := next((label for label in labels if isinstance(label, list | tuple | np.ndarray)), None)) is not None:
        raise UserError(
            f"{where}: a label is {str(list(several))[:60]}, and this task asks for one class; where several may be "
            "right at once, tune a model file on arrays with a FILE.py:function as metric."
        )
    known = {name: number for number, name in enumerate(names)}
    for number in range(len(names)):
        known.setdefault(str(number), number)
    found = [known.get(_text(label), -1) for label in labels]
    if -1 in found:
        unknown = sorted({_text(label) for label, number in zip(labels, found, strict=True) if number < 0})
        raise UserError(
            f"{where}: the labels {_listed(unknown)} are not among the model's ({_listed(names)}); rename them in the "
            f"data, or in {named_in}."
        )
    return np.array(found, dtype=np.int64)


def _text(label: Any) -> str:
    """Numbers that a table holds as 3.0, because others are missing, are 3."""
    return str(int(label)) if isinstance(label, float | np.floating) and label == int(label) else str(label)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown
