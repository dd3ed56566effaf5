"""``autotune recipes``: what comes with autotune."""

from __future__ import annotations

import textwrap
from typing import Annotated

import typer

from autotune.commands.options import Debug
from autotune.exits import Errors

_WIDTH = 80


def recipes(
    paths: Annotated[bool, typer.Option("--paths", help="Print the files, to copy one and change it.")] = False,
    debug: Debug = False,
) -> None:
    """List the recipes that come with autotune, with a line each; tune one by its name: recipe:NAME."""
    with Errors(debug):
        from autotune.recipe import PREFIX, shipped

        listed = shipped()
        wide = max((len(PREFIX + found.name) for found in listed), default=0) + 2
        for found in listed:
            name = f"{PREFIX}{found.name}"
            if paths:
                typer.echo(f"{name:{wide}}{found.path.resolve()}")
            else:
                typer.echo(name.ljust(wide) + textwrap.shorten(found.description, _WIDTH - wide, placeholder=" ..."))
