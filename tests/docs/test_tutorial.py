"""The tutorial's blocks run as they stand, in their order, in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pages import DOCS, ROOT, blocks

RUNS = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": ["python", "-c"]}


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """This interpreter and this autotune, as ``python`` and ``autotune``, as an activated environment has them."""
    programs = tmp_path_factory.mktemp("bin")
    for name, words in {"python": "", "autotune": "-m autotune "}.items():
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        program.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


@pytest.mark.slow
def test_every_block_runs(tmp_path: Path, environment: dict[str, str]) -> None:
    page = DOCS / "tutorial.md"
    ran = 0
    for block in blocks(page):
        if block.mark == "not run":
            continue
        if block.title:
            (tmp_path / block.title).write_text(block.text)
            continue
        done = subprocess.run(
            [*RUNS[block.language], block.text],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode in block.exit_codes, (
            f"tutorial.md:{block.line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
        ran += 1
    assert ran >= 8
    assert {"report.html", "run.json", "solved.yaml", "trials.csv", "model"} <= {
        p.name for p in (tmp_path / "run").iterdir()
    }
