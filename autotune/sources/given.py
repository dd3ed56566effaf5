"""What a run was given from Python, as files in its folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autotune.errors import UserError
from autotune.files import sha256
from autotune.folder import RunFolder
from autotune.sources import objects


class Given:
    """Objects as files in ``given/`` of the run folder; what a run to be resumed was given must be the same.

    Attributes:
        functions: how many of them are functions for a recipe, which need not be trusted by name.

    Raises:
        UserError: the folder holds another run; a run to be resumed was given something else.
    """

    def __init__(self, folder: RunFolder, resume: bool) -> None:
        self._folder = folder
        self._resume = resume
        self._made = not folder.path.exists()
        self._written = False
        self._place = folder.given
        self.functions = 0

    def __enter__(self) -> Given:
        if self._resume:
            self._place = Path(tempfile.mkdtemp(prefix="autotune-"))
        else:
            self._folder.check_free()
        return self

    def __exit__(self, *_: object) -> None:
        if self._resume:
            shutil.rmtree(self._place, ignore_errors=True)
        elif not self._folder.study.exists():  # nothing was measured: the same call can be made again
            shutil.rmtree(self._folder.path if self._made else self._folder.given, ignore_errors=True)

    def model(self, model: Any) -> str:
        """Return the path of a model's file."""
        if objects.is_path(model):
            return str(model)
        self.functions += objects.is_module(model)
        return self._named(objects.write_model(model, self._place))

    def data(self, data: Any, names: Callable[[], tuple[str, ...]]) -> str | dict[str, Any]:
        """Return what a recipe says of the data."""
        if objects.is_path(data):
            return str(data)
        written = {split: {"path": self._named(path)} for split, path in objects.write_data(data, names, self._place)}
        return written.get("", written)

    def metric(self, metric: Any, direction: str) -> str | dict[str, Any]:
        """Return what a recipe says of the metric."""
        if objects.is_path(metric):
            function = str(metric)
        else:
            self.functions += 1
            function = self._named(f"{objects.write_object(metric, 'metric', self._place)}:metric")
        return function if direction == "higher" else {"function": function, "direction": direction}

    def check(self) -> None:
        """Compare with what the run was given when it began."""
        if not self._resume or not self._written:
            return
        for path in sorted(self._place.iterdir()):
            before = self._folder.given / path.name
            if not before.is_file() or sha256(before) != sha256(path):
                raise UserError(
                    f"--resume {self._folder.path}: the run was started with another {path.stem}; "
                    "its trials cannot be mixed with new ones, start a new run."
                )

    def _named(self, path: str | Path) -> str:
        """The name of a file that was written, as it is in the run folder."""
        self._written = True
        return str(self._folder.given.absolute() / Path(path).name)
