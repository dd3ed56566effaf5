"""Commands around tuning: writing, checking and listing recipes, reports. One file each, and one line here."""

from __future__ import annotations

import typer

from autotune.commands.init import init
from autotune.commands.recipes import recipes
from autotune.commands.report import report
from autotune.commands.validate import validate


def register(app: typer.Typer) -> None:
    """Add the commands of this package to the application."""
    app.command(epilog="Example: autotune init model.onnx --data data.npz --output recipe.yaml")(init)
    app.command(epilog="Example: autotune validate recipes/*.yaml --trust-code")(validate)
    app.command(epilog="Example: autotune recipes, then: autotune tune recipe:digits")(recipes)
    app.command(epilog="Example: autotune report reports/file-type reports/file-type-avx2 --output comparison.html")(
        report
    )
