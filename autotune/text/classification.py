"""Text classification: one class per text, or per pair of texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autotune.data import Array
from autotune.text.labels import numbers
from autotune.text.model import TextModel
from autotune.text.table import Table


class TextClassification:
    """Logits of classes; a label is the name or the number of one."""

    auto = "AutoModelForSequenceClassification"
    head = "ForSequenceClassification"
    outputs = ("logits",)
    needs = ("text",)
    members = 1

    def texts(self, table: Table) -> dict[str, Any]:
        """The text, and what it is paired with where there is such a column."""
        return {role: table.texts(role) for role in ("text", "text_pair") if table.has(role)}

    def finish(
        self, batch: Any, inputs: Mapping[str, Array], table: Table, tokenizer: Any, model: TextModel
    ) -> tuple[Mapping[str, Array], Array | None]:
        """Labels int64 (n,)."""
        if not table.has("label"):
            return inputs, None
        if len(model.labels) == 1:  # one output: a number to be predicted, as transformers has it
            return inputs, table.numbers("label")
        return inputs, numbers(table.cells("label"), model.labels, table.where)
