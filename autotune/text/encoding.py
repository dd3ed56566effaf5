"""Tables to data sets: tokenised once, all texts with the same number of tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autotune.data import Dataset
from autotune.recipe import TaskSpec
from autotune.text.lengths import choose_length
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
    lengths = [_lengths(tokenizer, texts) for texts in asked.values()]
    length = choose_length(np.concatenate(lengths), spec, model.limit(tokenizer))
    announce(length.sentence)
    dropped = False
    datasets = {}
    for name, table in tables.items():
        how = {"truncation": True, **asked[name]}
        batch = tokenizer(**how, padding="max_length", max_length=length.tokens, return_tensors="np")
        inputs = {key: np.asarray(batch[key], dtype=np.int64) for key in tokenizer.model_input_names if key in batch}
        if TOKEN_TYPES in inputs and not model.takes_token_types:
            dropped = True
            del inputs[TOKEN_TYPES]
        inputs, labels = task.finish(batch, inputs, table, tokenizer, model)  # type: ignore[assignment]
        groups = np.asarray(table.cells("group")) if table.has("group") else None
        datasets[name] = Dataset(inputs, labels, groups, members=task.members)
    if dropped:
        announce(f"The model has no token types: the tokenizer's {TOKEN_TYPES} are left out.")
    return datasets


def _lengths(tokenizer: Any, texts: Mapping[str, Any]) -> Any:
    whole = {key: value for key, value in texts.items() if key != "truncation"}
    ids = tokenizer(**whole, add_special_tokens=True, truncation=False, verbose=False)["input_ids"]
    return np.array([len(one) for one in ids], dtype=np.int64)
