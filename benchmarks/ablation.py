"""What the parts of autotune's search are worth: each left out, in the same time, on the same splits.

    python -m benchmarks.ablation [--models file-type,digits] [--timeout 240s] [--seeds 0,1] [--isa AVX2] [--seconds 10]

Per model and seed, one run of ``autotune tune`` per variant. Every run begins with an empty store of observations.
Rows go to benchmarks/results/<CPU>/ablation.csv, the anytime curves (seconds since the run began, best speed within
the tolerance so far) to ablation_curves.csv, the page made of both to ablation.md. A model and seed that is there is
not run again, unless ``--fresh``. Run it on a quiet machine: it takes six times the time limit per model and seed.
"""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from autotune import recipe
from autotune.recipe.document import parse, write
from autotune.sources.cache import cache_dir
from benchmarks import anytime
from benchmarks.compare import cap, lay_out
from benchmarks.instruction_sets import results_folder
from benchmarks.judge import Judge, JudgeFailed, Subject
from benchmarks.prepare import names, prepare
from benchmarks.table import TOLERANCES
from benchmarks.tools import run_autotune

# What each changes in the recipe, besides what is common to all.
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    anytime.FULL: {},
    "without prior": {"strategy": {"prior": False}},
    "without early stopping": {"strategy": {"early_stopping": False}},
    "without forms": {"space": {"forms": "off"}},
    "without observe-once": {"strategy": {"candidates": "nncf"}},
    "random search": {"strategy": {"prior": False, "neighbours": False, "sampler": "random"}},
}
# More than any time limit leaves time for.
_TRIALS = 1_000_000
KEY = ["model", "isa", "seed", "limit"]
COLUMNS = [
    *KEY, "variant", "failure", "seconds_to_target", "target", "speed", "speed_low", "speed_high", "verdict",
    "best_measured", "trials", "states", "winner", "wall_seconds", "judged_speed", "judged_speed_low",
    "judged_speed_high", "status", "drop", "drop_upper", "notes",
]  # fmt: skip
CURVE = [*KEY, "variant", "seconds", "speed", "trial"]
Record = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """``limit``: seconds per run. ``seconds``: per series of the judge's timed pairs."""

    limit: float
    seconds: float
    max_drop: float


def written(asked: recipe.Recipe, folder: Path, seed: int, limit: float, changes: Mapping[str, Any]) -> Path:
    """Write the recipe of one run into ``folder``."""
    plain, _ = parse(recipe.dump(asked.rebased(folder)), "")
    common = {"strategy": {"settle": False}, "budget": {"trials": _TRIALS, "timeout": f"{limit:g}s"}}
    for part in (common, changes):
        for section, keys in part.items():
            plain[section] = {**plain.get(section, {}), **keys}
    path = folder / "recipe.yaml"
    path.write_text(write({**plain, "seed": seed}))
    recipe.load(path)
    return path


def cold_cache(folder: Path) -> Path:
    """Make a cache folder that has everything the real one has but observations: each run pays for its own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for entry in cache_dir().resolve().iterdir():
        if entry.name not in ("observations", "benchmarks"):
            (folder / entry.name).symlink_to(entry)
    return folder


def ablate(name: str, isa: str, seed: int, options: Options) -> tuple[list[Record], list[Record]]:
    """Run every variant on one model with one seed; return rows and points of curves."""
    common = {"model": name, "isa": isa, "seed": seed, "limit": options.limit}
    work = cache_dir().resolve() / "benchmarks" / "ablation" / f"{name}-{isa}-{seed}"
    shutil.rmtree(work, ignore_errors=True)
    (work / "given-recipe").mkdir(parents=True)
    asked = recipe.load(prepare(name))
    task = lay_out(name, written(asked, work / "given-recipe", seed, options.limit, {}), work)
    judge = Judge(task, work / "given" / "holdout.npz", work / "judge", cap(isa), options.seconds)
    rows, points, curves = [], [], {}
    for variant, changes in VARIANTS.items():
        typer.echo(f"{name} {isa}, seed {seed}: {variant}")
        output = work / variant.replace(" ", "-")
        output.mkdir()
        path = written(asked, output, seed, options.limit, changes)
        environment = {**cap(isa), "AUTOTUNE_CACHE": str(cold_cache(work / "cache"))}
        # The limit holds but for the plain configurations and what was begun; ten times it is an accident.
        result, properties = run_autotune(path, options.max_drop, output, environment, 10 * options.limit + 600)
        row: Record = {**common, "variant": variant}
        if result.failure:
            rows.append({**row, "failure": result.failure})
            continue
        told = json.loads((output / "run" / "run.json").read_text())
        curve = [(point["seconds"], point["speedup"]) for point in told["anytime"]]
        curves[variant] = curve
        points += [
            {**row, "seconds": p["seconds"], "speed": p["speedup"], "trial": p["trial"]} for p in told["anytime"]
        ]
        row |= facts(told)
        try:
            row |= judged(judge, Subject(result.model, "openvino", properties), options.max_drop)
        except JudgeFailed as error:
            row["failure"] = f"its model cannot be judged: {error}"
        rows.append(row)
    shutil.rmtree(work / "cache", ignore_errors=True)
    return anytime.with_targets(rows, curves), points


def facts(told: Mapping[str, Any]) -> Record:
    """Return what a run says of itself."""
    speedup = told["speedup"]
    return {
        "speed": speedup["ratio"],
        "speed_low": speedup["low"],
        "speed_high": speedup["high"],
        "verdict": told["verdict"]["status"],
        "best_measured": max((point["speedup"] for point in told["anytime"]), default=None),
        "trials": told["trials"] - told["states"]["duplicate"],
        "states": json.dumps(told["states"]),
        "winner": told["winner"]["label"],
        "wall_seconds": round(told["wall_seconds"], 1),
        "notes": " ".join(told["notes"]),
    }


def judged(judge: Judge, subject: Subject, max_drop: float) -> Record:
    """Return what the common judge says of a run's model."""
    found = judge.judge(subject, max_drop)
    speeds = {f"judged_{key}": found[key] for key in ("speed", "speed_low", "speed_high")}
    return {**speeds, **{key: found[key] for key in ("status", "drop", "drop_upper")}}


class Results:
    """The three files; they are written after every model and seed."""

    def __init__(self, folder: Path) -> None:
        self._files = {"rows": folder / "ablation.csv", "curves": folder / "ablation_curves.csv"}
        self._page = folder / "ablation.md"
        columns = {"rows": COLUMNS, "curves": CURVE}
        self._frames = {
            name: pd.read_csv(file) if file.exists() else pd.DataFrame(columns=columns[name])
            for name, file in self._files.items()
        }

    def has(self, key: Sequence[Any]) -> bool:
        """Whether this model, instruction set, seed and time limit was run."""
        return bool(_equal(self._frames["rows"], key).any())

    def put(self, key: Sequence[Any], rows: list[Record], points: list[Record]) -> None:
        """Put the rows of one model and seed in the place of older ones."""
        for name, columns, new in (("rows", COLUMNS, rows), ("curves", CURVE, points)):
            old = self._frames[name]
            kept = old[~_equal(old, key)]
            added = pd.DataFrame(new, columns=columns)
            frame = added if kept.empty else kept if added.empty else pd.concat([kept, added], ignore_index=True)
            self._frames[name] = frame.sort_values(KEY, kind="stable", ignore_index=True)
            self._frames[name].to_csv(self._files[name], index=False, float_format="%.6g")
        self._page.write_text(anytime.document(self._frames["rows"].to_dict("records")))


def _equal(frame: pd.DataFrame, key: Sequence[Any]) -> pd.Series:
    same = pd.Series(True, index=frame.index)
    for column, value in zip(KEY, key, strict=True):
        same &= frame[column] == value
    return same


def main(  # noqa: PLR0917
    models: Annotated[str, typer.Option(help="Models, with commas between; default all.")] = "",
    timeout: Annotated[str, typer.Option(help="Time limit of every run, such as 240s or 5m.")] = "240s",
    seconds: Annotated[float, typer.Option(help="Seconds per series of timed pairs of a run's model.")] = 10,
    seeds: Annotated[str, typer.Option(help="Seeds, with commas between: of splits and samplers.")] = "0",
    isa: Annotated[str, typer.Option(help="native, or this CPU restricted, such as AVX2.")] = "native",
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what is there.")] = False,
) -> None:
    """Run autotune in full and with each part left out."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the running tool ends too
    chosen = [name.strip() for name in models.split(",") if name.strip()] or names()
    unknown = sorted(set(chosen) - set(names()))
    if unknown:
        raise typer.BadParameter(f"no model {' or '.join(unknown)}; there are {', '.join(names())}")
    options = Options(recipe.parse_duration(timeout), seconds, TOLERANCES[0])
    results = Results(results_folder())
    for name in chosen:
        for seed in [int(text) for text in seeds.split(",")]:
            key = (name, isa, seed, options.limit)
            if results.has(key) and not fresh:
                continue
            try:
                results.put(key, *ablate(name, isa, seed, options))
            except Exception as error:  # noqa: BLE001 - no network, another Debian: the other models go on
                reason = f"not prepared: {' '.join(str(error).split())[:400]}"
                failed = [dict(zip(KEY, key, strict=True)) | {"variant": v, "failure": reason} for v in VARIANTS]
                results.put(key, failed, [])
    typer.echo(f"Wrote {results_folder() / 'ablation.md'}")


if __name__ == "__main__":
    typer.run(main)
