"""What observing and building cost, on the models and samples of the recipes.

    python benchmarks/candidates.py [RECIPE.yaml ...]

Observation against plain inference of the same calibration samples, in interleaved pairs: for the samples alone (the
difference between three times as many samples and once), and with both compilations; seconds per build over random
configurations, placement included; seconds of the first candidate of each graph form, all groups at once and every
alpha of the smoothing a form of its own, without the compilations and inferences of its observation (rewriting's own
are counted), the median of three times from the start. One row per recipe goes to
benchmarks/results/<CPU>/candidates.csv. Run it on a quiet machine.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import get_args

import numpy as np
import openvino as ov
import pandas as pd
from instruction_sets import results_folder
from prepare import shipped

from autotune import hardware, recipe
from autotune.configuration import (
    ActivationChoice,
    Configuration,
    Estimator,
    FormChoice,
    PlacementName,
    Preset,
    Quantization,
)
from autotune.data import Dataset
from autotune.graph.normalise import normalise
from autotune.measure.compiled import compile_model
from autotune.quantize.factory import CandidateFactory
from autotune.quantize.observe import observe
from autotune.quantize.placement import Placer
from autotune.quantize.shared import Reference
from autotune.quantize.variants import Variants
from autotune.sources.datasets import load_data
from autotune.sources.model import conform_splits, locate, read
from autotune.stopwatch import Stopwatch

PAIRS = 7
BUILDS = 40
REPEATS = 3
ALPHAS = (0.95, 0.5, 0.8)
ESTIMATORS = (
    Estimator("mean-min-max"),
    Estimator("min-max"),
    Estimator("moving-average", 0.1),
    Estimator("percentile", 0.999),
    Estimator("mse"),
    Estimator("entropy"),
)


def plain_inference(model: ov.Model, data: Dataset, threads: int) -> None:
    """Compile and run every sample once, one after the other with all threads: what scoring them costs."""
    compiled = compile_model(model, "f32", threads)
    for index in range(len(data)):
        compiled.infer(data.row(index))


def observe_whole(model: ov.Model, data: Dataset, tensors: dict[str, frozenset[int]], threads: int) -> None:
    """Observe the model, and look at the samples that its graph forms are compared on."""
    Reference(model, "", observe(model, data, tensors, threads=threads), data, Stopwatch())


def seconds(action: object, *arguments: object, **options: object) -> float:
    started = time.perf_counter()
    action(*arguments, **options)  # type: ignore[operator]
    return time.perf_counter() - started


def measure(path: Path) -> dict[str, object]:
    asked = recipe.load(path)
    splits = load_data(asked, False, lambda text: None)
    source, _ = read(locate(asked), {k: tuple(v) for k, v in asked.inputs.items()}, splits.search)
    data = conform_splits(splits, source).calibration
    model, _ = normalise(source)
    threads = hardware.usable_cores()
    tensors = Placer(model, data.row(0)).tensors()
    thrice = data.take(np.tile(np.arange(len(data)), 3))
    whole, samples_alone = [], []
    for _ in range(PAIRS):
        plain = [seconds(plain_inference, model, part, threads) for part in (data, thrice)]
        observed = [seconds(observe_whole, model, part, tensors, threads) for part in (data, thrice)]
        whole.append(observed[0] / plain[0])
        samples_alone.append((observed[1] - observed[0]) / (plain[1] - plain[0]))
    with tempfile.TemporaryDirectory() as scratch:
        factory = CandidateFactory(model, data, Path(scratch), threads)
        factory.prepare()
        factory.observe()
        gc.collect()
        gc.freeze()  # as the child does
        builds = build_seconds(factory)
    repeats = [form_seconds(model, data, threads) for _ in range(REPEATS)]
    forms = {name: statistics.median(each[name] for each in repeats) for name in repeats[0]}
    slowest = max(forms, key=lambda name: forms[name], default="")
    return {
        "recipe": asked.name,
        "samples": len(data),
        "observed_tensors": len(tensors),
        "observe_over_inference": round(statistics.median(samples_alone), 2),
        "with_compiling": round(statistics.median(whole), 2),
        "with_compiling_min": round(min(whole), 2),
        "with_compiling_max": round(max(whole), 2),
        "build_seconds_median": round(statistics.median(builds), 4),
        "build_seconds_max": round(max(builds), 4),
        "forms": len(forms),
        "form_seconds_median": round(statistics.median(forms.values()), 4) if forms else None,
        "form_seconds_max": round(forms[slowest], 4) if forms else None,
        "slowest_form": slowest,
        "nncf_path": factory.nncf_path,
    }


def build_seconds(factory: CandidateFactory) -> list[float]:
    """Build random configurations: placement, preset, estimator and a random set of float operators."""
    rng = random.Random(0)
    spent = []
    for _ in range(BUILDS):
        kept = tuple(rng.sample(list(factory.operators), rng.randrange(len(factory.operators) // 2 + 1)))
        choice = Quantization(
            placement=rng.choice(get_args(PlacementName)),
            preset=rng.choice(get_args(Preset)),
            float_operators=kept,
            activation=ActivationChoice(rng.choice(ESTIMATORS)),
        )
        spent.append(seconds(factory.build, choice))
    return spent


def form_seconds(model: ov.Model, data: Dataset, threads: int) -> dict[str, float]:
    """Build the first candidate of each form, under each placement; seconds without OpenVINO's part of observing."""
    spent: dict[str, float] = {}
    for placement in get_args(PlacementName):
        with tempfile.TemporaryDirectory() as scratch:  # else what one placement observed would serve the other
            variants = Variants(model, data, Path(scratch), threads)
            variants.observe()
            variants.build(Configuration(quantization=Quantization(placement)))
            gc.collect()
            gc.freeze()
            for name, groups in variants.groups.items():
                for alpha in ALPHAS if name == "smoothing" else (None,):
                    forms = (FormChoice(name, tuple(groups), alpha),)
                    asked = Configuration(forms=forms, quantization=Quantization(placement))
                    before = variants.watch.seconds
                    took = seconds(variants.build, asked)
                    label = f"{name} {alpha or ''}".strip()
                    spent[f"{label}, {placement}"] = took - (variants.watch.seconds - before)
            gc.unfreeze()
    return spent


def main() -> None:
    recipes = [Path(r) for r in sys.argv[1:]] or shipped()
    table = pd.DataFrame([measure(path) for path in recipes])
    print(table.to_string(index=False))
    table.to_csv(results_folder() / "candidates.csv", index=False)


if __name__ == "__main__":
    main()
