"""What editors need to help with a recipe: its JSON schema."""

from __future__ import annotations

import warnings
from typing import Any

from pydantic.json_schema import PydanticJsonSchemaWarning

from autotune.recipe.include import INCLUDE
from autotune.recipe.recipe import Recipe


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of recipe files; one that includes others may leave out what those say."""
    with warnings.catch_warnings():
        # Empty FrozenMap defaults are left out of the schema, which is right: they need not be written.
        warnings.simplefilter("ignore", PydanticJsonSchemaWarning)
        schema = Recipe.model_json_schema()
    file = {"type": "string", "minLength": 1}
    told = "recipes that this one builds on: files, relative to its own, or ``recipe:NAME``; here is what differs."
    schema["properties"][INCLUDE] = {"anyOf": [file, {"type": "array", "items": file}], "description": told}
    schema["anyOf"] = [{"required": schema.pop("required")}, {"required": [INCLUDE]}]
    return schema
