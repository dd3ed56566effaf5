"""Trials of a real child: what equals an earlier candidate is not measured again, whatever became of that one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autotune import data
from autotune.configuration import Configuration, Quantization
from autotune.evaluator import Evaluator
from autotune.protocol import Prepared, Setup
from autotune.recipe import Recipe
from autotune.record import Trial
from autotune.runner import Runner
from autotune.sources.datasets import load_data
from autotune.sources.model import locate

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runner(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    recipe = Recipe.quick(str(tiny / "model.xml"), str(tiny / "data.npz"), "accuracy")
    folder = tmp_path_factory.mktemp("setup")
    data.save(load_data(recipe, False, print), folder / "splits.npz")
    setup = Setup.of(
        recipe, model=locate(recipe), splits=folder / "splits.npz", trust_code=False, cache=folder / "cache"
    )
    with Runner(setup, folder / "run.log") as started:
        yield started


def test_equal_candidates_are_measured_once_also_float_f32_and_what_failed(runner: Runner, tmp_path: Path) -> None:
    prepared: Prepared = runner.prepare()
    everything = tuple(prepared.model.operators)
    evaluator = Evaluator(runner, prepared, 0.01, 0.1, tmp_path, early_stopping=False, begun=0.0)
    trials: list[Trial] = []

    def evaluate(configuration: Configuration) -> Trial:
        trials.append(evaluator.evaluate(len(trials), configuration, "sampler", trials).trial)
        return trials[-1]

    assert evaluate(Configuration()).state == "complete"
    nothing = evaluate(Configuration(quantization=Quantization(float_operators=everything)))
    assert (nothing.state, nothing.duplicate_of) == ("duplicate", 0), "it is float f32"
    failed = evaluate(Configuration(precision="f7"))  # type: ignore[arg-type]  # what OpenVINO refuses
    assert (failed.state, failed.failure and failed.failure.stage) == ("failed", "compile")
    assert failed.candidate == trials[0].candidate
    assert failed.seconds.compile > 0
    again = evaluate(Configuration("f7", Quantization(float_operators=everything)))  # type: ignore[arg-type]
    assert (again.state, again.duplicate_of) == ("duplicate", 2)
    assert again.failure == failed.failure

    late = evaluator.evaluate(9, Configuration(threads=1), "sampler", trials, patience=0.0).trial
    assert (late.failure and late.failure.kind) == "timeout", "the time is up"
    before = runner.starting_seconds
    built = evaluate(Configuration(threads=1))
    assert built.state == "complete"
    assert built.seconds.build < (runner.starting_seconds - before) / 2, "starting another child is no building"
