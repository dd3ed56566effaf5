"""A whole recipe, from a file or from command line options, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Unpack

from annotated_types import Ge, Lt
from pydantic import Field, PrivateAttr, ValidationError, model_validator

from autotune.errors import UserError
from autotune.frozen import FrozenMap
from autotune.recipe.document import Origin, write
from autotune.recipe.fields import FUNCTION, Frozen, Map, Name, Shape, Text, name_of
from autotune.recipe.include import read_merged
from autotune.recipe.options import KEYS, Limits, Overrides
from autotune.recipe.paths import move_function, moved_source, relative, with_paths
from autotune.recipe.problems import user_error
from autotune.recipe.schema import Budget, Expect, ExportSpec, MetricSpec, Space, Tolerance
from autotune.recipe.shipped import located
from autotune.recipe.sources import Data, DataSource, Model, named_model, named_source
from autotune.recipe.strategy import Strategy
from autotune.recipe.task import SHARES, TaskSpec, default_metric
from autotune.recipe.training import Trained, TrainingSpec
from autotune.recipe.values import problem, shown

VERSION = 1
# Metrics that cannot exceed 1: an absolute drop of 1 or more was meant as a percentage.
_AT_MOST_ONE = frozenset({"accuracy", "f1", "auc", "spearman", "pearson", "cosine-to-float"}) | SHARES


class Recipe(Frozen):
    """Everything a run depends on, apart from the machine.

    Attributes:
        version: of this schema.
        name: of the run's folder and its report.
        description: one line for ``autotune recipes``.
        model: where the float model comes from.
        inputs: input name -> shape, for inputs whose dimensions are dynamic.
        task: what the model is for, where samples are texts, images or recordings.
        data: where the samples come from, and how they are divided.
        metric: a name, ``FILE.py:function``, or the keys below.
        tolerance: what the winner may lose, and which limits it must keep.
        budget: when the search ends.
        strategy: which parts of the search are used.
        threads: of the model, measured and served; None for all usable cores. Training may use them all.
        seed: of splits, sampler and bootstrap.
        space: what may be tried.
        training: of a PyTorch module or a transformers folder.
        export: what is written beside OpenVINO's model.
        trained, expect: only in solved recipes.
    """

    version: Literal[1]
    name: Name
    description: Text | None = None
    model: Model
    inputs: Map[Shape] = FrozenMap()
    task: TaskSpec | None = None
    data: Data
    metric: MetricSpec
    tolerance: Tolerance = Tolerance()
    budget: Budget = Budget()
    strategy: Strategy = Strategy()
    threads: Annotated[int, Ge(1)] | None = None
    seed: Annotated[int, Ge(0), Lt(2**32)] = 0
    space: Space = Field(default_factory=Space)
    training: TrainingSpec | None = None
    trained: Trained | None = None
    export: ExportSpec = ExportSpec()
    expect: Expect | None = None

    _base: Path = PrivateAttr(default_factory=Path.cwd)
    _origin: Origin = PrivateAttr(default_factory=Origin)

    @model_validator(mode="before")
    @classmethod
    def _metric_of_the_task(cls, raw: Any) -> Any:
        metric = default_metric(raw.get("task")) if isinstance(raw, Mapping) and "metric" not in raw else None
        return raw if metric is None else {**raw, "metric": metric}

    @model_validator(mode="after")
    def _sensible_drop(self) -> Recipe:
        drop = self.tolerance.max_drop
        if not drop.relative and drop.value >= 1 and self.metric.name in _AT_MOST_ONE:
            raise problem(
                f"{drop} is the whole of {self.metric.name}; did you mean '{drop}%'?", "tolerance", "max_drop"
            )
        return self

    @model_validator(mode="after")
    def _trainable(self) -> Recipe:
        if self.training is not None and self.model.function is None and self.task is None:
            raise problem("needs a model of PyTorch: FILE.py:factory, or a transformers folder with a task", "training")
        if self.training is not None and self.strategy.order == "search":
            raise problem("is the last rung of the ladder; remove it, or 'search' from strategy", "training")
        return self

    @model_validator(mode="after")
    def _static_where_needed(self) -> Recipe:
        if self.task is None or self.task.shapes == "static":
            return self
        if self.training is not None:
            raise problem("needs static shapes; remove it, or 'shapes' from the task", "training")
        if self.inputs:
            raise problem("fixes shapes that 'shapes' in the task leaves open; remove one of both", "inputs")
        return self

    @property
    def base(self) -> Path:
        """The folder that the recipe's relative paths start from."""
        return self._base

    @property
    def functions(self) -> tuple[str, ...]:
        """Every ``FILE.py:function`` that would run."""
        sources: list[DataSource | None] = [self.data, self.data.calibration, self.data.search, self.data.holdout]
        if self.training is not None:
            sources.append(self.training.data)
        found = [source.function for source in sources if source is not None]
        return tuple(f for f in [self.model.function, *found, self.metric.function] if f is not None)

    @property
    def is_solved(self) -> bool:
        """True when every choice is fixed: one candidate."""
        return self.space.is_solved

    @property
    def essence(self) -> dict[str, str]:
        """All that trials depend on, by dotted key: not name, description, budget and export, nor the layout."""
        return {
            key: json.dumps(value, sort_keys=True)
            for key, value in _flat(_plain(self), "")
            if key.partition(".")[0] not in ("name", "description", "budget", "export")
        }

    def where(self, *key: str) -> str:
        """Return what an error message about ``key`` begins with: ``recipes/x.yaml:12: data.path``."""
        return self._origin.where(*key)

    @classmethod
    def quick(
        cls,
        model: str,
        data: str | Mapping[str, Any],
        metric: str | Mapping[str, Any] | None,
        more: Mapping[str, Any] = FrozenMap(),
        **limits: Unpack[Limits],
    ) -> Recipe:
        """Return the recipe of ``autotune tune MODEL --data D --metric M``; paths start from the current folder.

        Args:
            model: a model file, a transformers folder or ``FILE.py:factory``.
            data: an .npz file, a table, ``FILE.py:function`` or the name of a builtin; or as in a recipe.
            metric: a name, ``FILE.py:function``, or as in a recipe; None: the task's; more: other keys.

        Raises:
            UserError: naming the option.
        """
        base = Path.cwd()
        plain = {
            "version": VERSION,
            "name": name_of(Path(model.rpartition(".py:")[0] or model).stem),
            "model": named_model(model),
            "data": named_source(data) if isinstance(data, str) else dict(data),
            **({} if metric is None else {"metric": metric if isinstance(metric, str) else dict(metric)}),
            **more,
        }
        named = {"model": "MODEL", "data": "--data", "metric": "--metric", "task": "--task"}
        origin = Origin(options={(key,): option for key, option in named.items()})
        return _validated(plain, base, origin).with_overrides(**limits)

    def with_overrides(self, **overrides: Unpack[Overrides]) -> Recipe:
        """Return this recipe with command line options applied; their paths start from the current folder.

        Another model or other data drop ``expect`` and ``trained``: the candidate will not be that one.

        Raises:
            UserError: naming the option, ``--max-drop: ...``.
        """
        plain, options = _plain(self), dict(self._origin.options)
        for option, value in overrides.items():
            if value is None:
                continue
            key = KEYS[option]
            options[key] = f"--{option.replace('_', '-')}"
            inner = plain
            for part in key[:-1]:
                inner = inner.setdefault(part, {})
            inner[key[-1]] = self._written(option, value)
            if option in ("model", "data"):
                for solved_key in ("expect", "trained"):
                    plain.pop(solved_key, None)
        return _validated(plain, self.base, replace(self._origin, options=options))

    def solved(
        self, *, space: Space, expect: Expect, threads: int, base: Path, trained: Trained | None = None
    ) -> Recipe:
        """Return the solved recipe to be written in folder ``base``: one candidate, and what it must equal."""
        moved = self.rebased(base)
        fields = {**moved.__dict__, "space": space, "trained": trained, "expect": expect, "threads": threads}
        return Recipe(**fields)._placed(moved.base, moved._origin)

    def rebased(self, base: Path) -> Recipe:
        """Return the same recipe with its relative paths rewritten to start from folder ``base``."""
        base = base.absolute()

        def move(path: str) -> str:
            return relative(path, self.base, base)

        return _validated(with_paths(_plain(self), move), base, self._origin)

    def _written(self, option: str, value: object) -> object:
        """Return an option's value as the recipe would have it."""
        if option not in ("model", "data", "metric") or not isinstance(value, str):
            return value

        def move(path: str) -> str:
            return relative(path, Path.cwd(), self.base)

        if option == "model":
            return moved_source(named_model(value), move)
        if option == "metric":
            return move_function(value, move) if FUNCTION.fullmatch(value) else value
        source = moved_source(named_source(value), move)
        return source if self.data.separate else {**source, **_split(self.data)}

    def _placed(self, base: Path, origin: Origin) -> Recipe:
        self._base, self._origin = base, origin
        self.space._origin = origin
        return self


def load(path: Path) -> Recipe:
    """Read a recipe file, with what it includes; or one that comes with autotune, ``recipe:NAME``.

    Raises:
        UserError: ``recipes/x.yaml:12: space.activations.estimator: unknown estimator 'mes'. Did you mean 'mse'?``
    """
    path = located(str(path)) or Path(path)
    plain, origin = read_merged(path, _check_version)
    _check_version(plain, origin)
    plain.setdefault("name", name_of(path.stem))
    return _validated(plain, path.absolute().parent, origin)


def dump(recipe: Recipe) -> str:
    """Return the recipe as YAML, without what is default; loading it gives an equal recipe."""
    return write(_plain(recipe))


def _flat(plain: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in plain.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _plain(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(exclude_defaults=True)


def _validated(plain: Mapping[str, Any], base: Path, origin: Origin) -> Recipe:
    try:
        recipe = Recipe.model_validate(plain)
    except ValidationError as error:
        raise user_error(error, Recipe, origin) from None
    return recipe._placed(base, origin)


def _check_version(plain: Mapping[str, Any], origin: Origin) -> None:
    """Before all else: a newer recipe may have any keys."""
    version = plain.get("version")
    if version == VERSION and isinstance(version, int) and not isinstance(version, bool):
        return
    if "version" not in plain:
        sentence = f"is missing; write 'version: {VERSION}'."
    elif not isinstance(version, int) or isinstance(version, bool):
        sentence = f"must be the number {VERSION}, not {shown(version)}."
    elif version > VERSION:
        sentence = f"{version} is newer than this autotune reads ({VERSION}); upgrade autotune."
    else:
        sentence = f"there is no version {version}; write 'version: {VERSION}'."
    raise UserError(f"{origin.where('version')}: {sentence}")


def _split(data: Data) -> dict[str, Any]:
    return {"split": shares} if (shares := data.split.model_dump(exclude_defaults=True)) else {}
