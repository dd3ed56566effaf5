"""What the parent and the training process tell each other: frozen, picklable values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotune.configuration import Quantization
from autotune.findings import StartingPoint
from autotune.recipe import LossName


@dataclass(frozen=True)
class TrainingSetup:
    """First request: load the module, quantise it, stand where the checkpoint does. Answered by :class:`Ready`.

    Attributes:
        source: how the module is made, as for ``sources.conversion``.
        quantization: where training starts from.
        start: the OpenVINO candidate of it.
        samples: npz of training samples, as ``data.to_arrays`` makes it of ``{"training": ...}``.
        splits: file written by ``data.save``; what NNCF has to estimate, it estimates from its calibration split.
        checkpoint: file that is continued if it is of the same start.
        results: folder for trained models, ``<digest>.xml``.
        output: of the model, that labels are of; None for the first.
        loss, steps, time, learning_rate, batch: see ``recipe.TrainingSpec``.
        left: seconds that the run has left.
    """

    source: dict[str, Any]
    quantization: Quantization
    start: StartingPoint
    samples: Path
    splits: Path
    checkpoint: Path
    results: Path
    output: str | None
    loss: LossName
    steps: int
    time: float | None
    left: float
    learning_rate: float
    batch: int
    seed: int
    threads: int


@dataclass(frozen=True)
class Ready:
    """The module is quantised.

    Attributes:
        steps: that were trained before, by a run that this one continues.
        seconds: that training may go on.
        remarks: sentences about what is not as in the OpenVINO model.
    """

    steps: int
    seconds: float
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Train:
    """Train until so many ``steps`` are done in all, or for so many seconds. Answered by :class:`Trained`."""

    steps: int
    seconds: float


@dataclass(frozen=True)
class Trained:
    """A model was written.

    Attributes:
        digest: SHA-256 of its files; they are ``<digest>.xml`` and ``.bin``.
        steps: done in all.
        loss: mean over the steps of this round.
    """

    digest: str
    steps: int
    loss: float
