"""How well the prior knows what trials will find, on the models and samples of the recipes.

    python -m benchmarks.prior [--models file-type,digits] [--sets 20] [--placement transformer]

Per model: random sets of float operators, each built and measured; Spearman's correlation of predicted with measured
time (from profiles alone, and on the second half after the first half corrected it), of summed sensitivity with the
distance of outputs, and of predicted with measured drop, as for time. One row per model goes to
benchmarks/results/<CPU>/prior.csv, the page made of them to prior.md; other models' rows stay. Run it on a quiet
machine.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

import numpy as np
import openvino as ov
import pandas as pd
import typer

from autotune import hardware, recipe
from autotune.configuration import PlacementName, Quantization
from autotune.data import Dataset
from autotune.graph.neighbours import edges, neighbours, sizes
from autotune.graph.normalise import normalise
from autotune.measure.compiled import Compiled, compile_model, ready
from autotune.measure.latency import measure_pairs
from autotune.prior.cost import CostModel, Scored
from autotune.prior.gain import Timed, TimeModel, attribute, border_costs, rank_correlation
from autotune.prior.knapsack import Item, sweep
from autotune.quantize.factory import CandidateFactory
from autotune.quantize.placement import DEFAULT_PRESETS
from autotune.quantize.sensitivity import Sensitivity
from autotune.record import Latency, OperatorRun
from autotune.scoring import Scorer
from autotune.sources.datasets import load_data
from autotune.sources.model import conform_splits, locate, read
from autotune.tasks import metrics
from benchmarks.instruction_sets import results_folder
from benchmarks.prepare import names, prepare

PROFILES = 3


class Subject:
    """One recipe's model and data, ready to be measured."""

    def __init__(self, path: Path, placement: PlacementName, scratch: Path) -> None:
        asked = recipe.load(path)
        splits = load_data(asked, False, lambda text: None)
        source, _ = read(locate(asked), {k: tuple(v) for k, v in asked.inputs.items()}, splits.search)
        splits = conform_splits(splits, source)
        self.name = asked.name
        self.placement: PlacementName = placement
        self.model, _ = normalise(source)
        self.calibration: Dataset = splits.calibration
        self.threads = hardware.usable_cores()
        self.factory = CandidateFactory(self.model, splits.calibration, scratch, self.threads)
        self.factory.prepare()
        self.factory.observe()
        self.baseline = compile_model(self.model, "f32", self.threads)
        self.sample = splits.search.row(0)
        self.ready = ready([self.sample])
        metric = metrics.get(asked.metric, asked.base, False)
        self.scorer = Scorer(metric, splits.search, self.baseline)
        self.search: Dataset = splits.search

    def quantization(self, float_operators: tuple[str, ...] = ()) -> Quantization:
        return Quantization(self.placement, DEFAULT_PRESETS[self.placement], float_operators)

    def compiled(self, float_operators: tuple[str, ...] = ()) -> Compiled:
        return compile_model(self.factory.build(self.quantization(float_operators)), "f32", self.threads)

    def latency(self, compiled: Compiled) -> Latency:
        return measure_pairs(
            self.baseline.caller(self.ready),
            compiled.caller(self.ready),
            confidence=0.95,
            target_width=0.02,
            min_pairs=20,
            max_pairs=120,
            max_seconds=1.5,
        )

    def error(self, compiled: Compiled, count: int = 64) -> float:
        """Squared error of the float outputs over their variance, as ``Distance.error``."""
        rows = [self.search.row(i) for i in range(min(count, len(self.search)))]
        errors = []
        for name in self.baseline.outputs:
            one = np.stack([self.baseline.infer(row)[name].ravel() for row in rows]).astype(np.float64)
            other = np.stack([compiled.infer(row)[name].ravel() for row in rows]).astype(np.float64)
            errors.append(((one - other) ** 2).sum() / ((one - one.mean(axis=0)) ** 2).sum())
        return float(np.mean(errors))


def profiles(subject: Subject, operators: tuple[str, ...]) -> TimeModel:
    """Profile float and all-int8, the best of three each."""
    near = {name: (*n.feeds, *n.reads) for name, n in neighbours(subject.model, operators).items()}
    compiled = (subject.baseline, subject.compiled())
    runs = [
        min((c.profile(subject.sample) for _ in range(PROFILES)), key=lambda r: sum(o.microseconds for o in r))
        for c in compiled
    ]
    floats, int8 = (attribute(r, operators, near) for r in runs)
    return TimeModel(floats, int8, floats.total, costs(subject.model, operators, runs[1]))


def costs(model: ov.Model, operators: tuple[str, ...], runs: tuple[OperatorRun, ...]) -> dict[tuple[str, str], float]:
    return border_costs(edges(model, operators), runs, sizes(model))


def measure(path: Path, placement: PlacementName, sets: int, samples: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        subject = Subject(path, placement, Path(scratch))
        operators = tuple(subject.factory.operators)
        started = time.perf_counter()
        data = subject.calibration.take(slice(0, samples))
        found = subject.factory.sensitivity(subject.quantization(), data)
        sensitivity_seconds = time.perf_counter() - started
        started = time.perf_counter()
        model = profiles(subject, operators)
        profile_seconds = time.perf_counter() - started
        rng = random.Random(0)
        tried = [frozenset(rng.sample(operators, rng.randrange(len(operators) + 1))) for _ in range(sets)]
        rows = [row(subject, chosen) for chosen in tried]
    return {
        "recipe": subject.name,
        "placement": placement,
        "operators": len(operators),
        "inferences": found.inferences,
        "sensitivity_seconds": round(sensitivity_seconds, 2),
        "profile_seconds": round(profile_seconds, 2),
        **time_columns(model, tried, rows),
        **cost_columns(found, operators, tried, rows),
        **drop_columns(found, operators, tried, rows),
        **knapsack_columns(found, model),
    }


def row(subject: Subject, float_operators: frozenset[str]) -> dict[str, float]:
    compiled = subject.compiled(tuple(float_operators))
    speedup = subject.latency(compiled).speedup
    score = subject.scorer.score(compiled, None)
    return {
        "ratio": 1 / speedup.estimate,
        "width": 1 / speedup.low - 1 / speedup.high,
        "error": subject.error(compiled),
        "drop": score.drop,
        "drop_error": score.drop_error or 0.0,
    }


def time_columns(model: TimeModel, tried: list[frozenset[str]], rows: list[dict[str, float]]) -> dict[str, float]:
    measured = [r["ratio"] for r in rows]
    half = len(tried) // 2

    def columns(label: str, places: range) -> dict[str, float]:
        predicted = [model.predict(tried[i]) for i in places]
        actual = [measured[i] for i in places]
        off = float(np.median(np.abs(np.subtract(predicted, actual))))
        correlation = round(rank_correlation(predicted, actual), 2)
        return {label: correlation, f"off_{label}": round(off, 3)}

    found = columns("time_prior", range(len(tried))) | columns("second_half_prior", range(half, len(tried)))
    model.correct([Timed(tried[i], rows[i]["ratio"], rows[i]["width"]) for i in range(half)])
    return found | columns("second_half_corrected", range(half, len(tried)))


def cost_columns(
    found: Sensitivity, operators: tuple[str, ...], tried: list[frozenset[str]], rows: list[dict[str, float]]
) -> dict[str, float]:
    alone = [sum(found.alone[name].error for name in operators if name not in kept) for kept in tried]
    back = [-sum(found.whole.error - found.kept[name].error for name in kept) for kept in tried]
    error, drop = [r["error"] for r in rows], [r["drop"] for r in rows]
    return {
        "error_alone": round(rank_correlation(alone, error), 2),
        "error_kept": round(rank_correlation(back, error), 2),
        "drop_alone": round(rank_correlation(alone, drop), 2),
        "drop_error": round(rank_correlation(error, drop), 2),
        "sum_over_whole": round(sum(d.error for d in found.alone.values()) / found.whole.error, 2),
    }


def drop_columns(
    found: Sensitivity, operators: tuple[str, ...], tried: list[frozenset[str]], rows: list[dict[str, float]]
) -> dict[str, float]:
    model = CostModel({name: (name,) for name in operators}, {n: d.error for n, d in found.alone.items()})
    half = len(tried) // 2
    measured = [r["drop"] for r in rows[half:]]

    def correlation() -> float:
        return round(rank_correlation([model.predict(kept) for kept in tried[half:]], measured), 2)

    columns = {"drop_second_half_prior": correlation()}
    model.correct([Scored(tried[i], rows[i]["drop"], rows[i]["drop_error"]) for i in range(half)])
    off = float(np.median(np.abs(np.subtract([model.predict(kept) for kept in tried[half:]], measured))))
    return columns | {"drop_second_half_corrected": correlation(), "off_drop_second_half_corrected": round(off, 4)}


def knapsack_columns(found: Sensitivity, model: TimeModel) -> dict[str, float]:
    started = time.perf_counter()
    choices = sweep(
        [Item((name,), gain, found.alone[name].error) for name, gain in model.gains().items()], predict=model.predict
    )
    return {"choices": len(choices), "knapsack_seconds": round(time.perf_counter() - started, 3)}


def document(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the page."""
    columns = ("time_prior", "second_half_prior", "second_half_corrected", "off_second_half_corrected")
    columns += ("error_alone", "drop_alone", "drop_second_half_prior", "drop_second_half_corrected", "drop_error")
    lines = []
    for row in rows:
        cells = [row["recipe"], row["placement"], str(row["operators"]), *(f"{row[c]:.2f}" for c in columns)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(
        [
            "# What the prior knows before anything is tried\n",
            "Generated by `python -m benchmarks.prior`: random sets of operators kept float, built and measured. "
            "Spearman's rank correlation (empty where one side does not vary) of predicted with measured time: by the "
            "profiles, on all sets and on the second half; on the second half after the first half's trials corrected "
            "the model, with the median error as a share of float's time. And of the summed costs of the operators "
            "that are int8 with the distance of the outputs, and with the drop: on all sets, on the second half, and "
            "there after the first half's trials corrected the costs; the last column, distance with drop, is what no "
            "prior that looks at distances can pass before a trial is scored.\n",
            "| model | placement | operators | time, profiles | second half | corrected | off by | distance | drop | "
            "second half | corrected | distance with drop |\n|---|---|---|---|---|---|---|---|---|---|---|---|",
            *lines,
            "",
        ]
    ).replace("nan", "")


def main(
    models: Annotated[str, typer.Option(help="Models, with commas between; default all.")] = "",
    sets: int = 20,
    samples: int = 32,
    placement: str = "transformer",
) -> None:
    if placement not in get_args(PlacementName):
        raise typer.BadParameter(f"placement is one of {', '.join(get_args(PlacementName))}")
    file = results_folder() / "prior.csv"
    rows = {(r["recipe"], r["placement"]): r for r in (pd.read_csv(file).to_dict("records") if file.exists() else [])}
    for name in [n.strip() for n in models.split(",") if n.strip()] or names():
        row = {**measure(prepare(name), placement, sets, samples), "recipe": name}  # type: ignore[arg-type]
        rows[(name, placement)] = row
        table = pd.DataFrame([rows[key] for key in sorted(rows)])
        print(pd.Series(row).to_string())
        table.to_csv(file, index=False)
        file.with_suffix(".md").write_text(document(table.to_dict("records")))


if __name__ == "__main__":
    typer.run(main)
