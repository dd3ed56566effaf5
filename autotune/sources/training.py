"""Samples to train on: loaded like the data, without what candidates are judged on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotune.counts import counted
from autotune.data import Dataset, Splits, identities, to_arrays, validate
from autotune.errors import UserError
from autotune.files import replacing
from autotune.recipe import MEDIA
from autotune.sources.datasets import load_source
from autotune.sources.media import load_media
from autotune.sources.texts import load_texts

if TYPE_CHECKING:
    from autotune.recipe import Recipe

_WHERE = "training.data"
# Tasks whose labels are no classes or values of one output.
_OF_SEVERAL_OUTPUTS = ("question-answering", "detection")


def load_training(recipe: Recipe, splits: Splits, trust_code: bool, announce: Callable[[str], None]) -> Dataset:
    """Return the samples of ``training.data``, as runs of the model, with the labels that the loss needs.

    Samples that are in the search or holdout split, or of a group that is, are left out: a model that has seen them
    would be judged too well.

    Raises:
        UserError: they are missing or broken, do not fit the data, have no labels where the loss needs them, or none is
            left.
    """
    assert recipe.training is not None
    loss = recipe.training.loss
    if loss != "distillation" and recipe.task is not None and recipe.task.name in _OF_SEVERAL_OUTPUTS:
        raise UserError(
            f"training.loss: {loss} is of one output, and {recipe.task.name} has several; write loss: distillation."
        )
    if recipe.task is None:
        loaded = load_source(recipe.training.data, recipe.base, trust_code, announce, _WHERE)
    elif recipe.task.name in MEDIA:
        loaded = load_media(recipe, {_WHERE: recipe.training.data}, trust_code, announce)[_WHERE]
    else:
        length = next(iter(splits.search.inputs.values())).shape[-1]  # that of the model, whatever these texts need
        same = recipe.model_copy(update={"task": recipe.task.model_copy(update={"length": length})})
        loaded = load_texts(same, {_WHERE: recipe.training.data}, trust_code, announce)[_WHERE]
    validate(loaded, _WHERE)
    _check_alike(loaded, splits.search)
    if loss != "distillation":
        _check_labels(loaded, loss)
    judged = {digest for part in (splits.search, splits.holdout) for digest in identities(part)}
    groups = {g.item() for part in (splits.search, splits.holdout) if part.groups is not None for g in part.groups}
    own = loaded.groups if loaded.groups is not None and groups else None
    kept = [
        i
        for i, digest in enumerate(identities(loaded))
        if digest not in judged and (own is None or own[i].item() not in groups)
    ]
    if not kept:
        raise UserError(f"{_WHERE}: all {len(loaded)} samples are in the search or holdout split; give others.")
    if len(kept) < len(loaded):
        told = counted(len(loaded) - len(kept), "training sample is", "training samples are")
        announce(f"{told} in the search or holdout split, and left out.")
    taken = loaded.take(kept)
    labels = None if loss == "distillation" else taken.labels
    return Dataset(taken.runs().inputs, labels)


def save_training(samples: Dataset, path: Path) -> None:
    """Write training samples where the process that trains reads them."""
    with replacing(path) as temporary:
        np.savez(temporary, **to_arrays({"training": samples}))  # type: ignore[arg-type]


def _check_alike(loaded: Dataset, like: Dataset) -> None:
    ours = {name: values.shape[1:] for name, values in loaded.inputs.items()}
    theirs = {name: values.shape[1:] for name, values in like.inputs.items()}
    if ours != theirs:
        raise UserError(f"{_WHERE}: has inputs {_told(ours)}, the data have {_told(theirs)}; they must be alike.")


def _check_labels(loaded: Dataset, loss: str) -> None:
    if loaded.labels is None:
        raise UserError(
            f"{_WHERE}: has no labels, and training.loss: {loss} needs them; add them, or write loss: distillation."
        )
    if loaded.members > 1:
        raise UserError(
            f"training.loss: {loss} needs a label per run of the model, and here {loaded.members} runs share one; "
            "write loss: distillation."
        )
    if loaded.labels.dtype.kind not in "iubf":
        raise UserError(f"training.loss: {loss} needs numbers as labels, these are {loaded.labels.dtype}.")


def _told(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"'{name}' {list(shape)}" for name, shape in sorted(shapes.items()))
