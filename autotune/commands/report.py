"""``autotune report``: a run's reports again, or several runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autotune.commands.options import Debug, Mlflow
from autotune.errors import UserError
from autotune.exits import Errors

COMPARISON = Path("comparison.html")


def report(
    directories: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs.")],
    output: Annotated[
        Path | None, typer.Option(help="Page of several runs (default: comparison.html); a .csv goes beside it.")
    ] = None,
    mlflow: Mlflow = None,
    debug: Debug = False,
) -> None:
    """Write a run's report.html, tables and run.json again; of several runs, a comparison side by side."""
    with Errors(debug):
        from autotune.folder import RunFolder
        from autotune.report.write import load_record
        from autotune.tracking import reach

        tracker = reach(mlflow)
        if len(directories) == 1:
            _report_again(directories[0], output)
        else:
            _compare(directories, output or COMPARISON)
        if tracker is not None:
            for directory in directories:
                typer.echo(tracker.log(load_record(RunFolder(directory).record), directory), err=True)


def _report_again(directory: Path, output: Path | None) -> None:
    from autotune.folder import RunFolder
    from autotune.report.write import load_record, write_reports

    if output is not None:
        raise UserError("--output is for comparisons; name two or more runs, or leave it out.")
    write_reports(load_record(RunFolder(directory).record), directory)
    typer.echo(f"Wrote {directory / 'report.html'}")


def _compare(directories: list[Path], page: Path) -> None:
    from rich.console import Console

    from autotune.comparing import write_comparison
    from autotune.report.comparison.terminal import terminal_table

    comparison = write_comparison(directories, page)
    Console(highlight=False).print(terminal_table(comparison))
    for caution in comparison.cautions:
        typer.echo(caution)
    typer.echo(f"Wrote {page} and {page.with_suffix('.csv')}")
