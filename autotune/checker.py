"""Checking a recipe and what it names, without tuning.

Models are read in this process: unlike a run, nothing is compiled or measured.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from autotune.data import Splits
from autotune.errors import UserError
from autotune.graph.normalise import normalise
from autotune.onnx_qdq.refusal import check_installed
from autotune.quantize.variants import Variants
from autotune.recipe import DataSource, Recipe, SchemaError, load
from autotune.sources import builtin, folders
from autotune.sources.cache import cache_dir
from autotune.sources.datasets import load_data
from autotune.sources.model import check_file, check_trainable, conform_splits, locate, obtain, read
from autotune.sources.training import load_training
from autotune.space import Nameable, names_any, unknown_names
from autotune.tasks import metrics
from autotune.tasks.members import of_members
from autotune.usercode import check_defined

T = TypeVar("T")
# How messages begin: with a key of the recipe, or (from where the recipe is known) with its place.
_KEY = re.compile(r"(model|data|metric|inputs|task|training)((?:\.\w+)*)(?=: | \()")
_PLACED = re.compile(r"[^:]+:\d+: ")


@dataclass(frozen=True)
class Checked:
    """What checking a recipe came to.

    Attributes:
        problems: each a sentence, with file, line and key.
        sentence: what was looked at, where there is no problem.
    """

    problems: tuple[str, ...]
    sentence: str


def check(name: str, schema_only: bool, trust_code: bool) -> Checked:
    """Check a recipe file, or ``recipe:NAME``.

    Args:
        schema_only: read neither model nor data, only see whether their files are there.
        trust_code: whether ``FILE.py:function`` may run; otherwise they are only looked for.
    """
    try:
        recipe = load(Path(name))
    except SchemaError as error:
        return Checked(error.sentences, "")
    except UserError as error:
        return Checked((str(error),), "")
    return _Checking(recipe, schema_only, trust_code).run()


class _Checking:
    """Collects problems: one is no reason not to look for the next."""

    def __init__(self, recipe: Recipe, schema_only: bool, trust_code: bool) -> None:
        self._recipe = recipe
        self._schema_only = schema_only
        self._trust_code = trust_code
        self._problems: list[str] = []
        self._unread: list[str] = []
        self._read: list[str] = []
        self._names_wait_for = ""

    def run(self) -> Checked:
        for spec in self._recipe.functions:
            if not self._trust_code:
                self._unread.append(spec)
            self._tried(lambda spec=spec: check_defined(spec, self._recipe.base, self._purpose(spec)))  # type: ignore[misc]
        metric = self._recipe.metric
        if metric.name is not None or self._trust_code:
            self._tried(lambda: metrics.get(metric, self._recipe.base, self._trust_code))
        if self._recipe.export.onnx:
            self._tried(lambda: check_installed(self._recipe.where("export", "onnx")))
        if self._schema_only:
            self._files()
        elif not self._problems:
            self._contents()
        return Checked(tuple(dict.fromkeys(self._problems)), self._sentence())

    def _files(self) -> None:
        """See whether what the recipe names is there; out of packages nothing is fetched."""
        recipe = self._recipe
        self._names_wait_for = "takes the model and its data"
        if recipe.model.path is not None:
            path = recipe.base / recipe.model.path
            self._tried(
                lambda: folders.find(recipe, self._trust_code) if folders.is_folder(recipe) else check_file(path)
            )
        for where, source in self._sources().items():
            if source.builtin is not None:
                self._tried(lambda name=source.builtin: builtin.check_name(name))  # type: ignore[misc]
            elif source.path is not None and not (recipe.base / source.path).exists():
                self._say(f"{where}: {recipe.base / source.path} does not exist; a path is relative to the recipe.")

    def _contents(self) -> None:
        """Read model and data, and see whether they and the metric fit."""
        recipe, trusted = self._recipe, self._trust_code
        splits: Splits | None = None
        if recipe.training is not None:
            self._tried(lambda: check_trainable(recipe))
        if trusted or all(source.function is None for source in recipe.data.parts.values()):
            splits = self._tried(lambda: load_data(recipe, trusted, lambda _: None))
        path: Path | None = None
        if folders.is_folder(recipe):
            self._tried(lambda: folders.find(recipe, trusted))
            self._names_wait_for = "takes a converted model, and only tuning converts a transformers folder"
        elif recipe.model.function is None:
            path = self._tried(lambda: locate(recipe))
        elif trusted and splits is not None:
            search = splits.search
            path = self._tried(lambda: obtain(recipe, search, trusted, lambda _: None))
        else:
            self._names_wait_for = "takes the module, which is code"
        if splits is None:
            self._names_wait_for = self._names_wait_for or "takes the data, which are code"
            return
        self._read += [f"{name} {len(part)}" for name, part in splits.items()]
        training = recipe.training
        if training is not None and (trusted or training.data.function is None):
            lessons = self._tried(lambda: load_training(recipe, splits, trusted, lambda _: None))
            self._read += [] if lessons is None else [f"training {len(lessons)}"]
        if path is not None:
            sample, model = splits.search.runs(), path
            source = self._tried(lambda: read(model, recipe.inputs, sample))
            if source is not None and names_any(recipe.space):
                self._names(source[0], splits)
        if recipe.metric.name is not None or trusted:
            self._tried(lambda: self._labels(splits))

    def _sources(self) -> dict[str, DataSource]:
        training = self._recipe.training
        return {**self._recipe.data.parts, **({} if training is None else {"training.data": training.data})}

    def _names(self, source: Any, splits: Splits) -> None:
        """Look up what ``space`` names, after the same steps as a run takes."""
        model, _ = normalise(source)
        calibration = conform_splits(splits, source).calibration.runs()
        offered = Variants(model, calibration, cache_dir() / "observations", 1)
        has = Nameable(offered.base.operators, offered.base.activation_quantizers, offered.groups)
        self._problems += unknown_names(self._recipe.space, has)

    def _labels(self, splits: Splits) -> None:
        recipe = self._recipe
        metric = metrics.get(recipe.metric, recipe.base, self._trust_code)
        metrics.check_splits(of_members(metric, splits.search.members), splits)

    def _purpose(self, spec: str) -> str:
        recipe = self._recipe
        return "model" if spec == recipe.model.function else "metric" if spec == recipe.metric.function else "data"

    def _tried(self, act: Callable[[], T]) -> T | None:
        try:
            return act()
        except UserError as error:
            self._say(str(error))
            return None

    def _say(self, sentence: str) -> None:
        """Note a problem with the line of the key that it begins with."""
        found = _KEY.match(sentence)
        if found is not None:
            where = self._recipe.where(found[1], *found[2].split(".")[1:])
            sentence = f"{where}{sentence[found.end() :]}"
        elif not _PLACED.match(sentence):
            sentence = f"{self._recipe.where()}: {sentence}"
        self._problems.append(sentence)

    def _sentence(self) -> str:
        if self._schema_only:
            return f"fine, as far as can be seen without reading model and data.{self._unchecked()}"
        read = f"; samples: {', '.join(self._read)}" if self._read else ""
        unread = f"; not run without --trust-code: {', '.join(self._unread)}" if self._unread else ""
        return f"fine{read}{unread}.{self._unchecked()}"

    def _unchecked(self) -> str:
        """Say which names were not looked up, and why."""
        if not self._names_wait_for or not names_any(self._recipe.space):
            return ""
        return f" What 'space' names of the model was not looked up: that {self._names_wait_for}."
