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


def test_an_example_for_all_of_it() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80", "TERM": "dumb"})
    assert "Example: autotune init model.onnx" in " ".join(result.stdout.split())


def completed(**asked: str) -> str:
    """What a shell's completion script gets from the command, which it calls with these variables."""
    script = "import sys; sys.argv = ['autotune']; from autotune.__main__ import main; main()"
    command = [sys.executable, "-c", script]
    return subprocess.run(command, env={**os.environ, **asked}, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("autotune va", {"validate"}),
        ("autotune tune --max", {"--max-drop", "--max-latency", "--max-memory", "--max-size"}),
        ("autotune tune --metric map", {"map", "map-50"}),
        ("autotune init --task text-cl", {"text-classification"}),
        ("autotune verify --isa nat", {"native"}),
    ],
)
def test_bash_completes_commands_options_and_values(words: str, offered: set[str]) -> None:
    index = str(len(words.split()) - 1)
    assert set(completed(_AUTOTUNE_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=index).split()) == offered


def test_other_shells_complete_too() -> None:
    zsh = completed(_AUTOTUNE_COMPLETE="complete_zsh", _TYPER_COMPLETE_ARGS="autotune va")
    assert '"validate"' in zsh
    fish = completed(
        _AUTOTUNE_COMPLETE="complete_fish", _TYPER_COMPLETE_ARGS="autotune va", _TYPER_COMPLETE_FISH_ACTION="get-args"
    )
    assert fish.startswith("validate")


def test_recipes_are_listed_with_a_line_each() -> None:
    lines = CliRunner().invoke(app, ["recipes"]).stdout.splitlines()
    assert lines and all(line.startswith("recipe:") and len(line) <= 80 for line in lines)
    paths = CliRunner().invoke(app, ["recipes", "--paths"]).stdout.splitlines()
    assert [line.split()[0] for line in paths] == [line.split()[0] for line in lines]
