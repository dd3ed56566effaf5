"""A PyTorch module that a user's function makes, as a model: converted at each run, kept by what came of it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autotune.data import Dataset
from autotune.files import sha256
from autotune.recipe import Recipe
from autotune.sources.cache import cache_dir
from autotune.sources.converting import MODEL, check_torch, converted, sentence, shapes
from autotune.usercode import trusted_file


def request(recipe: Recipe, runs: Dataset, trust_code: bool) -> dict[str, Any]:
    """Return what a process with PyTorch makes the recipe's module from.

    Raises:
        UserError: code is not trusted, or PyTorch is not installed.
    """
    spec = recipe.model.function
    assert spec is not None
    trusted_file(spec, recipe.base, trust_code, "model")
    check_torch(spec)
    return {"source": "function", "function": spec, "base": str(recipe.base), "name": spec, "shapes": shapes(runs)}


def convert(recipe: Recipe, sample: Dataset, trust_code: bool, announce: Callable[[str], None]) -> Path:
    """Return the module of the recipe's ``FILE.py:factory`` as OpenVINO IR with the shapes of ``sample``.

    Where its weights come from only the function knows, so it is asked each time; equal models are one file.

    Args:
        sample: some of the data; a few of them are what the conversion is tried and checked on.
        announce: told how it was converted.

    Raises:
        UserError: code is not trusted, PyTorch is not installed, or the module cannot be made, run or converted.
    """
    runs = sample.runs()
    asked = request(recipe, runs, trust_code)
    spec = asked["name"]
    models = cache_dir().absolute() / "models"
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".module-", dir=models) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        reply = converted(asked, runs, made)
        digests = [sha256(made / name) for name in (MODEL, str(Path(MODEL).with_suffix(".bin")))]
        place = models / hashlib.sha256("".join(digests).encode()).hexdigest()[:32]
        if not (place / MODEL).is_file():
            shutil.rmtree(place, ignore_errors=True)
            made.rename(place)
    announce(sentence(spec, reply, again=False))
    return place / MODEL
