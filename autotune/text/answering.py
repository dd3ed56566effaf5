"""Question answering: where in a text the answer to a question begins and ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autotune.data import Array
from autotune.data.answers import Reading, to_labels
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
        """Labels as ``answers.to_labels`` makes them of the text that the model sees and the right answers.

        A label is an answer, a list of answers of which any is right, or a mapping with such a list as ``text``, as
        data sets have them. An answer that was cut off counts: float misses it as well.

        Raises:
            UserError: a row has no answer, or one that does not occur in its text.
        """
        if not table.has("label"):
            return inputs, None
        readings = []
        for row, (context, cell) in enumerate(zip(table.texts("text_pair"), table.cells("label"), strict=True)):
            answers = _answers(cell)
            if answers is None:
                raise table.odd("label", row, "an answer, or a list of them", cell)
            for answer in answers:
                if answer not in context or not answer.strip():
                    raise UserError(
                        f"{table.where}: the answer of row {row} (0 first), {answer[:40]!r}, does not occur in its "
                        "text."
                    )
            allowed = [part == 1 for part in batch.sequence_ids(row)]
            begins, ends = zip(
                *(place if may else (-1, -1) for place, may in zip(batch.encodings[row].offsets, allowed, strict=True)),
                strict=True,
            )
            readings.append(Reading(context[: max(0, *ends)], begins, ends, tuple(answers)))
        return inputs, to_labels(readings)


def _answers(cell: object) -> list[str] | None:
    """Return the answers of a cell; None if it holds something else, or none."""
    found = cell.get("text") if isinstance(cell, Mapping) else cell
    listed = [found] if isinstance(found, str) else found
    if not isinstance(listed, list | tuple | np.ndarray) or len(listed) == 0:
        return None
    return list(listed) if all(isinstance(answer, str) for answer in listed) else None
