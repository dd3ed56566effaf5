"""Datasets that a recipe names: one file each, and one line here.

A builtin is a module with ``load(announce, **options)``, which returns a Dataset or, for a task, a pandas table whose
columns are called as their roles; its keyword arguments are the options a recipe
may give, their defaults and types are what is checked.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from autotune.data import Dataset
from autotune.errors import UserError, suggest

if TYPE_CHECKING:
    import pandas as pd

BUILTINS = {
    "document-pages": "autotune.sources.builtin.document_pages",
    "mnist-5k": "autotune.sources.builtin.mnist_5k",
    "page-layout": "autotune.sources.builtin.page_layout",
    "played-notes": "autotune.sources.builtin.played_notes",
    "python-files": "autotune.sources.builtin.python_files",
    "rated-pairs": "autotune.sources.builtin.rated_pairs",
    "spoken-letters": "autotune.sources.builtin.spoken_letters",
    "text-lines": "autotune.sources.builtin.text_lines",
    "text-regions": "autotune.sources.builtin.text_regions",
    "text-turns": "autotune.sources.builtin.text_turns",
    "topic-pairs": "autotune.sources.builtin.topic_pairs",
}


def load(name: str, options: Mapping[str, Any], announce: Callable[[str], None]) -> Dataset | pd.DataFrame:
    """Load a builtin dataset.

    Raises:
        UserError: an unknown name or option, an option of the wrong type or below 1, or a download that failed.
    """
    check_name(name)
    function = importlib.import_module(BUILTINS[name]).load
    known = {
        key: parameter.default
        for key, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    for key, value in options.items():
        if key not in known:
            hint = suggest(key, known) if known else "It takes none."
            raise UserError(f"data.options: '{name}' has no option '{key}'. {hint}")
        least = min(1, known[key])  # a default of 0 means that 0 is allowed
        if type(value) is not type(known[key]) or value < least:
            kind = "whole number" if isinstance(known[key], int) else "number"
            raise UserError(f"data.options.{key}: must be a {kind} of {least} or more, not {value!r}.")
    loaded: Dataset | pd.DataFrame = function(announce, **options)
    return loaded


def check_name(name: str) -> None:
    """Raise UserError for an unknown name."""
    if name not in BUILTINS:
        raise UserError(f"data.builtin: there is no dataset '{name}'. {suggest(name, BUILTINS)}")
