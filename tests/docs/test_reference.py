"""The references name every key, command and option; the pages use only those."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pages import DOCS, ROOT, blocks, written_pages
from ruamel.yaml import YAML

import autotune
from autotune import recipe
from autotune.cli import app
from autotune.recipe.described import documented
from documentation.command_page import command_page
from documentation.python_page import python_page
from documentation.recipe_page import recipe_page, sections
from documentation.result_pages import result_files

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
SCHEMA = recipe.json_schema()
NAMES = [page.relative_to(ROOT).as_posix() for page in [*written_pages(), ROOT / "README.md"]]


def test_docstrings_become_descriptions() -> None:
    told = documented(
        "Thing.\n\n    Attributes:\n        a, b: one\n            or two.\n        c: x: y.\n\n    Raises:\n        z"
    )
    assert told == ("Thing.", {"a": "one or two.", "b": "one or two.", "c": "x: y."})
    assert documented("A thing.") == ("A thing.", {})


def test_every_key_has_a_description_in_the_schema() -> None:
    without = [
        f"{name}.{key}"
        for name, model in {"Recipe": SCHEMA, **SCHEMA["$defs"]}.items()
        for key, said in model["properties"].items()
        if not said.get("description")
    ]
    assert not without


def test_every_key_is_on_the_page() -> None:
    page = recipe_page(SCHEMA)
    assert len(sections(SCHEMA)) == len(SCHEMA["$defs"]) + 1
    for section in sections(SCHEMA):
        start = page.index(f"\n## `{section.paths[0]}`" if section.paths[0] else "\n## The whole")
        own = page[start : page.find("\n## ", start + 1) % len(page)]
        for key, said in section.schema["properties"].items():
            assert re.search(rf"^\| `{key}` \| .+{re.escape(said['description'])} \|$", own, re.M), (section.paths, key)


def test_a_key_without_description_is_an_error() -> None:
    schema = {"description": "All.", "properties": {"new": {"type": "string"}}}
    with pytest.raises(ValueError, match="new has no description"):
        recipe_page(schema)


def test_every_command_and_option_is_on_the_page() -> None:
    page = command_page(app)
    for name, command in COMMANDS.items():
        start = page.index(f"\n## autotune {name}\n")
        own = page[start : page.find("\n## ", start + 1) % len(page)]
        for parameter in command.params:
            words = parameter.opts if parameter.param_type_name == "option" else [parameter.metavar]
            assert all(f"`{word}" in own for word in words)
    assert not re.search(r"^[^`\n]*<\w", page, re.M)


def test_every_public_name_is_on_the_page() -> None:
    page = python_page(autotune)
    assert all(f"\n## `autotune.{name}`\n" in page for name in autotune.__all__)
    for parameter in inspect.signature(autotune.tune).parameters.values():
        annotation = str(parameter.annotation)
        assert f"\n    {parameter.name}: {annotation}" in page
    for name in ("load", "model", "report", "summary", "trials"):
        assert f"\n### `Run.{name}`\n" in page
    assert '* `max_drop`: `"1%"` of the float score, or a number in the metric\'s own units.' in page
    assert "* `UserError`: the folder has no model or no `deploy.json`." in page
    assert ":func:" not in page and "``" not in page.replace("```", "")


def used(page: Path) -> Iterator[tuple[int, list[str]]]:
    """Return the autotune commands in a page's shell blocks."""
    for block in blocks(page):
        for line in block.text.replace("\\\n", " ").splitlines() if block.language == "sh" else ():
            for part in re.split(r"&&|\|\||;", line):
                words = shlex.split(part, comments=True)
                if words and Path(words[0]).name == "autotune":
                    yield block.line, words[1:]


@pytest.mark.parametrize("name", NAMES)
def test_pages_use_commands_and_options_that_exist(name: str) -> None:
    for line, words in used(ROOT / name):
        assert words[0] in COMMANDS, f"{name}:{line}: autotune {words[0]}"
        known = {option for parameter in COMMANDS[words[0]].params for option in parameter.opts}
        unknown = [word for word in words[1:] if word.startswith("-") and word.partition("=")[0] not in known]
        assert not unknown, f"{name}:{line}: autotune {words[0]} has no {unknown}"


@pytest.mark.parametrize("name", NAMES)
def test_parts_of_recipes_on_pages_are_valid(name: str, tmp_path: Path) -> None:
    whole = {"version": 1, "name": "x", "model": {"path": "m.xml"}, "data": {"path": "d.npz"}, "metric": "accuracy"}
    for block in blocks(ROOT / name):
        if block.language != "yaml" or "--8<--" in block.text:
            continue
        part = YAML(typ="safe").load(block.text)
        if not set(part) <= set(SCHEMA["properties"]):
            continue
        file = tmp_path / "recipe.yaml"
        YAML(typ="safe").dump({**whole, **part}, file)
        recipe.load(file)


def test_the_shares_on_the_page_are_the_default() -> None:
    page = (DOCS / "how-to" / "calibration-and-validation-data.md").read_text()
    for split, share in recipe.Shares().model_dump().items():
        assert f"| `{split}` | {share:g} |" in page


def test_columns_that_pages_name_exist() -> None:
    columns = set(re.findall(r"^\| `(\w+)` \|", (DOCS / "tables.md").read_text(), re.M))
    for page in written_pages():
        for block in blocks(page):
            for listed in re.findall(r"\[\[(.+?)\]\]", block.text) if block.language == "python" else ():
                assert set(re.findall(r'"(\w+)"', listed)) <= columns, page.name


def test_results_are_the_files_of_the_repository() -> None:
    found = dict(result_files(ROOT))
    files = [path for path in (ROOT / "benchmarks" / "results").glob("*/*") if path.is_file()]
    assert {f"results/{path.parent.name}/{path.name}" for path in files} <= set(found)
    for path in files:
        overview = found[f"results/{path.parent.name}/index.md"]
        assert isinstance(overview, str)
        assert f"({path.name})" in overview or path.name == "machine.json"
