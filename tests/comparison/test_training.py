from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from autotune import recipe
from benchmarks.training import TRAINED, document, row


def test_a_row_is_what_the_run_says(tmp_path: Path) -> None:
    columns = ["scheme", "state", "trained", "drop", "speedup", "size_bytes"]
    trials = [
        ("float", "complete", None, 0.0, 1.0, 400), ("int8-static", "complete", None, 0.4, 2.2, 100),
        ("int8-static", "stopped", None, 0.1, 2.3, 100), ("int8-static", "complete", None, 0.02, 1.9, 100),
        ("int8-static", "complete", None, 0.01, 2.1, 200), ("int8-static", "complete", "4de5", 0.008, 2.1, 100),
        ("int8-static", "complete", "5248", 0.003, 2.2, 100),
    ]  # fmt: skip
    pd.DataFrame(trials, columns=columns).to_csv(tmp_path / "trials.csv", index=False)
    verdict = {"tolerance": 0.01, "status": "expected", "drop": 0.007, "drop_upper": 0.015, "n": 1500}
    summary = {
        **{"name": "net", "winner": {"label": "int8"}, "verdict": verdict, "ladder": {"stopped": "Trained."}},
        "speedup": {"ratio": 2.2, "low": 2.15, "high": 2.25},
    }
    (tmp_path / "run.json").write_text(json.dumps(summary))
    made = row(tmp_path, recipe.Tolerance(max_drop="1%", min_speedup=2, max_size=150))
    counts = made["static_trials"], made["static_drop"], made["trained_trials"], made["trained_drop"]
    assert counts == (1, 0.4, 2, 0.003), "too slow, too large and stopped ones do not count"
    line = (
        "| net | 0.01, 2x, 0.00015 MB | 0.4 (1 trial; 1 given up) | 0.003 (2 rounds) | int8 | 2.20 (2.15 to 2.25) "
        "| +0.007 (at most +0.015, n 1500) | expected |"
    )
    assert line in document([made]).splitlines()
    needless = document([{**made, "trained_trials": 0, "trained_drop": float("nan"), "stopped": "Not climbed."}])
    assert "| 0.4 (1 trial; 1 given up) | Not climbed. |" in needless


def test_their_recipes_load() -> None:
    for path in TRAINED.glob("*.yaml"):
        made = recipe.load(path)
        assert made.name == path.stem and made.training is not None
