"""Recipes that ship, tuned as they are but for the number of trials. Others are: digits in test_strategy, file-type by
the README's main job."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import autotune


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", ["speech-frames", "text-direction", "text-finding"])
def test_a_recipe_is_tuned(name: str, tmp_path: Path) -> None:
    run = autotune.tune(f"recipe:{name}", trials=1, output=tmp_path / "run", quiet=True)
    assert run.outcome == "winner"
    assert run.summary["verdict"]["status"] in ("proven", "expected")
    assert {"float", "int8-static"} <= set(run.trials["scheme"])
    assert json.loads((run.model / "deploy.json").read_text())["CPU"]
