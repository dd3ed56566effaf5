"""The fastest OpenVINO model for this CPU that keeps your accuracy, with evidence."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from autotune.errors import AutotuneError, UserError

if TYPE_CHECKING:
    from autotune.api import Run, tune
    from autotune.events import Events

# Imported when they are first used: ``import autotune`` stays light.
_LATER = {"Events": "autotune.events", "Run": "autotune.api", "tune": "autotune.api"}


def load(directory: str | os.PathLike[str]) -> Any:
    """Compile a deployed model exactly as it was judged.

    Args:
        directory: the ``model`` folder of a run, or the output of ``autotune apply``.

    Returns:
        An ``openvino.CompiledModel``; of a model that was judged with buckets what is called like one and pads what it
        is given to them.

    Raises:
        UserError: the folder has no model or no ``deploy.json``.
    """
    from autotune.deploy import load as load_deployed

    return load_deployed(directory)


def read_table(path: str | os.PathLike[str]) -> Any:
    """Read a CSV file of a run as a pandas frame, types included; it may have been renamed.

    Raises:
        UserError: it is not there, or has not the columns of one of the tables.
    """
    from pathlib import Path

    from autotune.report.tables import read_table as read

    return read(Path(path))


def __getattr__(name: str) -> Any:
    if name in _LATER:
        import warnings
        from importlib import import_module

        with (
            warnings.catch_warnings()
        ):  # in a notebook tqdm, which Optuna imports, asks for a progress bar we do not show
            warnings.filterwarnings("ignore", "IProgress not found")
            return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'autotune' has no attribute '{name}'")


__all__ = ["AutotuneError", "Events", "Run", "UserError", "load", "read_table", "tune"]
