"""Masked language modelling: some tokens are hidden, and the model says what they were."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from autotune.data import Array
from autotune.errors import UserError
from autotune.text.model import TextModel
from autotune.text.table import Table
from autotune.text.tagging import IGNORED

# Of the tokens that are not special; as BERT was trained (Devlin et al., 2019), except that all of them are masked.
SHARE = 0.15


class FillMask:
    """Logits of the vocabulary per token; labels are the hidden tokens, and need no column."""

    auto = "AutoModelForMaskedLM"
    head = "ForMaskedLM"
    outputs = ("logits",)
    needs = ("text",)
    members = 1

    def texts(self, table: Table) -> dict[str, Any]:
        """The text."""
        return {"text": table.texts("text")}

    def finish(
        self, batch: Any, inputs: Mapping[str, Array], table: Table, tokenizer: Any, model: TextModel
    ) -> tuple[Mapping[str, Array], Array | None]:
        """Hide at least one token of every text, chosen by the text's content; labels int64 (n, tokens).

        Raises:
            UserError: the tokenizer has no mask token, or a text has no token to hide.
        """
        if tokenizer.mask_token_id is None:
            raise UserError(f"model: the tokenizer of {model.path} has no mask token; it is not one for fill-mask.")
        ids = inputs["input_ids"].copy()
        special = np.isin(ids, tokenizer.all_special_ids)
        labels = np.full(ids.shape, IGNORED, dtype=np.int64)
        for row in range(len(ids)):
            eligible = np.flatnonzero(~special[row])
            if not len(eligible):
                raise UserError(f"{table.where}: the text of row {row} (0 first) has no token to hide; drop it.")
            seed = int.from_bytes(hashlib.sha256(ids[row].tobytes()).digest()[:8], "little")
            count = max(1, round(SHARE * len(eligible)))
            hidden = np.random.default_rng(seed).choice(eligible, count, replace=False)
            labels[row, hidden] = ids[row, hidden]
            ids[row, hidden] = tokenizer.mask_token_id
        return {**inputs, "input_ids": ids}, labels
