"""The recipes that come with autotune: each can be loaded, says what it is in a line, and is in the wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autotune import recipe
from autotune.errors import UserError
from autotune.recipe.shipped import describe

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_loads(name: str) -> None:
    made = recipe.load(Path(f"recipe:{name}"))
    assert made.name == name
    assert made == recipe.load(ROOT / f"recipes/{name}.yaml")
    assert made.model.path is None or (made.base / made.model.path).exists()


def test_every_recipe_is_listed_with_a_line() -> None:
    listed = recipe.shipped()
    assert [found.name for found in listed] == NAMES
    assert all(10 < len(found.description) < 200 for found in listed)


@pytest.mark.parametrize("name", ["recipe:nothing", "recipe:", "recipe:../recipes/digits", "recipe:digits/digits"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(UserError, match=r"there is no recipe:.*'autotune recipes' lists them\."):
        recipe.located(name)
    assert recipe.located("recipes/digits.yaml") is None


def test_the_line_is_the_description_or_the_first_sentence() -> None:
    head = "# Which of 3.5 kinds a thing has,\n# v1.2 of it. More is said here.\nversion: 1\n"
    assert describe(head, "x.yaml") == "Which of 3.5 kinds a thing has, v1.2 of it"
    assert describe(head + "description: Things.\n", "x.yaml") == "Things."
    assert describe("version: 1\n# Not the head.\n", "x.yaml") == ""


@pytest.mark.network
def test_an_installed_package_has_them(tmp_path: Path) -> None:
    """What pip would install is built, and asked from a folder that is not the repository."""
    source, wheels, installed = tmp_path / "source", tmp_path / "wheels", tmp_path / "installed"
    source.mkdir()
    for name in ("autotune", "recipes"):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(source)]
    subprocess.run(build, check=True, timeout=200)
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        held = {name.removeprefix("autotune/shipped/") for name in wheel.namelist() if "/shipped/" in name}
        wheel.extractall(installed)
    files = {path.relative_to(source / "recipes") for path in (source / "recipes").rglob("*") if path.is_file()}
    assert held == {path.as_posix() for path in files}
    asked = subprocess.run(
        [sys.executable, "-m", "autotune", "recipes"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert all(name in asked.stdout for name in NAMES)
