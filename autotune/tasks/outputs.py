"""Which of a model's outputs a metric looks at, and in which shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotune.errors import UserError, suggest

Array = NDArray[Any]
Scores = NDArray[np.float64]


def pick(outputs: Mapping[str, Array], name: str | None, metric: str) -> Array:
    """Return the output called ``name``, or the only one.

    Raises:
        UserError: no such output, or several and none named.
    """
    if name is not None:
        if name not in outputs:
            raise UserError(f"metric: the model has no output '{name}'. {suggest(name, outputs)}")
        return outputs[name]
    if len(outputs) > 1:
        raise UserError(
            f"metric: the model has {len(outputs)} outputs ({', '.join(outputs)}); name the one to score: "
            f"'metric: {{name: {metric}, output: {next(iter(outputs))}}}'."
        )
    return next(iter(outputs.values()))


def one_value(output: Array, metric: str) -> Scores:
    """Return shape (n,) of an output with one value per sample.

    Raises:
        UserError: it has several.
    """
    if output.size != len(output):
        raise UserError(f"metric: {metric} needs one value per sample; the output's shape is {list(output.shape)}.")
    return output.reshape(-1).astype(np.float64)


def predicted(output: Array, labels: Array, metric: str) -> Array:
    """Return the predicted classes, int64, in the shape of ``labels``.

    The class axis is the one whose removal gives the labels' shape: axis 1 (images: n, classes, ...) or the last
    (texts: n, ..., classes). An integer output in the labels' shape, or with one value per sample, is classes already.

    Raises:
        UserError: the shapes do not fit, or a label is beyond the number of classes.
    """
    if output.dtype.kind in "iu" and output.size == labels.size:
        return output.reshape(labels.shape).astype(np.int64)
    if output.ndim == 2 and output.shape[1] == 1 and labels.ndim == 1:
        raise UserError(
            f"metric: {metric} cannot tell classes from one number per sample (output {list(output.shape)}); use auc, "
            "or your own FILE.py:function."
        )
    for axis in (1, output.ndim - 1):
        if output.ndim > 1 and output.shape[:axis] + output.shape[axis + 1 :] == labels.shape:
            highest = int(labels.max(initial=0))
            if highest >= output.shape[axis]:
                raise UserError(
                    f"metric: a label is {highest}, but the output has {output.shape[axis]} classes (0 first)."
                )
            classes: Array = output.argmax(axis=axis).astype(np.int64)
            return classes
    raise UserError(
        f"metric: {metric} needs scores of classes for labels of shape {list(labels.shape)}; the output's shape is "
        f"{list(output.shape)}."
    )
