"""``autotune validate``: are recipes, and what they name, in order? Nothing is tuned."""

from __future__ import annotations

from typing import Annotated

import typer

from autotune.commands.options import Debug, TrustCode
from autotune.exits import EXIT_USER_ERROR, Errors


def validate(
    recipes: Annotated[list[str], typer.Argument(metavar="RECIPE", help="Recipe files, or recipe:NAME.")],
    schema_only: Annotated[
        bool,
        typer.Option("--schema-only", help="Only see whether the files are there; read no model or data."),
    ] = False,
    trust_code: TrustCode = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print problems only.")] = False,
    debug: Debug = False,
) -> None:
    """Check recipes, and that their models and data can be read and fit; exit code 2 with a sentence per problem."""
    problems = 0
    with Errors(debug):
        from autotune.checker import check

        for name in recipes:
            checked = check(name, schema_only, trust_code)
            problems += len(checked.problems)
            for problem in checked.problems:
                typer.echo(problem, err=True)
            if not checked.problems and not quiet:
                typer.echo(f"{name}: {checked.sentence}")
    if problems:
        raise typer.Exit(EXIT_USER_ERROR)
