"""What a model is for, where that decides how samples become its inputs: texts, images, recordings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import BeforeValidator, SerializerFunctionWrapHandler, model_serializer, model_validator

from autotune.recipe.fields import Frozen, Text
from autotune.recipe.postprocess import Postprocess
from autotune.recipe.preprocess import KIND_OF, Preprocess
from autotune.recipe.shapes import Buckets, Shapes
from autotune.recipe.values import is_number, problem

TaskName = Literal[
    "text-classification",
    "token-classification",
    "question-answering",
    "fill-mask",
    "text-generation",
    "feature-extraction",
    "sentence-similarity",
    "image-classification",
    "audio-classification",
    "semantic-segmentation",
    "detection",
]
_EMBEDDING = ("feature-extraction", "sentence-similarity")
# What a sample is, of the tasks whose samples are files.
MEDIA: Mapping[TaskName, Literal["image", "audio"]] = {
    "image-classification": "image",
    "audio-classification": "audio",
    "semantic-segmentation": "image",
    "detection": "image",
}
_METRICS = {
    "text-classification": "accuracy",
    "token-classification": "token-accuracy",
    "question-answering": "answer-f1",
    "fill-mask": "perplexity",
    "text-generation": "perplexity",
    "feature-extraction": "cosine-to-float",
    "sentence-similarity": "spearman",
    "image-classification": "accuracy",
    "audio-classification": "accuracy",
    "semantic-segmentation": "mean-iou",
    "detection": "map",
}
# Metrics of tasks that cannot exceed 1.
SHARES = frozenset(
    {"token-accuracy", "answer-f1", "answer-exact", "mean-iou", "character-accuracy", "mark-f1", "map", "map-50"}
)


def _names(raw: object) -> object:
    """YAML reads a class called 3 as a number; a name is a text."""
    if not isinstance(raw, list):
        return raw
    return tuple(str(name) if is_number(name) else name for name in raw)


class TaskSpec(Frozen):
    """The task's name, and what else decides the model's inputs and the end of its graph.

    Attributes:
        name: what the model is for; alone it may stand for the whole: ``task: fill-mask``.
        pooling: how token vectors become the text's: their mean, or the first token's.
        normalize: whether that vector is given length 1; both are inside the graph.
        length: tokens per text; None for the least that holds 95 % of the data's texts whole.
        too_long: what is done with longer texts: ``cut`` them (and say how many), or ``refuse`` them (and then the
            length, if it is not given, is that of the longest).
        shapes: of texts: ``static`` (all have one length), ``dynamic`` (each has its own) or ``{buckets: ...}``, some
            lengths that texts are padded to: how many, chosen from the data's, or a list of them.
        preprocess: of images and recordings; a transformers folder has a processor that says the same.
        postprocess: of detection: how boxes are read from the outputs; transformers folders have all the same.
        labels: names of the classes of images and recordings, in the order of the model's outputs; None for those of a
            transformers folder, or for labels that are numbers.
    """

    name: TaskName
    pooling: Literal["mean", "cls"] = "mean"
    normalize: bool = True
    length: Annotated[int, Ge(4)] | None = None
    too_long: Literal["cut", "refuse"] = "cut"
    shapes: Shapes = "static"
    preprocess: Preprocess | None = None
    postprocess: Postprocess | None = None
    labels: Annotated[tuple[Text, ...], BeforeValidator(_names)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, raw: object) -> object:
        return {"name": raw} if isinstance(raw, str) else raw

    @model_validator(mode="after")
    def _only_where_used(self) -> TaskSpec:
        for key in ("pooling", "normalize"):
            if key in self.model_fields_set and self.name not in _EMBEDDING:
                raise problem(f"is for {' and '.join(_EMBEDDING)}; {self.name} has no such end", key)
        for key in ("length", "too_long", "shapes"):
            if key in self.model_fields_set and self.name in MEDIA:
                raise problem(f"is for texts; {self.name} has none", key)
        if self.length is not None and isinstance(self.shapes, Buckets) and self.shapes.lengths:
            raise problem("is the longest of the buckets, which are given; remove one of both", "length")
        for key in ("preprocess", "labels"):
            if key in self.model_fields_set and self.name not in MEDIA:
                raise problem(f"is for {', '.join(MEDIA)}; {self.name} has no such samples", key)
        if self.postprocess is not None and self.name != "detection":
            raise problem(f"is for detection; {self.name} finds no boxes", "postprocess")
        self._check_preprocess()
        return self

    def _check_preprocess(self) -> None:
        """Whether the keys are those of images or of recordings, and none is missing."""
        if self.preprocess is None:
            return
        kind, given = MEDIA[self.name], self.preprocess.model_fields_set
        for key in given:
            if KIND_OF.get(key, kind) != kind:
                raise problem(f"is not for {self.name}", "preprocess", key)
        if kind == "image" and "size" not in given:
            raise problem("is missing; write the height and width of the model's input", "preprocess", "size")
        for key in ("resize", "crop") if self.name == "detection" else ():
            if getattr(self.preprocess, key) not in ("stretch", "contain", 1):
                raise problem("would cut boxes off; detection takes whole images", "preprocess", key)
        if "rate" in given and "seconds" not in given:
            raise problem("is missing; write the length of the model's input", "preprocess", "seconds")

    @model_serializer(mode="wrap")
    def _shortest(self, handler: SerializerFunctionWrapHandler) -> Any:
        written = handler(self)
        return self.name if set(written) == {"name"} else written


def default_metric(task: object) -> str | None:
    """Return the name of the metric that a task, as written in a recipe, is judged by unless another is named."""
    name = task.get("name") if isinstance(task, Mapping) else task
    return _METRICS.get(name) if isinstance(name, str) else None
