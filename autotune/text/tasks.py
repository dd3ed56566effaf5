"""The tasks of transformers folders, by name: one file each, and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from autotune.data import Array
from autotune.recipe import TaskName
from autotune.text.answering import QuestionAnswering
from autotune.text.classification import TextClassification
from autotune.text.embedding import FeatureExtraction, SentenceSimilarity
from autotune.text.generation import TextGeneration
from autotune.text.masking import FillMask
from autotune.text.model import TextModel
from autotune.text.table import Table
from autotune.text.tagging import TokenClassification


class RowTask(Protocol):
    """What is known of a task whose rows become samples.

    Attributes:
        auto: the class of transformers that loads the model with its head.
        head: how the names of classes with this head end; empty where any model will do.
        outputs: the model's outputs, as transformers names them.
        needs: the roles of the columns that a table must have.
        members: of a sample: how many times the model runs for it.
    """

    @property
    def auto(self) -> str: ...
    @property
    def head(self) -> str: ...
    @property
    def outputs(self) -> tuple[str, ...]: ...
    @property
    def needs(self) -> tuple[str, ...]: ...
    @property
    def members(self) -> int: ...


class TextTask(RowTask, Protocol):
    """How rows of text become samples."""

    def texts(self, table: Table) -> dict[str, Any]:
        """Return what the tokenizer is called with: ``text``, perhaps ``text_pair``; members one after the other."""

    def finish(
        self, batch: Any, inputs: Mapping[str, Array], table: Table, tokenizer: Any, model: TextModel
    ) -> tuple[Mapping[str, Array], Array | None]:
        """Return the inputs as they are fed and the labels.

        Args:
            batch: what the tokenizer returned for this table.
            inputs: its arrays, int64, shape (texts, tokens).
        """


TASKS: Mapping[TaskName, TextTask] = {
    "feature-extraction": FeatureExtraction(),
    "fill-mask": FillMask(),
    "question-answering": QuestionAnswering(),
    "sentence-similarity": SentenceSimilarity(),
    "text-classification": TextClassification(),
    "text-generation": TextGeneration(),
    "token-classification": TokenClassification(),
}
