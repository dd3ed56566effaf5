"""The Python reference, from the docstrings of the names that ``autotune`` makes public."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

HEAD = """# Python reference

Made from the docstrings. `tune` takes what the [command](commands.md) takes, and objects.
A [recipe](recipe.md) says more.

```python
import autotune

arrays = {"image": images, "labels": labels}
run = autotune.tune(model, arrays, "accuracy", max_drop="1%")  # openvino.Model, torch.nn.Module or a path

rows = {"text": texts, "label": labels}  # or a pandas.DataFrame, or an iterable of mappings
run = autotune.tune(model, rows, task="text-classification", processor=tokenizer)  # a model of transformers
run.sentence, run.summary, run.model
```
"""
_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises):\n", re.MULTILINE)
_ENTRY = re.compile(r"^    (?=\w+(?:, \w+)*: )", re.MULTILINE)
_QUOTED = re.compile(r"""(: |-> )(['"])(.*?)\2(?=[,)]| = |$)""", re.MULTILINE)
_NAMES = re.compile(r"^(\w+(?:, \w+)*): ")
_ROLE = re.compile(r"(?::\w+:)?`~?([^`]+)`")


def python_page(package: ModuleType) -> str:
    """Return the page in Markdown."""
    made = [HEAD]
    for name in package.__all__:
        thing = getattr(package, name)
        made.append(f"\n## `autotune.{name}`\n")
        made += _signature(name, thing) if inspect.isfunction(thing) else []
        made.append(_markdown(thing.__doc__))
        for member, value in _members(thing) if inspect.isclass(thing) else ():
            made.append(f"\n### `{name}.{member}`\n")
            made += _signature(member, value) if inspect.isfunction(value) else []
            made.append(_markdown(value.__doc__))
    return "\n".join(made) + "\n"


def _members(thing: type) -> Iterator[tuple[str, Any]]:
    for name, value in vars(thing).items():
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
            yield name, value


def _signature(name: str, function: Any) -> list[str]:
    """One parameter a line where there are many."""
    told = inspect.signature(function)
    parameters = [str(parameter) for key, parameter in told.parameters.items() if key != "self"]
    kinds = [parameter.kind for key, parameter in told.parameters.items() if key != "self"]
    if inspect.Parameter.KEYWORD_ONLY in kinds:
        parameters.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    inner = ", ".join(parameters) if len(parameters) < 4 else "\n    " + ",\n    ".join(parameters) + ",\n"
    written = f"{name}({inner}) -> {told.return_annotation}"
    return [f"```python\n{_unquoted(written)}\n```\n"]


def _unquoted(text: str) -> str:
    """Annotations are texts, and shown as such."""
    return _QUOTED.sub(r"\1\3", text)


def _markdown(docstring: str | None) -> str:
    if not docstring:
        raise ValueError("a public name has no docstring")
    whole, *parts = _SECTION.split(inspect.cleandoc(docstring))
    lines = [whole]
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        entries = [" ".join(entry.split()) for entry in _ENTRY.split(body)]
        lines.append(f"{title}:\n")
        lines += ["* " + _NAMES.sub(r"`\1`: ", entry) for entry in entries if entry]
        lines.append("")
    text = "\n".join(lines).rstrip() + "\n"
    return _ROLE.sub(r"`\1`", text.replace("``", "`"))
