"""How an image or a recording becomes a model's input, where the model has no processor of its own to say so."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from pydantic import BeforeValidator, model_validator

from autotune.recipe.fields import Frozen, Text
from autotune.recipe.values import is_number, problem

_IMAGE = ("size", "resize", "around", "place", "crop", "resample", "colour", "layout", "scale", "mean", "std")
_AUDIO = ("rate", "seconds", "shape")
KIND_OF = {**dict.fromkeys(_IMAGE, "image"), **dict.fromkeys(_AUDIO, "audio")}


def _square(raw: object) -> object:
    return (raw, raw) if is_number(raw) else _tuple(raw)


def _several(raw: object) -> object:
    return (raw,) if is_number(raw) else _tuple(raw)


def _tuple(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else raw


_Side = Annotated[int, Ge(1)]
_Channels = Annotated[tuple[float, ...], BeforeValidator(_several)]


class Preprocess(Frozen):
    """Steps in this order. Images: resize, crop, colour, ``(value * scale - mean) / std``, layout.

    Recordings: channels averaged, resampled, cut or padded with zeros at the end.

    Attributes:
        input: the model's input; not needed where ``inputs`` of the recipe has one, or the model is no file.
        size: [height, width] of the input, or one number for both.
        resize: ``stretch`` to the size; ``cover`` it with the proportions kept, and cut the middle out; ``contain``:
            inside it with the proportions kept (a letterbox).
        around: of ``contain``: the grey around the image, from 0, black, to 255.
        place: of ``contain``: where the image lies, in the ``middle`` or in the ``corner`` at the top left.
        crop: of the resized image, the share of each side that is kept (224 of 256 is 0.875); not for ``contain``.
        resample: how values between pixels are computed when an image is resized.
        colour: the channels, in the order in which they are fed.
        layout: of the input: channels before height and width, or after.
        scale: of values from 0 to 255; 1/255 if not given.
        mean, std: one number, or one per channel, in the order in which the channels are fed.
        rate: samples per second that the model takes.
        seconds: length of the input; with a transformers folder, None for what holds 95 % of the recordings whole.
        shape: of the input, where T is time: ``NT``, ``NCT`` or ``NTC`` with one channel.
    """

    input: Text | None = None
    size: Annotated[tuple[_Side, _Side], BeforeValidator(_square)] | None = None
    resize: Literal["stretch", "cover", "contain"] = "stretch"
    around: Annotated[int, Ge(0), Le(255)] = 0
    place: Literal["middle", "corner"] = "middle"
    crop: Annotated[float, Gt(0), Le(1)] = 1.0
    resample: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bilinear"
    colour: Literal["rgb", "bgr", "grey"] = "rgb"
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    scale: float = 1 / 255
    mean: _Channels = (0.0,)
    std: _Channels = (1.0,)
    rate: Annotated[int, Ge(1)] | None = None
    seconds: Annotated[float, Gt(0)] | None = None
    shape: Literal["NT", "NCT", "NTC"] = "NT"

    @model_validator(mode="after")
    def _fits(self) -> Preprocess:
        channels = 1 if self.colour == "grey" else 3
        for key in ("mean", "std"):
            if len(values := getattr(self, key)) not in (1, channels):
                raise problem(f"has {len(values)} numbers; give one, or one for each of {channels} channels", key)
        if 0 in self.std:
            raise problem("must not be 0: values are divided by it", "std")
        if self.resize == "contain" and self.crop != 1:
            raise problem("cuts what 'resize: contain' keeps; remove one of the two", "crop")
        for key in ("around", "place"):
            if key in self.model_fields_set and self.resize != "contain":
                raise problem(f"is for 'resize: contain'; with {self.resize} nothing is around the image", key)
        return self

    @property
    def is_whole(self) -> bool:
        """Whether it says all that is needed, without a processor of the model's own."""
        return self.size is not None or self.rate is not None
