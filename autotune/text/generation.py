"""Causal language modelling: each token of a text is foretold from those before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autotune.data import Array
from autotune.errors import UserError
from autotune.text.model import TextModel
from autotune.text.table import Table
from autotune.text.tagging import IGNORED


class TextGeneration:
    """Logits of the vocabulary per token, of whole texts at once and without a cache; labels need no column."""

    auto = "AutoModelForCausalLM"
    head = "ForCausalLM"
    outputs = ("logits",)
    needs = ("text",)
    members = 1

    def texts(self, table: Table) -> dict[str, Any]:
        """The text, padded behind: no token looks there, and positions count from the first token on."""
        return {"text": table.texts("text"), "padding_side": "right"}

    def finish(
        self, batch: Any, inputs: Mapping[str, Array], table: Table, tokenizer: Any, model: TextModel
    ) -> tuple[Mapping[str, Array], Array | None]:
        """Labels int64 (n, tokens): the token that comes next, ``IGNORED`` where none does.

        Raises:
            UserError: a text has only one token.
        """
        ids, mask = inputs["input_ids"], np.asarray(batch["attention_mask"])
        labels = np.full(ids.shape, IGNORED, dtype=np.int64)
        labels[:, :-1] = np.where(mask[:, 1:] == 1, ids[:, 1:], IGNORED)
        alone = np.flatnonzero((labels < 0).all(axis=1))
        if len(alone):
            raise UserError(
                f"{table.where}: the text of row {int(alone[0])} (0 first) has no second token to foretell; drop it."
            )
        return inputs, labels
