"""Tuning from Python: ``autotune.tune`` takes what the command takes, and objects."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from autotune import hardware
from autotune.console import Console
from autotune.errors import UserError
from autotune.events import Events
from autotune.folder import RunFolder, fresh_folder
from autotune.outcome import RunRecord
from autotune.recipe import PREFIX, Limits, Recipe, TrainingSpec, load
from autotune.sources import objects
from autotune.sources.given import Given
from autotune.sources.pretrained import Processor
from autotune.tracking import reach
from autotune.tuner import Options
from autotune.tuner import tune as run_tune

if TYPE_CHECKING:
    import pandas as pd

_RECIPES = (".yaml", ".yml")


class Run:
    """A finished run: the folder that it left, and what is in it.

    Attributes:
        folder: with ``model/``, ``solved.yaml``, ``report.html`` and the tables.
        record: everything that the run knows.
    """

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.folder = folder
        self.record = record

    @property
    def outcome(self) -> str:
        """``winner``, ``constraint-unmet`` or ``interrupted``."""
        return self.record.outcome

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        return self.record.sentence

    @property
    def model(self) -> Path:
        """The folder to deploy."""
        return RunFolder(self.folder).model

    @property
    def report(self) -> Path:
        """The report to show."""
        return self.folder / "report.html"

    @property
    def summary(self) -> dict[str, Any]:
        """The figures of ``run.json``."""
        from autotune.report.summary import summary

        return summary(self.record)

    @property
    def trials(self) -> pd.DataFrame:
        """One row per candidate, the columns of ``trials.csv``."""
        from autotune.report.tables import trials_frame

        return trials_frame(self.record)

    def load(self) -> Any:
        """Compile the winner exactly as it was judged; see :func:`autotune.load`."""
        from autotune.deploy import load as load_deployed

        return load_deployed(self.model)

    def __repr__(self) -> str:
        return f"<autotune.Run {str(self.folder)!r}: {self.sentence}>"

    def _repr_html_(self) -> str:
        from autotune.report.notebook import notebook

        return notebook(self.record, self.folder)


def tune(
    model: Any,
    data: Any = None,
    metric: str | Callable[..., Any] | None = None,
    *,
    max_drop: str | float | None = None,
    max_latency: str | float | None = None,
    min_speedup: str | float | None = None,
    max_size: str | int | None = None,
    max_memory: str | int | None = None,
    confidence: float | None = None,
    assurance: Literal["expected", "proven"] | None = None,
    trials: int | None = None,
    timeout: str | float | None = None,
    threads: int | None = None,
    seed: int | None = None,
    onnx: bool | None = None,
    isa: str = "native",
    direction: Literal["higher", "lower"] = "higher",
    inputs: Mapping[str, tuple[int, ...]] | None = None,
    task: str | Mapping[str, Any] | None = None,
    space: Mapping[str, Any] | None = None,
    strategy: str | Mapping[str, Any] | None = None,
    processor: Processor | None = None,
    training: Mapping[str, Any] | TrainingSpec | None = None,
    name: str | None = None,
    output: str | os.PathLike[str] | None = None,
    resume: bool = False,
    trust_code: bool = False,
    mlflow: str | None = None,
    events: Events | None = None,
    quiet: bool = False,
) -> Run:
    """Find the fastest configuration within the tolerance and prove it on held-out data; as ``autotune tune`` does.

    Objects are written to ``given/`` in the run folder, so the run can be repeated by ``autotune tune
    OUTPUT/recipe.yaml`` and the winner rebuilt by ``autotune apply``; both need ``--trust-code`` for a metric function.

    Args:
        model: an ``openvino.Model``, a PyTorch module, the path of a model, ``FILE.py:factory``, or the path of a
            recipe, to which the rest is then applied. A model of transformers is saved as its folder where there is a
            ``task`` (then ``processor`` goes with it); without one it is a module like others, fed with arrays.
        data: a path, ``FILE.py:function`` or a built-in name as in ``--data``; or a mapping of arrays by input name
            with ``labels`` (first axis = samples); a pair (inputs, labels); an iterable of samples, each a pair
            (inputs, label) or a mapping; a callable that returns one of these; or a mapping of ``calibration``,
            ``search`` and ``holdout`` to any of them. With a ``task`` they are rows instead: a mapping of columns by
            name (``{"text": [...], "label": [...]}``), an iterable of mappings, a ``pandas.DataFrame``; images may be
            paths, PIL's or arrays (uint8, (height, width, 3)), recordings paths or as the ``datasets`` library has
            them. Or what a recipe says of data:
            ``{"path": "t.csv", "columns": {"text": "body"}}``.
        metric: a name, ``FILE.py:function``, or a function of outputs (dict of arrays by output name) and labels that
            returns one score per sample or one number. It runs in another process.
        max_drop: ``"1%"`` of the float score, or a number in the metric's own units.
        max_latency: a constraint on the winner, ``"5ms"`` or milliseconds.
        min_speedup: the same, ``"1.5x"`` or 1.5 times as fast as float f32.
        max_size: the same of the size of its constants, ``"25MB"`` or bytes.
        max_memory: the same of its peak memory, ``"200MB"`` or bytes; see ``tolerance.max_memory`` of the recipe.
        timeout: for the whole run, ``"10m"`` or seconds.
        onnx: write the winner as ONNX QDQ, too, where ONNX can say all of it; else the run's notes tell why not.
        isa: kernels restricted to an older instruction set that this CPU has.
        direction: whether a higher or a lower value of a metric function is better.
        inputs, task, space, strategy: as under these keys of a recipe; a transformers folder needs a task.
        processor: what prepares the samples of a model of transformers given as an object: its tokenizer, image
            processor or feature extractor. It travels with the model.
        training: as under this key of a recipe, a mapping or ``recipe.TrainingSpec``, for PyTorch modules and models of
            transformers: ``{"data": ..., "steps": 500}``; its data may be any of what ``data`` takes.
        output: the run folder; by default ``reports/<name>-<time>``.
        resume: continue the killed run in ``output``.
        trust_code: whether ``FILE.py:function`` may run; a function given as an object may.
        mlflow: log the finished run there: ``"http://..."``, ``"sqlite:///mlflow.db"``; tells its id unless ``quiet``.
        events: told of the progress; by default it is printed.
        quiet: print nothing but the verdict.

    Raises:
        UserError: a mistake that can be mended, in one sentence; nothing was written over.
        AutotuneError: float f32 itself could not be measured.
    """
    limits = Limits(
        max_drop=max_drop,
        max_latency=max_latency,
        min_speedup=min_speedup,
        max_size=max_size,
        max_memory=max_memory,
        confidence=confidence,
        assurance=assurance,
        trials=trials,
        timeout=timeout,
        threads=threads,
        seed=seed,
        onnx=onnx,
    )
    more: dict[str, Any] = {"name": name, "inputs": inputs, "task": task, "space": space, "strategy": strategy}
    more = {key: value for key, value in more.items() if value is not None}
    with _restricted(isa):
        if objects.is_path(model) and (Path(model).suffix in _RECIPES or str(model).startswith(PREFIX)):
            asked = _loaded(Path(model), data, metric, more, processor, training).with_overrides(**limits)
            folder = RunFolder(Path(output) if output is not None else fresh_folder(asked.name))
            return _run(
                asked, Options(folder.path, resume, trust_code, _command(Path(model), asked)), events, quiet, mlflow
            )
        if data is None or (metric is None and task is None):
            raise UserError("Tuning a model without a recipe needs data and metric.")
        folder = RunFolder(Path(output) if output is not None else fresh_folder(name or _name(model)))
        with Given(folder, resume) as given:
            names = partial(objects.input_names, model)
            judge = None if metric is None else given.metric(metric, direction)
            if training is not None:
                more["training"] = given.training(training, names, task)
            asked = Recipe.quick(
                given.model(model, task, processor), given.data(data, names, task), judge, more, **limits
            )
            trusted = trust_code or given.functions == len(asked.functions)
            given.check()
            return _run(
                asked, Options(folder.path, resume, trusted, _command(folder.recipe, asked)), events, quiet, mlflow
            )


def _run(asked: Recipe, options: Options, events: Events | None, quiet: bool, mlflow: str | None) -> Run:
    tracker = reach(mlflow)
    if events is not None:
        record = run_tune(asked, options, events)
    else:
        console = Console(quiet=quiet, to_stderr=False)
        console.header(asked, options.output)
        with console:
            record = run_tune(asked, options, console)
        console.result(record, options.output)
    if tracker is not None:
        logged = tracker.log(record, options.output)
        if events is not None:
            events.note(logged)
        elif not quiet:
            print(logged)
    return Run(options.output, record)


def _loaded(path: Path, data: Any, metric: Any, more: Mapping[str, Any], *objects: Any) -> Recipe:
    named = all(g is None or isinstance(g, str) for g in (data, metric))
    if any(key != "name" for key in more) or not named or any(g is not None for g in objects):
        raise UserError(
            f"{path}: objects, inputs, task, space, strategy, processor and training go with a model; write them there."
        )
    return load(path).with_overrides(name=more.get("name"), data=data, metric=metric)


@contextlib.contextmanager
def _restricted(isa: str) -> Iterator[None]:
    """Restrict the processes that this run starts, and leave the caller's environment as it was."""
    before = {name: os.environ.get(name) for name in hardware.CAP_VARIABLES}
    try:
        hardware.restrict(isa)
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _command(recipe: Path, asked: Recipe) -> str:
    """The command that repeats the run."""
    return shlex.join(["autotune", "tune", str(recipe), *(["--trust-code"] if asked.functions else [])])


def _name(model: Any) -> str:
    return Path(model).stem if objects.is_path(model) else "model"
