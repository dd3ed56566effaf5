"""Text to a vector: alone, or in pairs whose similarity is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autotune.data import Array
from autotune.text.model import TextModel
from autotune.text.table import Table


class FeatureExtraction:
    """One vector per text, pooled inside the graph; labels are for a metric of the user's own."""

    auto = "AutoModel"
    head = ""
    outputs = ("sentence_embedding",)
    needs: tuple[str, ...] = ("text",)
    members = 1

    def texts(self, table: Table) -> dict[str, Any]:
        """The text."""
        return {"text": table.texts("text")}

    def finish(
        self, batch: Any, inputs: Mapping[str, Array], table: Table, tokenizer: Any, model: TextModel
    ) -> tuple[Mapping[str, Array], Array | None]:
        """Labels as the table has them, (n,)."""
        return inputs, np.asarray(table.cells("label")) if table.has("label") else None


class SentenceSimilarity(FeatureExtraction):
    """Two vectors per sample, of ``text`` and ``text_pair``; the label is how similar these are."""

    needs = ("text", "text_pair")
    members = 2

    def texts(self, table: Table) -> dict[str, Any]:
        """Both, in turn."""
        pairs = zip(table.texts("text"), table.texts("text_pair"), strict=True)
        return {"text": [text for pair in pairs for text in pair]}

    def finish(
        self, batch: Any, inputs: Mapping[str, Array], table: Table, tokenizer: Any, model: TextModel
    ) -> tuple[Mapping[str, Array], Array | None]:
        """Inputs (n, 2, tokens), labels f64 (n,)."""
        paired = {name: values.reshape(-1, 2, values.shape[1]) for name, values in inputs.items()}
        labels = table.numbers("label") if table.has("label") else None
        if labels is not None and bool((labels == labels.astype(np.int64)).all()):
            labels = labels.astype(np.int64)  # whole numbers may be classes: similar or not
        return paired, labels
