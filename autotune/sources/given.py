"""What a run was given from Python, as files in its folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autotune.errors import UserError
from autotune.files import sha256
from autotune.folder import RunFolder
from autotune.recipe import DataSource, TrainingSpec
from autotune.recipe.sources import named_source
from autotune.sources import objects, pretrained
from autotune.sources.pretrained import Processor
from autotune.sources.rows import write_rows


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

    def model(self, model: Any, task: str | Mapping[str, Any] | None, processor: Processor | None) -> str:
        """Return the path of a model's file; of a model of transformers with a task, that of its folder.

        Args:
            task: as a recipe says it.
            processor: tokenizer, image processor or feature extractor, saved in that folder.
        """
        if processor is not None and (task is None or objects.is_path(model)):
            raise UserError(
                "processor: goes with a task and a model of transformers given as an object; a folder holds its own."
            )
        if objects.is_path(model):
            return str(model)
        if task is not None:
            pretrained.check(model, processor, task)
            if pretrained.is_pretrained(model):
                return self._named(pretrained.save(model, processor, self._place / "model"))
        self.functions += objects.is_module(model)
        return self._named(objects.write_model(model, self._place))

    def data(
        self, data: Any, names: Callable[[], tuple[str, ...]], task: str | Mapping[str, Any] | None
    ) -> str | dict[str, Any]:
        """Return what a recipe says of the data: arrays become an ``.npz``, with a task rows a table.

        Args:
            names: returns the model's inputs.
            task: as a recipe says it.
        """
        if objects.is_path(data):
            return str(data)
        if objects.is_source(data):
            return dict(data)
        written = {
            split: self._source(part, names, task, f"data['{split}']" if split else "data", split or "data")
            for split, part in objects.parts(data).items()
        }
        return written.get("") or written

    def training(
        self,
        training: Mapping[str, Any] | TrainingSpec,
        names: Callable[[], tuple[str, ...]],
        task: str | Mapping[str, Any] | None,
    ) -> Any:
        """Return what a recipe says of the training, whose ``data`` are as in :meth:`data`, but of one source."""
        if isinstance(training, TrainingSpec):
            return training.model_dump(exclude_defaults=True)
        if not isinstance(training, Mapping) or "data" not in training:
            return training  # the recipe's schema says what is wrong
        return {**training, "data": self._source(training["data"], names, task, "training.data", "training")}

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
        for path in sorted(path for path in self._place.rglob("*") if path.is_file()):
            within = path.relative_to(self._place)
            before = self._folder.given / within
            if not before.is_file() or sha256(before) != sha256(path):
                raise UserError(
                    f"--resume {self._folder.path}: the run was started with another {Path(within.parts[0]).stem}; "
                    "its trials cannot be mixed with new ones, start a new run."
                )

    def _source(
        self,
        given: Any,
        names: Callable[[], tuple[str, ...]],
        task: str | Mapping[str, Any] | None,
        where: str,
        stem: str,
    ) -> dict[str, Any]:
        """What a recipe says of one source, written as ``stem`` if need be."""
        if objects.is_path(given):
            return named_source(str(given))
        if isinstance(given, DataSource):
            return given.model_dump(exclude_defaults=True)
        if objects.is_source(given):
            return dict(given)
        if callable(given) and not isinstance(given, Mapping):
            given = given()
        if task is None:
            return {"path": self._named(objects.write_arrays(given, names, self._place / f"{stem}.npz", where))}
        name = pretrained.task_name(task)
        return {"path": self._named(write_rows(given, self._place / f"{stem}.jsonl", where, name))}

    def _named(self, path: str | Path) -> str:
        """The name of a file or folder that was written, as it is in the run folder."""
        self._written = True
        return str(self._folder.given.absolute() / Path(path).name)
