"""Each switch of the strategy, in a real run on the digits recipe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from autotune import recipe
from benchmarks.ablation import VARIANTS, written

DIGITS = Path(__file__).parents[2] / "recipes" / "digits.yaml"
# How many trials show each switch; two in one run where what they leave out can be told apart. With none of them, a run
# is as in every other test.
TOGETHER = {
    ("without prior", "without forms"): 10,
    ("without early stopping",): 10,
    ("without observe-once",): 6,  # each is built by nncf.quantize
    ("random search",): 10,
}


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autotune", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


def tuned(folder: Path, changes: dict[str, Any], count: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    path = written(recipe.load(DIGITS), folder, 0, 240.0, changes)
    result = run("tune", path, "--trials", str(count), "--output", folder / "run")
    assert result.returncode == 0, result.stderr + result.stdout
    summary = json.loads((folder / "run" / "run.json").read_text())
    said = recipe.load(path).strategy.note
    assert said in " ".join(result.stdout.split()) and said in summary["notes"]
    assert said in (folder / "run" / "report.html").read_text()
    return pd.read_csv(folder / "run" / "trials.csv"), summary


def test_no_variant_is_left_out() -> None:
    assert {name for names in TOGETHER for name in names} == {name for name in VARIANTS if VARIANTS[name]}


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("variants", TOGETHER, ids=" and ".join)
def test_every_variant_runs_to_the_end(variants: tuple[str, ...], tmp_path: Path) -> None:
    changes = {section: keys for name in variants for section, keys in VARIANTS[name].items()}
    trials, summary = tuned(tmp_path, changes, TOGETHER[variants])
    assert summary["outcome"] == "winner"
    assert trials.ended_seconds.is_monotonic_increasing and (trials.ended_seconds > 0).all()
    ends = dict(zip(trials.trial, trials.ended_seconds, strict=True))
    assert all(point["seconds"] == pytest.approx(ends[point["trial"]]) for point in summary["anytime"])
    own = trials[trials.origin != "plain"]
    measured = trials[trials.state.isin(["complete", "stopped"])]
    if {"without prior", "random search"} & set(variants):
        assert "guide" not in set(trials.origin)
    if "random search" in variants:
        assert set(own.origin) == {"sampler"}
    if "without early stopping" in variants:
        assert "stopped" not in set(trials.state)
        assert (measured.samples == summary["splits"]["search"]).all()
    if "without forms" in variants:
        assert (measured.forms.isna() | (measured.forms == "{}")).all()
    if "without observe-once" in variants:
        assert not trials.estimator.isin(["moving-average", "entropy"]).any()
        again = run("apply", tmp_path / "run" / "solved.yaml", "--output", tmp_path / "again")
        assert again.returncode == 0, "the winner is rebuilt in the same way, bit for bit"


@pytest.mark.slow
@pytest.mark.network
def test_a_run_is_not_resumed_with_another_strategy(tmp_path: Path) -> None:
    path = written(recipe.load(DIGITS), tmp_path, 0, 240.0, {})
    output = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "autotune", "tune", str(path), "--output", str(output)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert any("[2/" in line for line in process.stdout)
    process.kill()
    process.wait()
    path = written(recipe.load(DIGITS), tmp_path, 0, 240.0, VARIANTS["without prior"])
    result = run("tune", path, "--output", output, "--resume")
    assert result.returncode == 2
    assert "strategy.prior was not set, is false" in " ".join(result.stderr.split())
