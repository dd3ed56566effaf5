"""``autotune init``: a first recipe, commented."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autotune.commands import completing
from autotune.commands.options import Debug, TrustCode
from autotune.exits import Errors


def init(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="An .xml, .onnx, .tflite, a transformers folder, FILE.py:factory, or package:NAME==VERSION[:PATH].",
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(
            help="data.npz, a table, a folder of images or recordings, COCO's .json, FILE.py:function or a builtin."
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="Of a transformers folder, images or recordings; guessed if not given.",
            autocompletion=completing.tasks,
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="The recipe to write; must not exist.")] = Path("recipe.yaml"),
    trust_code: TrustCode = False,
    debug: Debug = False,
) -> None:
    """Look at a model and its data and write a commented recipe; says what it could not guess."""
    with Errors(debug):
        from autotune.drafting import Asked, draft

        drafted = draft(Asked(model, data, task, output, trust_code))
        for sentence in drafted.seen:
            typer.echo(sentence)
        for sentence in drafted.open:
            typer.echo(f"TO DO  {sentence}", err=True)
        more = " --trust-code" if ".py:" in f"{model}{data}" else ""
        first = "see to the lines marked TO DO, then " if drafted.open else ""
        typer.echo(f"Wrote {output}; next: {first}autotune validate {output}{more}, then autotune tune {output}{more}")
