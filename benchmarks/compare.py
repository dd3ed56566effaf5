"""autotune and its peers on the same models, data and CPU, judged by one judge.

    python -m benchmarks.compare [--models file-type --models digits] [--peers olive] [--isa AVX2]

For each model: the three splits of an autotune run; each tool in a process of its own with the calibration and the
search split; then the judge, with the holdout. Rows go to benchmarks/results/<CPU>/peers.csv, the table made of them to
peers.md beside it. A row that is there is not made again, unless ``--fresh``. Run it on a quiet machine.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import openvino as ov
import pandas as pd
import typer

from autotune import hardware, recipe
from autotune.data import Splits
from autotune.sources.cache import cache_dir
from autotune.sources.datasets import load_data
from autotune.sources.model import conform_splits, locate, read
from benchmarks import page, table
from benchmarks.instruction_sets import results_folder
from benchmarks.judge import DEFAULT, Judge, JudgeFailed, Subject, properties
from benchmarks.peers.common import Result, Task
from benchmarks.peers.environments import python_of
from benchmarks.prepare import names, prepare
from benchmarks.tools import AUTOTUNE, TOOLS, Call, Tool, run_autotune, run_peer, stored

KEY = ("model", "isa", "tool", "variant", "max_drop", "runtime", "precision")
COLUMNS = (
    *KEY, "failure", "status", "n", "metric", "float_score", "score", "drop", "drop_upper", "tolerance",
    "speed", "speed_low", "speed_high", "speed_best_float", "speed_best_float_low", "speed_best_float_high",
    "best_float", "milliseconds", "float_milliseconds", "executed", "raced", "seconds", "first_seconds", "overhead",
    "inferences", "evaluations", "did", "note", "version", "versions",
)  # fmt: skip

_FACTS = ("failure", "seconds", "first_seconds", "overhead", "inferences", "evaluations", "did", "note")
Record = dict[str, Any]


class Table:
    """The rows on disk, by key; written after every change, since a comparison takes hours."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._rows: dict[tuple[str, ...], Record] = {}
        if file.exists():
            for row in pd.read_csv(file, dtype={"variant": str}).to_dict("records"):
                self._rows[_key(row)] = row

    def has(self, **wanted: Any) -> bool:
        """Whether there is a row with these values."""
        return any(all(_text(row[k]) == _text(v) for k, v in wanted.items()) for row in self._rows.values())

    def drop(self, **wanted: Any) -> None:
        """Forget the rows with these values."""
        rows = self._rows.items()
        self._rows = {k: r for k, r in rows if any(_text(r[c]) != _text(v) for c, v in wanted.items())}

    def change(self, key: Record, facts: Record) -> None:
        """Put facts into one row; write afterwards."""
        self._rows[_key(key)] |= facts

    def add(self, row: Record) -> None:
        """Add a row and write both files."""
        complete = {column: row.get(column) for column in COLUMNS}
        self._rows[_key(complete)] = complete
        self.write()

    def write(self) -> None:
        """Write both files."""
        rows = sorted(self._rows.values(), key=_order)
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(self._file, index=False, float_format="%.6g")
        self._file.with_suffix(".md").write_text(page.document(rows))


def _key(row: Record) -> tuple[str, ...]:
    return tuple(_text(row[column]) for column in KEY)


def _text(value: Any) -> str:
    return str(value) if table.present(value) else ""


def _order(row: Record) -> tuple[Any, ...]:
    """By model and kernels, then tools as they are listed, tolerances from the widest."""
    tools = list(TOOLS)
    place = tools.index(row["tool"]) if row["tool"] in tools else len(tools)
    drop = -row["max_drop"] if table.present(row["max_drop"]) else 0.0
    return (
        row["model"],
        row["isa"],
        place,
        _text(row["variant"]),
        drop,
        _text(row["runtime"]),
        _text(row["precision"]),
    )


def lay_out(name: str, path: Path, folder: Path) -> Task:
    """Write what the tools are given, and the holdout beside it, of the recipe at ``path``; return the task."""
    asked = recipe.load(path)
    splits = load_data(asked, False, lambda text: None)
    source = locate(asked)
    model, _ = read(source, {k: tuple(v) for k, v in asked.inputs.items()}, splits.search)
    splits = conform_splits(splits, model)
    shutil.rmtree(folder / "given", ignore_errors=True)
    given = folder / "given"
    given.mkdir(parents=True)
    onnx = source if source.suffix == ".onnx" else source.with_suffix(".onnx")
    if source.suffix == ".onnx":
        # As people convert: folded, unlike what read_model gives.
        shapes = {port.get_any_name(): list(port.shape) for port in model.inputs}
        model = ov.convert_model(source)
        model.reshape(shapes)
    ov.save_model(model, given / "float.xml", compress_to_fp16=False)
    np.savez(given / "splits.npz", **arrays(splits, ("calibration", "search")))
    np.savez(given / "holdout.npz", **arrays(splits, ("holdout",)))
    task = Task(
        name=name,
        model=str(given / "float.xml"),
        onnx=str(onnx) if onnx.exists() else None,
        data=str(given / "splits.npz"),
        metric=asked.metric.label,
        output=asked.metric.output,
        threads=hardware.usable_cores(),
    )
    (given / "task.json").write_text(json.dumps(dataclasses.asdict(task), indent=1))
    return task


def arrays(splits: Splits, which: tuple[str, ...]) -> dict[str, Any]:
    """Return arrays of some splits under the names that ``benchmarks.peers.common.read_split`` looks for."""
    found: dict[str, Any] = {}
    for split, dataset in splits.items():
        if split in which:
            found |= {f"{split}/inputs/{name}": values for name, values in dataset.inputs.items()}
            if dataset.labels is not None:
                found[f"{split}/labels"] = dataset.labels
    return found


def subjects(tool: Tool, result: Result, deployed: dict[str, str], judge: Judge) -> Iterator[tuple[str, str, Subject]]:
    """Yield runtime, precision and subject of every way in which a tool's model is judged.

    A model of a tool that says nothing of the precision is judged as its users load it, with OpenVINO's default, and in
    f32. A model for ONNX Runtime is judged there, and in OpenVINO, which reads most of them too.
    """
    if tool.name == AUTOTUNE:
        yield "openvino", "deployed", Subject(result.model, "openvino", deployed)
        return
    if result.runtime == "onnxruntime":
        yield "onnxruntime", "", Subject(result.model, "onnxruntime", {}, str(python_of(tool.environment)))
        if not tool.tolerant:  # float, which OpenVINO has a row of
            return
    precisions = judge.float_precisions if tool.name == "openvino-float" else ["f32"]
    if judge.default_precision not in precisions:
        precisions = [*precisions, DEFAULT]
    for precision in precisions:
        yield "openvino", precision, Subject(result.model, "openvino", properties(precision, judge.threads))


@dataclass(frozen=True)
class Options:
    """What is asked.

    Attributes:
        drops: relative tolerances. timeout: of a tool. seconds: per series of timed pairs.
        fresh: make rows again. race: time what is there in common rounds even if no row is new.
    """

    drops: tuple[float, ...]
    timeout: float
    seconds: float
    fresh: bool
    race: bool


def compare(name: str, isa: str, tools: list[Tool], rows: Table, options: Options) -> None:
    """Run and judge the tools on one model, under one instruction set."""
    work = cache_dir().resolve() / "benchmarks" / "runs" / f"{name}-{isa}"
    jobs = [(t, v, d) for t in tools for v in t.variants for d in (options.drops if t.tolerant else (None,))]
    if not options.fresh:
        jobs = [(t, v, d) for t, v, d in jobs if not rows.has(**_job(name, isa, t, v, d))]
    if not jobs and not options.race:
        return
    nothing = {"model": name, "isa": isa, "tool": "preparation"}
    rows.drop(**nothing)
    try:
        path = prepare(name)
        task = lay_out(name, path, work)
    except Exception as error:  # noqa: BLE001 - no network, another Debian: the other models go on
        rows.add({**nothing, "failure": " ".join(str(error).split())[:400]})
        return
    judge = Judge(task, work / "given" / "holdout.npz", work / "judge", cap(isa), options.seconds)
    for tool, variant, drop in jobs:
        typer.echo(f"{name} {isa}: {tool.name} {variant} {'' if drop is None else f'{drop:g}'}")
        output = folder_of(work, tool, variant, drop)
        shutil.rmtree(output, ignore_errors=True)
        asked, deployed = drop or max(options.drops), {}
        if tool.name == AUTOTUNE:
            result, deployed = run_autotune(path, asked, output, cap(isa), options.timeout)
        else:
            call = Call(variant, asked, work / "given" / "task.json", output)
            result = run_peer(tool, call, cap(isa), options.timeout)
        same = _job(name, isa, tool, variant, drop)
        rows.drop(**same)
        told = dataclasses.asdict(result)
        facts = {k: told[k] for k in _FACTS}
        facts |= {**same, "metric": task.metric, "versions": json.dumps(result.versions) if result.versions else ""}
        if result.failure:
            rows.add(facts)
            continue
        for runtime, precision, subject in subjects(tool, result, deployed, judge):
            try:
                measured = judge.judge(subject, asked)
            except JudgeFailed as error:
                measured = {"failure": f"{runtime} does not run its model: {error}"}
            rows.add({**facts, "runtime": runtime, "precision": precision, **measured})
            if "failure" in measured:
                break
    try:
        race(name, isa, judge, rows, drops=options.drops, work=work)
    except JudgeFailed as error:
        typer.echo(f"{name} {isa}: no common rounds: {error}", err=True)


def race(name: str, isa: str, judge: Judge, rows: Table, *, drops: tuple[float, ...], work: Path) -> None:
    """Time everything that is there again, in common rounds: only so can tools be compared with each other.

    Of every tolerance, not only of those asked for: peers that know none stand beside autotune at each.

    What was made earlier and is on no disk any more keeps the speed of its own time; contests leave it out. Models for
    ONNX Runtime are in the rounds if its float model's interpreter runs them, which is then that of the rounds.
    """
    tolerances = dict.fromkeys((*table.TOLERANCES, *drops))
    found: list[tuple[Record, tuple[Subject, float]]] = []
    interpreter = ""
    for tool in TOOLS.values():
        for variant, drop in itertools.product(tool.variants, tolerances if tool.tolerant else (None,)):
            result, deployed = stored(tool, folder_of(work, tool, variant, drop))
            if result.failure or not Path(result.model).exists():
                continue
            for runtime, precision, subject in subjects(tool, result, deployed, judge):
                key = {**_job(name, isa, tool, variant, drop), "runtime": runtime, "precision": precision}
                if runtime == "onnxruntime":
                    interpreter = interpreter or subject.python
                if (runtime == "openvino" or subject.python == interpreter) and rows.has(**key, failure=None):
                    found.append((key, (subject, drop or max(tolerances))))
    typer.echo(f"{name} {isa}: {len(found)} models in common rounds")
    when = time.strftime("%Y-%m-%dT%H:%M:%S")
    timed = judge.race([subject for _, subject in found])
    for (key, _), facts in zip(found, timed, strict=True):
        rows.change(key, {**facts, "raced": when})
    rows.write()


def folder_of(work: Path, tool: Tool, variant: str, drop: float | None) -> Path:
    """Return the folder of what a tool made."""
    return work / "-".join(filter(None, (tool.name, variant, "" if drop is None else f"{drop:g}")))


def cap(isa: str) -> dict[str, str]:
    """Return the environment variables that restrict a process to an instruction set."""
    return {} if isa == "native" else dict.fromkeys(hardware.CAP_VARIABLES, isa)


def _job(name: str, isa: str, tool: Tool, variant: str, drop: float | None) -> Record:
    return {"model": name, "isa": isa, "tool": tool.name, "variant": variant, "max_drop": drop}


def main(  # noqa: PLR0917
    models: Annotated[list[str], typer.Option(help="Models; default all.")] = [],  # noqa: B006
    peers: Annotated[list[str], typer.Option(help=f"Of {', '.join(TOOLS)}; default all.")] = [],  # noqa: B006
    isa: Annotated[list[str], typer.Option(help="native, or this CPU restricted, such as AVX2.")] = ["native"],  # noqa: B006
    max_drop: Annotated[list[float], typer.Option(help="Tolerances, relative.")] = list(table.TOLERANCES),  # noqa: B006
    timeout: Annotated[float, typer.Option(help="Seconds that a tool may take.")] = 1800,
    seconds: Annotated[float, typer.Option(help="Seconds per series of timed pairs.")] = 20,
    fresh: Annotated[bool, typer.Option("--fresh", help="Make rows again that are there.")] = False,
    race: Annotated[bool, typer.Option("--race", help="Time again, in common rounds, what is on disk.")] = False,
) -> None:
    """Compare autotune with its peers."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the running tool ends too
    rows = Table(results_folder() / "peers.csv")
    options = Options(tuple(max_drop), timeout, seconds, fresh, race)
    for model in models or names():
        for kernels in isa:
            compare(model, kernels, [TOOLS[peer] for peer in peers or TOOLS], rows, options)
    typer.echo(f"Wrote {results_folder() / 'peers.md'}")


if __name__ == "__main__":
    typer.run(main)
