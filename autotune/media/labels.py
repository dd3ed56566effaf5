"""The classes of images and recordings: by name, or by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autotune.data import Array
from autotune.errors import UserError
from autotune.text.labels import numbers


def class_numbers(cells: Sequence[Any], names: Sequence[str], given: bool, where: str) -> Array:
    """Return class numbers, int64 shape (n,).

    Args:
        names: of the model's classes, in order; empty where nobody names them.
        given: whether the recipe names them, and not the model.

    Raises:
        UserError: a label is none of the names; or there are no names and a label is no whole number.
    """
    if names:
        return numbers(cells, names, where, "task.labels" if given else "id2label of the model's config.json")
    texts = [str(cell) for cell in cells]
    odd = next((text for text in texts if not text.isdecimal()), None)
    if odd is not None:
        raise UserError(
            f"{where}: the label '{odd}' is a name, and the model has numbers; say which is which with 'labels: "
            "[NAME, ...]' in the task, in the order of the model's outputs."
        )
    return np.array([int(text) for text in texts], dtype=np.int64)
