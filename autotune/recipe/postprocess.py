"""How the boxes that a detector found are read from its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BeforeValidator, model_validator

from autotune.recipe.fields import Frozen, Text
from autotune.recipe.values import is_number, problem

BoxFormat = Literal["xyxy", "yxyx", "xywh", "cxcywh"]
# Of heads whose boxes are not yet thinned out.
_RAW_NMS = 0.5
_RAW = ("scores", "yolo", "distances")


def _many(raw: object) -> object:
    if isinstance(raw, str) or is_number(raw):
        return (raw,)
    return tuple(raw) if isinstance(raw, list) else raw


_Outputs = Annotated[tuple[Text, ...], BeforeValidator(_many)]


class Postprocess(Frozen):
    """What a detector's outputs hold; A is the number of boxes or cells, C that of classes.

    Attributes:
        head: ``rows``: one output [1, A, 6], a row per box: four numbers, score, class (without the class: [1, A, 5],
            one class). ``lists``: outputs of boxes [1, A, 4], scores [1, A] and classes [1, A]. ``scores``: outputs of
            boxes [1, A, 4] and of scores of each class [1, A, C], as SSD and DETR have. ``yolo``: one output
            [1, A, 4 + C] or, with a score of there being an object, [1, A, 5 + C], or its transpose. ``distances``: for
            each stride an output of scores [1, cells, C] and one of the distances from a cell's centre to the left,
            top, right and bottom of the box, in strides, each a number or the logits of a distribution over 0, 1, 2
            ..., as FCOS, NanoDet and PicoDet have.
        boxes: the output that holds the boxes (``distances``: of each stride); not needed where there is one output.
        scores: the output of scores (``distances``: of each stride).
        classes: of ``lists``: the output of class numbers.
        format: what a box's four numbers are, where c is the middle; xyxy if not given, of ``yolo`` cxcywh.
        units: of boxes: pixels of the model's input, or its share from 0 to 1.
        strides: pixels per cell of each level; of ``distances``, and of ``yolo`` where boxes are still relative to
            cells, as YOLOX has them.
        logits: whether scores still need the sigmoid; the softmax where one of them is the background's.
        background: which score, or class number, is that of no object; if not given, the last where there is one score
            more than classes. ``first`` also says that class numbers start from 1.
        nms: of two boxes of a class whose intersection is more than this share of their union, the one of the lower
            score goes; 1 for none. If not given: 0.5, and none for ``rows`` and ``lists``, which come thinned out.
        min_score: boxes below this score are not looked at.
        most: boxes per image, the best ones; 100 as COCO has it.
    """

    head: Literal["rows", "lists", "scores", "yolo", "distances"]
    boxes: _Outputs = ()
    scores: _Outputs = ()
    classes: Text | None = None
    format: BoxFormat | None = None
    units: Literal["pixels", "share"] = "pixels"
    strides: Annotated[tuple[Annotated[int, Ge(1)], ...], BeforeValidator(_many)] = ()
    logits: bool = False
    background: Literal["first", "last"] | None = None
    nms: Annotated[float, Gt(0), Le(1)] | None = None
    min_score: Annotated[float, Ge(0), Lt(1)] = 0.01
    most: Annotated[int, Ge(1), Le(1000)] = 100

    @model_validator(mode="after")
    def _fits(self) -> Postprocess:
        if self.head == "distances" and not self.strides:
            raise problem("is missing; write the pixels per cell of each level, such as [8, 16, 32]", "strides")
        if self.strides and self.head not in ("distances", "yolo"):
            raise problem(f"is for distances and yolo; boxes of {self.head} do not belong to cells", "strides")
        if self.head == "distances" and self.format is not None:
            raise problem("is not for distances, which are no boxes yet", "format")
        if self.classes is not None and self.head != "lists":
            raise problem(f"is for lists; {self.head} has no output of class numbers", "classes")
        wanted = {"rows": (1, 0), "yolo": (1, 0), "lists": (1, 1), "scores": (1, 1)}.get(
            self.head, (len(self.strides), len(self.strides))
        )
        for key, count in zip(("boxes", "scores"), wanted, strict=True):
            given = len(getattr(self, key))
            may_be_missing = key == "boxes" and self.head in ("rows", "yolo")
            if given != count and not (may_be_missing and given == 0):
                raise problem(f"names {given} outputs; {self.head} needs {count}", key)
        if self.head == "lists" and self.classes is None:
            raise problem("is missing; name the output of class numbers", "classes")
        return self

    @property
    def overlap(self) -> float:
        """Share from which a box of the same class goes; 1 for none."""
        return self.nms if self.nms is not None else (_RAW_NMS if self.head in _RAW else 1.0)

    @property
    def order(self) -> BoxFormat:
        """What a box's four numbers are."""
        return self.format or ("cxcywh" if self.head == "yolo" else "xyxy")


@dataclass(frozen=True)
class Reading:
    """All that is needed to read boxes: what the recipe says, and what is known of the model.

    Attributes:
        classes: how many.
        size: (height, width) of the model's input in pixels.
    """

    how: Postprocess
    classes: int
    size: tuple[int, int]


# What the outputs of transformers' detectors hold: DETR and its kin.
OF_FOLDERS = Postprocess(
    head="scores", boxes=("pred_boxes",), scores=("logits",), format="cxcywh", units="share", logits=True, nms=1.0
)
