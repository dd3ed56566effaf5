"""A pydantic error as one sentence: where (file, line, key), what is wrong, what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError

from autotune.errors import UserError, suggest
from autotune.recipe.document import Key, Origin
from autotune.recipe.values import shown, unknown

# How a key's values are called in "unknown precision 'f23'".
_NOUNS = {"schemes": "scheme", "operators": "scheme", "weights": "value"}
_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
    "dict_type": "a mapping of keys",
    "mapping_type": "a mapping of keys",
    "tuple_type": "a list",
    "list_type": "a list",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


class SchemaError(UserError):
    """What a recipe says cannot be; the message is the first problem.

    Attributes:
        sentences: all problems, each as a message of its own.
    """

    def __init__(self, sentences: tuple[str, ...]) -> None:
        super().__init__(sentences[0])
        self.sentences = sentences


def user_error(error: ValidationError, model: type[BaseModel], origin: Origin) -> SchemaError:
    """Return the problems in the order of the file's lines as the error to raise.

    A missing key comes last: it is often a misspelt one.
    """
    errors = error.errors(include_url=False)
    found = [(e["type"] == "missing", origin.order(_key(e)), _key(e), _sentence(e, model)) for e in errors]
    placed = ((origin.where(*key), sentence) for _, _, key, sentence in sorted(found, key=lambda item: item[:2]))
    return SchemaError(tuple(dict.fromkeys(f"{where}: {text}" if where else text for where, text in placed)))


def _key(error: Any) -> Key:
    key: Key = tuple(part for part in error["loc"] if part != "[key]")
    return (*key, *error.get("ctx", {}).get("key", ()))


def _sentence(error: Any, model: type[BaseModel]) -> str:
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    name = next((part for part in reversed(_key(error)) if isinstance(part, str)), "recipe")
    makers: dict[str, Callable[[], str]] = {
        "recipe": lambda: str(context["sentence"]),
        "value_error": lambda: str(context["error"]),
        "extra_forbidden": lambda: f"unknown key '{name}'. {suggest(name, _keys(model, error['loc'][:-1]))}",
        "missing": lambda: "is missing; add it.",
        "literal_error": lambda: unknown(_noun(error["loc"]), value, _literals(context["expected"])),
    }
    if kind in makers:
        sentence = makers[kind]()
    elif kind in _WANTED:
        sentence = f"must be {_WANTED[kind]}, not {shown(value)}"
    elif kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        sentence = f"must be {words} {context[bound]:g}, not {shown(value)}"
    else:
        sentence = f"{error['msg'][0].lower()}{error['msg'][1:]}"
    return sentence if sentence[-1] in ".?" else f"{sentence}."


def _literals(expected: str) -> tuple[str, ...]:
    """Return the texts or numbers that pydantic lists."""
    return tuple(text or number for text, number in re.findall(r"'([^']*)'|\b(\d+)\b", expected))


def _noun(location: Key) -> str:
    names = [part for part in location if isinstance(part, str)]
    if names[-2:] == ["task", "name"]:  # a task may be written as its name alone
        return "task"
    if len(names) >= 2 and names[-2] in _NOUNS:  # space.operators.NAME, space.weights.granularity
        return _NOUNS[names[-2]] if names[-2] != "weights" else names[-1]
    return _NOUNS.get(names[-1], names[-1].replace("_", " ")) if names else "value"


def _keys(model: type[BaseModel], location: Key) -> list[str]:
    """Return the keys that the mapping at ``location`` may hold."""
    for part in location:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        if field is None:
            continue  # the name of an operator or quantiser: its mapping's model was entered at the field
        model = next(_models(field.annotation), model)
    return list(model.model_fields)


def _models(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models(argument)
