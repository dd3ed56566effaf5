"""What a model is for, where that decides how samples become its inputs: the tasks of transformers folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from autotune.recipe.fields import Frozen
from autotune.recipe.values import problem

TaskName = Literal[
    "text-classification",
    "token-classification",
    "question-answering",
    "fill-mask",
    "text-generation",
    "feature-extraction",
    "sentence-similarity",
]
_EMBEDDING = ("feature-extraction", "sentence-similarity")
_METRICS = {
    "text-classification": "accuracy",
    "token-classification": "token-accuracy",
    "question-answering": "answer-f1",
    "fill-mask": "perplexity",
    "text-generation": "perplexity",
    "feature-extraction": "cosine-to-float",
    "sentence-similarity": "spearman",
}
# Metrics of tasks that cannot exceed 1.
SHARES = frozenset({"token-accuracy", "answer-f1", "answer-exact"})


class TaskSpec(Frozen):
    """The task's name, and what else decides the model's inputs and the end of its graph.

    Attributes:
        name: what the model is for; alone it may stand for the whole: ``task: fill-mask``.
        pooling: how token vectors become the text's: their mean, or the first token's.
        normalize: whether that vector is given length 1; both are inside the graph.
        length: tokens per text; None for the least that holds 95 % of the data's texts whole.
        too_long: what is done with longer texts: ``cut`` them (and say how many), or ``refuse`` them (and then the
            length, if it is not given, is that of the longest).
    """

    name: TaskName
    pooling: Literal["mean", "cls"] = "mean"
    normalize: bool = True
    length: Annotated[int, Ge(4)] | None = None
    too_long: Literal["cut", "refuse"] = "cut"

    @model_validator(mode="before")
    @classmethod
    def _short(cls, raw: object) -> object:
        return {"name": raw} if isinstance(raw, str) else raw

    @model_validator(mode="after")
    def _only_where_used(self) -> TaskSpec:
        for key in ("pooling", "normalize"):
            if key in self.model_fields_set and self.name not in _EMBEDDING:
                raise problem(f"is for {' and '.join(_EMBEDDING)}; {self.name} has no such end", key)
        return self

    @model_serializer(mode="wrap")
    def _shortest(self, handler: SerializerFunctionWrapHandler) -> Any:
        written = handler(self)
        return self.name if set(written) == {"name"} else written


def default_metric(task: object) -> str | None:
    """Return the name of the metric that a task, as written in a recipe, is judged by unless another is named."""
    name = task.get("name") if isinstance(task, Mapping) else task
    return _METRICS.get(name) if isinstance(name, str) else None
