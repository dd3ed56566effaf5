"""Token classification: a class per word, asked of the word's first token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autotune.data import Array
from autotune.errors import UserError
from autotune.text.labels import numbers
from autotune.text.model import TextModel
from autotune.text.table import Table

# The label of tokens that are not asked: padding, special ones, all but a word's first. PyTorch's own.
IGNORED = -100


class TokenClassification:
    """Logits of classes per token; ``text`` are a text's words, ``label`` their classes."""

    auto = "AutoModelForTokenClassification"
    head = "ForTokenClassification"
    outputs = ("logits",)
    needs = ("text",)
    members = 1

    def texts(self, table: Table) -> dict[str, Any]:
        """The words."""
        return {"text": [[str(w) for w in words] for words in table.lists("text")], "is_split_into_words": True}

    def finish(
        self, batch: Any, inputs: Mapping[str, Array], table: Table, tokenizer: Any, model: TextModel
    ) -> tuple[Mapping[str, Array], Array | None]:
        """Labels int64 (n, tokens), ``IGNORED`` where nothing is asked.

        Raises:
            UserError: a row has not one label per word, or the model has no such label.
        """
        if not table.has("label"):
            return inputs, None
        words, labels = table.lists("text"), table.lists("label")
        for row, (some, others) in enumerate(zip(words, labels, strict=True)):
            if len(some) != len(others):
                raise UserError(
                    f"{table.where}: row {row} (0 first) has {len(some)} words and {len(others)} labels; every word "
                    "needs one."
                )
        flat = numbers([label for row in labels for label in row], model.labels, table.where)
        starts = np.cumsum([0, *map(len, labels)])
        result = np.full(next(iter(inputs.values())).shape, IGNORED, dtype=np.int64)
        for row in range(len(table)):
            before = None
            for position, word in enumerate(batch.word_ids(row)):
                if word is not None and word != before:
                    result[row, position] = flat[starts[row] + word]
                before = word
        return inputs, result
