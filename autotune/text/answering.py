"""Question answering: where in a text the answer to a question begins and ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autotune.data import Array
from autotune.errors import UserError
from autotune.text.model import TextModel
from autotune.text.table import Table


class QuestionAnswering:
    """Logits of the first and the last token; ``text`` asks, ``text_pair`` is read, ``label`` is a piece of it."""

    auto = "AutoModelForQuestionAnswering"
    head = "ForQuestionAnswering"
    outputs = ("start_logits", "end_logits")
    needs = ("text", "text_pair")
    members = 1

    def texts(self, table: Table) -> dict[str, Any]:
        """Question and text; only the text may be cut."""
        return {"text": table.texts("text"), "text_pair": table.texts("text_pair"), "truncation": "only_second"}

    def finish(
        self, batch: Any, inputs: Mapping[str, Array], table: Table, tokenizer: Any, model: TextModel
    ) -> tuple[Mapping[str, Array], Array | None]:
        """Labels int64 (n, 2 + tokens): first and last token of the answer, then 1 where an answer may lie.

        The answer is where it first occurs in the text. One that was cut off is (-1, -1): nothing that the model says
        is right, float or not.

        Raises:
            UserError: an answer does not occur in its text.
        """
        if not table.has("label"):
            return inputs, None
        contexts, answers = table.texts("text_pair"), table.texts("label")
        tokens = next(iter(inputs.values())).shape[1]
        labels = np.zeros((len(table), 2 + tokens), dtype=np.int64)
        for row, (context, answer) in enumerate(zip(contexts, answers, strict=True)):
            begin = context.find(answer)
            if begin < 0 or not answer.strip():
                raise UserError(
                    f"{table.where}: the answer of row {row} (0 first), {answer[:40]!r}, does not occur in its text."
                )
            first, last = (batch.char_to_token(row, at, 1) for at in (begin, begin + len(answer) - 1))
            labels[row, :2] = (-1, -1) if first is None or last is None else (first, last)
            labels[row, 2:] = [part == 1 for part in batch.sequence_ids(row)]
        return inputs, labels
