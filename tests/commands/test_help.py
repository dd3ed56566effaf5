"""Every command explains itself with an example, shells complete it, and the list of recipes fits a terminal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from autotune.cli import app

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_example_for_every_command(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "80", "TERM": "dumb"})
    assert result.exit_code == 0
    assert f"Example: autotune {command}" in " ".join(result.stdout.split())
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_shells_complete_commands_and_options() -> None:
    def completed(words: str, index: int) -> list[str]:
        asked = {"_AUTOTUNE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(index)}
        script = "import sys; sys.argv = ['autotune']; from autotune.__main__ import main; main()"
        command = [sys.executable, "-c", script]
        environment = {**os.environ, **asked}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert completed("autotune va", 1) == ["validate"]
    assert {"--max-drop", "--max-size"} <= set(completed("autotune tune --max", 2))


def test_recipes_are_listed_with_a_line_each() -> None:
    lines = CliRunner().invoke(app, ["recipes"]).stdout.splitlines()
    assert lines and all(line.startswith("recipe:") and len(line) <= 80 for line in lines)
    paths = CliRunner().invoke(app, ["recipes", "--paths"]).stdout.splitlines()
    assert [line.split()[0] for line in paths] == [line.split()[0] for line in lines]
