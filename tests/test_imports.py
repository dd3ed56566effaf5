"""Start-up stays light: heavy packages are imported where they are needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

import autotune

HEAVY = ("openvino", "nncf", "optuna", "torch", "transformers", "pandas", "sklearn", "scipy", "plotly")


@pytest.mark.parametrize("code", ["import autotune", "import autotune.cli", "import autotune.tuner"])
def test_imports_nothing_heavy(code: str) -> None:
    allowed = {"optuna", "pandas"} if "tuner" in code else set()
    script = f"import sys; {code}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert set(found) <= allowed


def test_public_names() -> None:
    assert autotune.__all__ == ["load"]
