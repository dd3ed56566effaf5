"""The command line: ``autotune tune | apply | verify | schema``; the other commands are in ``commands``."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from autotune import commands
from autotune.commands import completing
from autotune.commands.options import Debug, Mlflow, Onnx, TrustCode
from autotune.errors import UserError
from autotune.exits import EXIT_CONSTRAINT_UNMET, EXIT_INTERRUPTED
from autotune.exits import Errors as _Errors

app = typer.Typer(
    name="autotune",
    help="The fastest OpenVINO model for this CPU that keeps your accuracy, with evidence.",
    epilog="Example: autotune init model.onnx --data data.npz, then: autotune tune recipe.yaml",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"autotune {version('autotune')}")
        raise typer.Exit()


@app.callback()
def _main(
    show: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


Isa = Annotated[
    str,
    typer.Option(
        help="Kernels restricted to avx2, avx2-vnni, avx512, avx512-vnni, avx512-bf16 or amx.",
        autocompletion=completing.isas,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the verdict only.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print run.json on stdout, everything else on stderr.")]


@app.command(epilog="Example: autotune tune recipes/file-type.yaml --max-drop 1% --timeout 3m")
def tune(
    target: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE|MODEL",
            help="A recipe, recipe:NAME (see 'autotune recipes'), an .xml, .onnx, .tflite, or a transformers folder.",
        ),
    ],
    data: Annotated[str | None, typer.Option(help="data.npz, a table or FILE.py:function (with MODEL).")] = None,
    task: Annotated[
        str | None,
        typer.Option(help="text-classification, ... (of a transformers folder).", autocompletion=completing.tasks),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="accuracy, f1, auc, mae, ... or FILE.py:function.", autocompletion=completing.metrics),
    ] = None,
    max_drop: Annotated[str | None, typer.Option(help="1% (of the float score) or 0.01 (metric's units).")] = None,
    max_latency: Annotated[str | None, typer.Option(help="Constraint on the winner, such as 5ms.")] = None,
    min_speedup: Annotated[str | None, typer.Option(help="The same: times as fast as float f32, 1.5x.")] = None,
    max_size: Annotated[str | None, typer.Option(help="Constraint on the winner's constants, such as 25MB.")] = None,
    max_memory: Annotated[str | None, typer.Option(help="Constraint on its peak memory, such as 200MB.")] = None,
    trials: Annotated[
        int | None, typer.Option(help="How many candidates to measure; the plain ones always are.")
    ] = None,
    timeout: Annotated[str | None, typer.Option(help="Time for the whole run, such as 10m or 90s.")] = None,
    threads: Annotated[int | None, typer.Option(help="Inference threads (default: all usable cores).")] = None,
    seed: Annotated[int | None, typer.Option(help="Of splits, sampler and bootstrap.")] = None,
    confidence: Annotated[float | None, typer.Option(help="Of bounds and intervals, such as 0.95.")] = None,
    assurance: Annotated[
        str | None,
        typer.Option(
            help="expected or proven: what the winner must be.",
            autocompletion=completing.assurances,
        ),
    ] = None,
    isa: Isa = "native",
    output: Annotated[Path | None, typer.Option(help="Run folder (default: reports/<name>-<time>).")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the killed run in --output.")] = False,
    onnx: Onnx = False,
    mlflow: Mlflow = None,
    trust_code: TrustCode = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print every trial, on a terminal too.")] = False,
    debug: Debug = False,
) -> None:
    """Find the fastest configuration within the tolerance and prove it on held-out data."""
    begun = time.monotonic()  # before imports that take a moment
    with _Errors(debug) as errors:
        from autotune import hardware
        from autotune import recipe as recipes
        from autotune.console import Console
        from autotune.folder import RunFolder
        from autotune.report.summary import summary
        from autotune.tracking import reach
        from autotune.tuner import Options
        from autotune.tuner import tune as run_tune

        overrides = {
            "max_drop": max_drop,
            "max_latency": max_latency,
            "min_speedup": min_speedup,
            "max_size": max_size,
            "max_memory": max_memory,
            "trials": trials,
            "timeout": timeout,
            "threads": threads,
            "seed": seed,
            "confidence": confidence,
            "assurance": assurance,
            "data": data,
            "metric": metric,
            "task": task,
            "onnx": onnx or None,
        }
        given = {key: value for key, value in overrides.items() if value is not None}
        hardware.restrict(isa)
        asked = _recipe(recipes, target, given)
        folder = output or _default_output(asked.name, resume)
        errors.begun = RunFolder(folder).identity
        console = Console(quiet=quiet, to_stderr=as_json, verbose=verbose)
        tracker = reach(mlflow)
        console.header(asked, folder)
        options = Options(folder, resume, trust_code, shlex.join(["autotune", *sys.argv[1:]]), begun)
        # The user's own code may print.
        with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout), console:
            run = run_tune(asked, options, console)
        console.result(run, folder)
        if as_json:
            print(json.dumps(summary(run), indent=2))
        if tracker is not None:
            typer.echo(tracker.log(run, folder), err=True)
    if run.outcome == "interrupted":
        raise typer.Exit(EXIT_INTERRUPTED)
    if run.outcome == "constraint-unmet":
        raise typer.Exit(EXIT_CONSTRAINT_UNMET)


@app.command(epilog="Example: autotune apply reports/file-type/solved.yaml --output model")
def apply(
    solved: Annotated[Path, typer.Argument(metavar="SOLVED.yaml", help="A solved recipe.")],
    output: Annotated[Path, typer.Option(help="Folder for the model; must not exist.")],
    onnx: Onnx = False,
    isa: Isa = "native",
    trust_code: TrustCode = False,
    debug: Debug = False,
) -> None:
    """Rebuild the one candidate of a solved recipe, bit for bit."""
    with _Errors(debug):
        from autotune import hardware
        from autotune import recipe as recipes
        from autotune.applier import apply as rebuild

        hardware.restrict(isa)
        asked = recipes.load(solved).with_overrides(onnx=onnx or None)
        applied = rebuild(asked, output, trust_code, lambda text: typer.echo(text, err=True))
        typer.echo(applied.sentence)
    if not applied.identical:
        raise typer.Exit(EXIT_CONSTRAINT_UNMET)


@app.command(epilog="Example: autotune verify reports/file-type --model /srv/model --slower 20%")
def verify(
    directory: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    model: Annotated[Path | None, typer.Option(help="The deployed folder (default: RUN/model).")] = None,
    slower: Annotated[str, typer.Option(help="How much of the promised speed may be missing, such as 10%.")] = "10%",
    isa: Isa = "native",
    trust_code: TrustCode = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was found on stdout, everything else on stderr.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Measure a run's winner and the floats on this machine; exit code 3 if the verdict or the speed no longer hold."""
    with _Errors(debug):
        from dataclasses import asdict

        from autotune import hardware
        from autotune.console import verification_lines
        from autotune.verifier import Asked, verify
        from autotune.verifier import share as parsed

        hardware.restrict(isa)
        asked = Asked(directory, model, parsed(slower, "--slower"), trust_code)
        # The user's own code may print.
        with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
            found = verify(asked, (lambda _: None) if quiet else (lambda text: typer.echo(text, err=True)))
        for line in [] if as_json else verification_lines(found, quiet):
            typer.echo(line)
        if as_json:
            typer.echo(json.dumps(asdict(found), indent=2))
    if not found.holds:
        raise typer.Exit(EXIT_CONSTRAINT_UNMET)


@app.command(epilog="Example: autotune schema > recipe.schema.json")
def schema() -> None:
    """Print the JSON schema of recipes."""
    from autotune.recipe import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


commands.register(app)


def _recipe(recipes: Any, target: str, given: dict[str, Any]) -> Any:
    from autotune.sources.formats import MODELS, refusal, similar

    path = Path(target)
    if path.suffix in (".yaml", ".yml") or target.startswith(recipes.PREFIX):
        return recipes.load(path).with_overrides(**given)
    if path.suffix not in MODELS and not path.is_dir() and ".py:" not in target:
        raise UserError(
            f"{refusal(path)}."
            if path.is_file()
            else f"'{target}' is neither a recipe (.yaml, recipe:NAME) nor a model (.xml, .onnx, .tflite, a "
            f"transformers folder or FILE.py:factory) that is there.{similar(path)}"
        )
    needed = ("data", "metric") if "task" not in given else ("data",)
    missing = [f"--{key}" for key in needed if key not in given]
    if missing:
        shown = given.get("data", "DATA")
        raise UserError(
            f"Tuning a model without a recipe needs {' and '.join(missing)}; or let 'autotune init {target} --data "
            f"{shown}' write a recipe that says what fits."
        )
    data, metric, task = given.pop("data"), given.pop("metric", None), given.pop("task", None)
    return recipes.Recipe.quick(target, data, metric, {"task": task} if task else {}).with_overrides(**given)


def _default_output(name: str, resume: bool) -> Path:
    from autotune.folder import REPORTS, RunFolder, fresh_folder

    if not resume:
        return fresh_folder(name)
    unfinished = sorted(p for p in REPORTS.glob(f"{name}-*") if RunFolder(p).is_unfinished)
    if not unfinished:
        raise UserError(f"--resume: no unfinished run of '{name}' under {REPORTS}; name its folder with --output.")
    return unfinished[-1]
