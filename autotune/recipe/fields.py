"""The annotated types that the recipe's models are made of: a value or a list, frozen mappings, checked texts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any, TypeVar

from annotated_types import Ge, Le
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    WrapSerializer,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from autotune.frozen import FrozenMap
from autotune.recipe.described import describe
from autotune.recipe.estimators import ESTIMATORS, EstimatorChoice, estimators_text, parse_estimators
from autotune.recipe.values import (
    Drop,
    duration_text,
    frozen,
    latency_text,
    parse_drop,
    parse_duration,
    parse_latency,
    parse_size,
    parse_speedup,
    parse_threads,
    problem,
    shown,
    size_text,
    speedup_text,
    thawed,
)

T = TypeVar("T")
V = TypeVar("V")

FUNCTION = re.compile(r".+\.py:[^\W\d]\w*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Frozen(BaseModel):
    """Base of the recipe's models: immutable, hashable, no unknown keys, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, json_schema_extra=describe)

    def __eq__(self, other: object) -> bool:
        """Equal when the keys are; where they came from does not count."""
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), tuple(self.__dict__.values())))


class _OneOrMany:
    """Lets the JSON schema of a tuple allow a single item as well."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        listed = handler(schema)
        return {"anyOf": [listed["items"], {**listed, "minItems": 1}]}


def _many(raw: object) -> object:
    if isinstance(raw, Mapping):
        raise problem("must be a value or a list of values, not a mapping")
    if not isinstance(raw, list | tuple):
        return (raw,)
    if not raw:
        raise problem("an empty list leaves nothing to choose")
    for index, item in enumerate(raw):
        if item in raw[:index]:
            raise problem(f"lists {shown(item)} twice", index)
    return tuple(raw)


def _few(items: tuple[Any, ...]) -> Any:
    return items[0] if len(items) == 1 else list(items)


def _map(handled: Mapping[str, V]) -> Mapping[str, V]:
    return FrozenMap(handled)


def _dict(raw: object) -> object:
    return dict(raw) if isinstance(raw, Mapping) else raw


def _write_map(value: Mapping[str, Any], handler: SerializerFunctionWrapHandler) -> Any:
    return handler(dict(value))


def _options(raw: object) -> object:
    if not isinstance(raw, Mapping):
        raise problem(f"must be a mapping of keys, not {shown(raw)}")
    for name, value in raw.items():
        for item in value if isinstance(value, list | tuple) else (value,):
            if isinstance(item, Mapping | list | tuple) or (isinstance(item, float) and not math.isfinite(item)):
                raise problem("must be a text, a finite number, true, false or a list of them", str(name))
    return frozen(raw)


def name_of(stem: str) -> str:
    """Return a name that can be a folder's, from that of a file."""
    return re.sub(r"[^\w.-]+", "-", stem).strip(".-") or "model"


def _not_empty(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def _file_name(text: str) -> str:
    if not text.isprintable() or PurePath(text).name != text or "\\" in text or text.startswith((".", " ")):
        raise ValueError(f"{shown(text)} cannot name a folder: use letters, digits, dots, dashes and underscores")
    return text


def _function(text: str) -> str:
    if not FUNCTION.fullmatch(text):
        raise ValueError(f"{shown(text)} is not FILE.py:function")
    return text


def _sha256(text: str) -> str:
    if not _SHA256.fullmatch(text.lower()):
        raise ValueError(f"{shown(text)} is not a SHA-256: 64 hexadecimal digits")
    return text.lower()


def _shape(raw: object) -> object:
    return tuple(raw) if isinstance(raw, list) else raw


Choices = Annotated[tuple[T, ...], _OneOrMany(), BeforeValidator(_many), PlainSerializer(_few)]
Map = Annotated[Mapping[str, V], BeforeValidator(_dict), AfterValidator(_map), WrapSerializer(_write_map)]
Options = Annotated[Mapping[str, Any], BeforeValidator(_options), AfterValidator(frozen), PlainSerializer(thawed)]
_BOUND = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
_PARAMETER = {
    "anyOf": [
        _BOUND,
        {"type": "array", "items": _BOUND, "minItems": 1},
        {
            "type": "object",
            "properties": {"low": _BOUND, "high": _BOUND},
            "required": ["low", "high"],
            "additionalProperties": False,
        },
    ]
}
_ONE_ESTIMATOR = {
    "anyOf": [
        {"enum": [name for name in ESTIMATORS if name not in ("moving-average", "percentile")]},
        *(
            {"type": "object", "properties": {n: _PARAMETER}, "required": [n], "additionalProperties": False}
            for n in ("moving-average", "percentile")
        ),
    ]
}
Estimators = Annotated[
    tuple[EstimatorChoice, ...],
    BeforeValidator(parse_estimators),
    PlainSerializer(estimators_text),
    WithJsonSchema({"anyOf": [_ONE_ESTIMATOR, {"type": "array", "items": _ONE_ESTIMATOR, "minItems": 1}]}),
]
_TEXT_OR_NUMBER = {"type": ["string", "number"]}
MaxDrop = Annotated[
    Drop,
    BeforeValidator(parse_drop),
    PlainSerializer(lambda drop: str(drop) if drop.relative else drop.value),
    WithJsonSchema({**_TEXT_OR_NUMBER, "examples": ["1%", 0.01]}),
]
Milliseconds = Annotated[
    float,
    BeforeValidator(parse_latency),
    PlainSerializer(latency_text),
    WithJsonSchema({**_TEXT_OR_NUMBER, "examples": ["5ms"]}),
]
Speedup = Annotated[
    float,
    BeforeValidator(parse_speedup),
    PlainSerializer(speedup_text),
    WithJsonSchema({**_TEXT_OR_NUMBER, "examples": ["1.5x"]}),
]
ThreadCount = Annotated[
    str | int,
    BeforeValidator(parse_threads),
    WithJsonSchema({"anyOf": [{"enum": ["all", "fewer"]}, {"type": "integer", "minimum": 1}]}),
]
Bytes = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(size_text),
    WithJsonSchema({**_TEXT_OR_NUMBER, "examples": ["25MB"]}),
]
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(duration_text),
    WithJsonSchema({**_TEXT_OR_NUMBER, "examples": ["10m", "90s"]}),
]
Share = Annotated[float, Ge(0), Le(1)]
Text = Annotated[str, AfterValidator(_not_empty)]
Name = Annotated[str, AfterValidator(_not_empty), AfterValidator(_file_name)]
Function = Annotated[str, AfterValidator(_function)]
Sha256 = Annotated[str, AfterValidator(_sha256)]
Shape = Annotated[tuple[Annotated[int, Ge(1)], ...], BeforeValidator(_shape)]
