"""What MkDocs calls: adds the pages that are made to those that are written (https://www.mkdocs.org/user-guide/configuration/#hooks)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import autotune  # noqa: E402
from autotune.cli import app  # noqa: E402
from autotune.recipe import json_schema  # noqa: E402
from documentation.command_page import command_page  # noqa: E402
from documentation.python_page import python_page  # noqa: E402
from documentation.recipe_page import recipe_page  # noqa: E402
from documentation.result_pages import result_files, results_list  # noqa: E402

RESULTS_MARK = "<!-- results -->"


def on_files(files: Files, config: Any) -> Files:
    """Add the references and the results."""
    made: list[tuple[str, Path | str]] = [
        ("reference/recipe.md", recipe_page(json_schema())),
        ("reference/commands.md", command_page(app)),
        ("reference/python.md", python_page(autotune)),
        *result_files(ROOT),
    ]
    for address, what in made:
        if isinstance(what, Path):
            files.append(File.generated(config, address, abs_src_path=str(what)))
        else:
            files.append(File.generated(config, address, content=what))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the list of CPUs where a page asks for it."""
    return markdown.replace(RESULTS_MARK, results_list(ROOT)) if RESULTS_MARK in markdown else markdown
