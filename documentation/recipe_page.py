"""The recipe reference, from the JSON schema of recipes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

HEAD = """# Recipe reference

Made from `autotune schema`, which editors read too: `autotune schema > recipe.schema.json`. Where a key says
*or a list*, a single value fixes the choice and a list leaves it to the search. `autotune init` writes a first recipe,
`autotune validate` checks one.

```yaml
version: 1
name: mine
model: {path: model.onnx}
data: {path: data.npz}
metric: accuracy
tolerance: {max_drop: 1%}
```
"""


@dataclass(frozen=True)
class Section:
    """The keys of one mapping in a recipe.

    Attributes:
        paths: where it stands: ``space.activations``; empty for the recipe itself.
        schema: of the mapping.
        defaults: of its keys, as they are written in a recipe.
    """

    paths: tuple[str, ...]
    schema: Schema
    defaults: Mapping[str, Any]


def sections(schema: Schema) -> tuple[Section, ...]:
    """Return the mappings of a recipe, outer ones first, each definition once."""
    found: dict[str, Section] = {"": Section(("",), schema, {})}
    waiting = [""]
    while waiting:
        own = found[waiting.pop(0)]
        for key, said in own.schema["properties"].items():
            for name, many in _references(said):
                path = f"{own.paths[0]}.{key}".strip(".") + (".NAME" if many else "")
                if name in found:
                    was = found[name]
                    found[name] = Section((*was.paths, path), was.schema, was.defaults)
                    continue
                default = own.defaults.get(key, said.get("default"))
                found[name] = Section((path,), schema["$defs"][name], default if isinstance(default, dict) else {})
                waiting.append(name)
    return tuple(found.values())


def recipe_page(schema: Schema) -> str:
    """Return the page in Markdown.

    Raises:
        ValueError: a key has no description.
    """
    return HEAD + "".join(_section(section) for section in sections(schema))


def _section(section: Section) -> str:
    first, *others = section.paths
    title = f"`{first}`" if first else "The whole"
    lines = [f"\n## {title}\n", section.schema["description"] + "\n"]
    if others:
        lines.append("The same keys: " + ", ".join(f"`{path}`" for path in others) + ".\n")
    lines += ["| key | what it may be | default | meaning |", "|---|---|---|---|"]
    required = section.schema.get("required") or section.schema.get("anyOf", [{}])[0].get("required", ())
    for key, said in section.schema["properties"].items():
        if not said.get("description"):
            raise ValueError(f"{first}.{key} has no description; write one under Attributes in its class")
        default = "*needed*" if key in required else _default(section.defaults.get(key, said.get("default")))
        lines.append(f"| `{key}` | {_kind(said)} | {default} | {_text(said['description'])} |")
    return "\n".join(lines) + "\n"


def _references(said: Schema) -> Iterator[tuple[str, bool]]:
    for option in (said, *said.get("anyOf", ())):
        if "$ref" in option:
            yield option["$ref"].rsplit("/", 1)[1], False
        values = option.get("additionalProperties")
        if isinstance(values, dict) and "$ref" in values:
            yield values["$ref"].rsplit("/", 1)[1], True


def _kind(said: Schema) -> str:
    """Say what a value may be."""
    if "anyOf" in said:
        options = [option for option in said["anyOf"] if option.get("type") != "null"]
        if len(options) == 2 and options[1].get("items") == options[0]:
            return f"{_kind(options[0])}; or a list"
        return " or ".join(dict.fromkeys(_kind(option) for option in options))
    if "$ref" in said:
        return "a mapping, below"
    if "examples" in said:
        return "such as " + ", ".join(map(_code, said["examples"]))
    values = said.get("enum", [said["const"]] if "const" in said else [])
    if values or said.get("type") == "boolean":
        return ", ".join(map(_code, values or [True, False]))
    return _compound(said) if said.get("type") in ("array", "object") else _simple(said)


def _compound(said: Schema) -> str:
    if "prefixItems" in said:
        return f"[{', '.join(map(_kind, said['prefixItems']))}]"
    if said["type"] == "array":
        return f"a list of: {_kind(said['items'])}"
    if set(said.get("required", ())) == set(said.get("properties", "-")):
        return "`{" + ", ".join(f"{key}: …" for key in said["properties"]) + "}`"
    if "properties" in said:
        return " or ".join(f"`{{{key}: …}}` ({_kind(value)})" for key, value in said["properties"].items())
    values = said.get("additionalProperties")
    return f"a mapping, name to: {_kind(values)}" if isinstance(values, dict) else "a mapping"


def _simple(said: Schema) -> str:
    signs = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
    limits = [f"{sign} {said[key]}" for key, sign in signs.items() if key in said]
    words = {"string": "text", "integer": "a whole number", "number": "a number"}
    return " ".join([words[said["type"]], *limits])


def _default(value: object) -> str:
    if value is None:
        return ""
    return "below" if isinstance(value, dict) else _code(value)


def _code(value: object) -> str:
    if isinstance(value, list):
        return f"`[{', '.join(map(_plain, value))}]`"
    return f"`{_plain(value)}`"


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_plain, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value)


def _text(description: str) -> str:
    """Escape what would end the cell; a bar inside code does not."""
    parts = description.split("``")
    return "``".join(part if i % 2 else part.replace("|", "\\|") for i, part in enumerate(parts))
