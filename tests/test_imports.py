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
    assert autotune.__all__ == ["AutotuneError", "Events", "Run", "UserError", "load", "read_table", "tune"]
    assert all(callable(getattr(autotune, name)) for name in autotune.__all__)


@pytest.mark.parametrize("version", ["(3, 10, 14)", "(3, 14, 0)"])
def test_an_unsupported_python_is_answered_with_a_sentence(version: str) -> None:
    """As there, where nothing of ours is installed: typer cannot be imported."""
    code = f"import sys; sys.version_info = {version}; sys.modules['typer'] = None; import runpy; "
    code += "runpy.run_module('autotune', run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    major, minor, _ = version.strip("()").split(", ")
    assert result.returncode == 2
    assert result.stderr == f"Error: Python {major}.{minor} is not supported; use 3.11, 3.12 or 3.13.\n"
