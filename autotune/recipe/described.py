"""What the docstrings of the recipe's models say of their keys, as descriptions in the JSON schema."""

from __future__ import annotations

import inspect
import re
from typing import Any

_ATTRIBUTES = re.compile(r"\n\nAttributes:\n")
_KEYS = re.compile(r"^    (\w+(?:, \w+)*):", re.MULTILINE)


def documented(docstring: str) -> tuple[str, dict[str, str]]:
    """Return what a docstring says of the whole, and of each name under ``Attributes:``."""
    whole, *rest = _ATTRIBUTES.split(inspect.cleandoc(docstring), maxsplit=1)
    if not rest:
        return whole, {}
    _, *parts = _KEYS.split(rest[0].split("\n\n")[0])
    told = zip(parts[::2], parts[1::2], strict=True)
    return whole, {name: " ".join(text.split()) for names, text in told for name in names.split(", ")}


def describe(schema: dict[str, Any], model: type) -> None:
    """Give a model's schema and its properties their descriptions; a model knows those of its bases."""
    keys: dict[str, str] = {}
    for base in reversed(model.__mro__):
        keys |= documented(vars(base).get("__doc__") or "")[1]
    schema["description"] = documented(model.__doc__ or "")[0]
    for name, properties in schema.get("properties", {}).items():
        if name in keys:
            properties["description"] = keys[name]
