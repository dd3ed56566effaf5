"""Tables to data sets: tokenised once, all texts with the same number of tokens, their own, or that of a bucket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autotune.counts import counted
from autotune.data import Dataset, Lengths
from autotune.errors import UserError
from autotune.frozen import FrozenMap
from autotune.recipe import TaskSpec
from autotune.text.lengths import Length, choose_length
from autotune.text.model import TextModel
from autotune.text.table import Table
from autotune.text.tasks import TASKS

TOKEN_TYPES = "token_type_ids"


def encode(
    tables: Mapping[str, Table], spec: TaskSpec, model: TextModel, trust_code: bool, announce: Callable[[str], None]
) -> dict[str, Dataset]:
    """Return a data set per table; the length is chosen from the texts of all of them.

    Args:
        trust_code: whether Python code in the model's folder may run.
        announce: told the length, and what is left out.

    Raises:
        UserError: there is no tokenizer, a text is too long, or labels do not fit the model.
    """
    task = TASKS[spec.name]
    tokenizer = model.tokenizer(trust_code)
    asked = {name: task.texts(table) for name, table in tables.items()}
    lengths = {name: _lengths(tokenizer, texts) for name, texts in asked.items()}
    length = choose_length(np.concatenate(list(lengths.values())), spec, model.limit(tokenizer))
    announce(length.sentence)
    dropped = False
    datasets = {}
    for name, table in tables.items():
        _check_room(tokenizer, asked[name], lengths[name], length.tokens, name)
        # What is cut off of a longer array must be padding.
        how = {"truncation": True, **({} if spec.shapes == "static" else {"padding_side": "right"}), **asked[name]}
        batch = tokenizer(**how, padding="max_length", max_length=length.tokens, return_tensors="np")
        inputs = {key: np.asarray(batch[key], dtype=np.int64) for key in tokenizer.model_input_names if key in batch}
        if TOKEN_TYPES in inputs and not model.takes_token_types:
            dropped = True
            del inputs[TOKEN_TYPES]
        inputs, labels = task.finish(batch, inputs, table, tokenizer, model)  # type: ignore[assignment]
        groups = np.asarray(table.cells("group")) if table.has("group") else None
        runs = _runs(length, lengths[name], tokenizer, task.members)
        datasets[name] = Dataset(inputs, labels, groups, members=task.members, lengths=runs)
    if dropped:
        announce(f"The model has no token types: the tokenizer's {TOKEN_TYPES} are left out.")
    return datasets


def _lengths(tokenizer: Any, texts: Mapping[str, Any]) -> NDArray[np.int64]:
    whole = {key: value for key, value in texts.items() if key != "truncation"}
    ids = tokenizer(**whole, add_special_tokens=True, truncation=False, verbose=False)["input_ids"]
    return np.array([len(one) for one in ids], dtype=np.int64)


def _check_room(tokenizer: Any, texts: Mapping[str, Any], lengths: NDArray[np.int64], tokens: int, where: str) -> None:
    """Raise UserError for the first pair of which only the second may be cut, and the first alone is too long."""
    if texts.get("truncation") != "only_second":
        return
    room = tokens - tokenizer.num_special_tokens_to_add(pair=True)
    for row in np.flatnonzero(lengths > tokens):
        alone = len(tokenizer(texts["text"][row], add_special_tokens=False, verbose=False)["input_ids"])
        if alone >= room:
            raise UserError(
                f"{where}: the question of row {row} (0 first) has {counted(alone, 'token')}, which leaves none of "
                f"{tokens} for its text; shorten or drop it, or ask for a greater length in the task."
            )


def _runs(length: Length, lengths: NDArray[np.int64], tokenizer: Any, members: int) -> Lengths | None:
    runs = length.of(lengths)
    if runs is None:
        return None
    padding = {"input_ids": int(tokenizer.pad_token_id), TOKEN_TYPES: int(tokenizer.pad_token_type_id)}
    return Lengths(runs if members == 1 else runs.reshape(-1, members), length.most, length.buckets, FrozenMap(padding))
