from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from autotune import recipe
from benchmarks.training import TRAINED, document, row


def test_a_row_is_what_the_run_says(tmp_path: Path) -> None:
    columns = ["scheme", "state", "trained", "drop"]
    trials = [
        ("float", "complete", None, 0.0), ("int8-static", "complete", None, 0.4), ("int8-static", "stopped", None, 0.1),
        ("int8-static", "complete", "4de5", 0.008), ("int8-static", "complete", "5248", 0.003),
    ]  # fmt: skip
    pd.DataFrame(trials, columns=columns).to_csv(tmp_path / "trials.csv", index=False)
    verdict = {"tolerance": 0.01, "status": "expected", "drop": 0.007, "drop_upper": 0.015, "n": 1500}
    summary = {"name": "net", "winner": {"label": "int8"}, "verdict": verdict, "ladder": {"stopped": "Trained."}}
    (tmp_path / "run.json").write_text(json.dumps(summary))
    made = row(tmp_path)
    assert (made["static_trials"], made["static_drop"], made["trained_trials"], made["trained_drop"]) == (
        2,
        0.4,
        2,
        0.003,
    )
    line = (
        "| net | 0.0100 | 0.4000 (2 trials) | 0.0030 (2 rounds) | int8 | +0.0070 (at most +0.0150, n 1500) | expected |"
    )
    assert line in document([made]).splitlines()


def test_their_recipes_load() -> None:
    for path in TRAINED.glob("*.yaml"):
        made = recipe.load(path)
        assert made.name == path.stem and made.training is not None
