"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
TrustCode = Annotated[bool, typer.Option("--trust-code", help="Allow FILE.py:function of the recipe to run.")]
Mlflow = Annotated[
    str | None,
    typer.Option(metavar="URI", help="Log the finished run to MLflow there: http://..., sqlite:///mlflow.db."),
]
Onnx = Annotated[
    bool, typer.Option("--onnx", help="Write the winner as ONNX QDQ, too, where ONNX can say it; else tell why not.")
]
