"""Quantisation-aware training: what a recipe says of it, and what came of it."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

from autotune.recipe.fields import Duration, Frozen, Sha256, Text
from autotune.recipe.sources import DataSource

LossName = Literal["distillation", "labels", "both"]


class TrainingSpec(Frozen):
    """The last rung of the ladder: training, where no static int8 model is good enough.

    It starts from operators, granularities and ranges of the best static one, without graph forms other than smoothing
    and kernels, and corrects biases anew: a run says what it leaves out.

    Attributes:
        data: samples to train on, as for ``data``; what the search is judged on is left out.
        loss: what is made smaller: the difference to the float's outputs (``distillation``, which needs no labels), the
            difference to the labels (``labels``: cross-entropy of classes, squared difference of other values), or the
            sum of the two (``both``).
        steps: of training, at most.
        time: that training may take, with the measuring of what it makes; the run's timeout holds besides.
        learning_rate: at the first step, as a share of each tensor's root mean square; it falls to 0.
        batch: samples per step.
    """

    data: DataSource
    loss: LossName = "distillation"
    steps: Annotated[int, Ge(1)] = 500
    time: Duration | None = None
    learning_rate: Annotated[float, Gt(0), Le(1)] = 1e-3
    batch: Annotated[int, Ge(1)] = 32


class Trained(Frozen):
    """What training left, in a solved recipe.

    Attributes:
        path: of the model (.xml), relative to the recipe's folder.
        sha256: of its files.
        steps: that it was trained.
    """

    path: Text
    sha256: Sha256
    steps: Annotated[int, Ge(1)]
