"""Orchestration of one run: recipe in, proven winner out."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from autotune import chatter, data, decide, hardware, recipe
from autotune.child import Child
from autotune.configuration import Configuration
from autotune.errors import AutotuneError, WorkerDied
from autotune.events import Events
from autotune.files import model_files, size_on_disk, write_text
from autotune.finishing import finish
from autotune.folder import RunFolder, identity
from autotune.onnx_qdq.refusal import check_installed
from autotune.outcome import Goal, RunRecord, SplitSizes
from autotune.protocol import Patience, Prepared, Setup
from autotune.runner import Runner
from autotune.search.study import import_ahead
from autotune.searching import search
from autotune.setting import Lessons, Setting
from autotune.sources.cache import cache_dir
from autotune.sources.datasets import load_data
from autotune.sources.folders import companions
from autotune.sources.media import reading
from autotune.sources.model import obtain, torch_request
from autotune.sources.training import load_training
from autotune.space import Space
from autotune.space.halved import halved
from autotune.space.public import narrowed
from autotune.tasks import metrics
from autotune.tasks.members import of_members
from autotune.usercode import trusted_file


@dataclass(frozen=True)
class Options:
    """How a run is carried out, apart from what the recipe says.

    Attributes:
        begun: ``time.monotonic()`` that its seconds and its timeout count from.
    """

    output: Path
    resume: bool = False
    trust_code: bool = False
    command: str = ""
    begun: float = field(default_factory=time.monotonic)


def tune(asked: recipe.Recipe, options: Options, events: Events) -> RunRecord:
    """Carry out one run and leave its results in the output folder.

    An interrupt (Ctrl-C) during the search ends the search: the run finishes with what was measured until then
    and its outcome is ``interrupted``. A second one ends the run at once; ``--resume`` continues it.

    Raises:
        UserError: a mistake of the user's; nothing was written over.
        AutotuneError: float f32 itself could not be measured.
    """
    return _Tuning(asked, options, events).run()


class _Tuning:
    """The state of one run; each method is one phase."""

    def __init__(self, asked: recipe.Recipe, options: Options, events: Events) -> None:
        self.recipe = asked
        self.options = options
        self.events = events
        self.folder = RunFolder(options.output)
        self.fingerprint = hardware.fingerprint(asked.threads)
        self.started = datetime.now().astimezone()
        self.clock = options.begun
        self.notes: list[str] = []

    def run(self) -> RunRecord:
        if not self.options.resume:  # it is asked again when the folder is claimed, for data may load for long
            self.folder.check_free(besides=self.folder.given)
        if self.recipe.export.onnx:
            check_installed(self.recipe.where("export", "onnx"))
        if self.recipe.metric.name is not None:  # before data are loaded for long: does it exist, is its library there
            metrics.get(self.recipe.metric, self.recipe.base, trust_code=False)
        elif self.recipe.metric.function is not None:
            trusted_file(self.recipe.metric.function, self.recipe.base, self.options.trust_code, "metric")
        if self.fingerprint.instruction_set != hardware.NATIVE:
            self._note(f"All figures are of this CPU restricted to {self.fingerprint.instruction_set}.")
        if self.recipe.strategy.note:
            self._note(self.recipe.strategy.note)
        if self.recipe.trained is not None:
            self._note(
                "The trained model of this recipe is not used: 'autotune apply' rebuilds it, tuning trains anew."
            )
        with closing(Child()) as child:  # it imports what it needs while the data are loaded
            return self._run(child)

    def _run(self, child: Child) -> RunRecord:
        self.events.stage("data")
        for code in self.recipe.functions if self.options.trust_code else ():
            self._note(f"Runs code of yours: {code}")
        splits = load_data(self.recipe, self.options.trust_code, self._note)
        if self.recipe.metric.name is not None:  # before a model is converted for long
            metric = metrics.get(self.recipe.metric, self.recipe.base, trust_code=False)
            metrics.check_splits(of_members(metric, splits.search.members), splits)
        model = obtain(self.recipe, splits.search, self.options.trust_code, self._note)
        self.lessons = self._lessons(splits)
        self.data_digest = data.digest(splits)
        claim = self.folder.claim(self._identity(model), self.options.resume)
        try:
            chatter.write_to(self.folder.log)
            self._keep(splits)
            del splits  # the child has its own
            import_ahead()
            patience = Patience(self.sizes.calibration, self.sizes.search, self.sizes.holdout, size_on_disk(model))
            with Runner(self._setup(model), self.folder.log, first=child, patience=patience) as runner:
                self._prepare(runner)
                setting = self._setting()
                self.events.stage("search")
                found = search(setting, self._note, runner, self.events)
                return finish(setting, found, self.notes, runner, self.events)
        except WorkerDied as error:
            said = f"what it said is in {self.folder.log}; --resume with the same --output continues"
            raise AutotuneError(f"{error}{self._may_spin(error)}; {said}.") from error
        except Exception:
            self.folder.discard(claim.made)
            raise
        finally:
            claim.lock.close()

    def _may_spin(self, error: WorkerDied) -> str:
        metric = self.recipe.metric.function
        return f" (the metric {metric} runs there: does it end?)" if metric and error.kind == "timeout" else ""

    def _lessons(self, splits: data.Splits) -> Lessons | None:
        """What can be trained, and with what; looked at before anything is measured."""
        if self.recipe.training is None:
            return None
        source = torch_request(self.recipe, splits.search.runs(), self.options.trust_code)
        return Lessons(source, load_training(self.recipe, splits, self.options.trust_code, self._note))

    def _identity(self, model: Path) -> dict[str, object]:
        metric = self.recipe.metric.function
        code = {"metric function": (self.recipe.base / metric.rpartition(":")[0],)} if metric else {}
        files = {"model": model_files(model), **code}
        found = identity(self.recipe.essence, files, self.data_digest, self.fingerprint)
        return found if self.lessons is None else {**found, "training data": self.lessons.samples.content}

    def _note(self, text: str) -> None:
        self.notes.append(text)
        self.events.note(text)

    def _keep(self, splits: data.Splits) -> None:
        """Put the samples where the child finds them, and the recipe as it is run beside the results."""
        self._note("Samples: " + ", ".join(f"{name} {len(part)}" for name, part in splits.items()) + ".")
        self.sizes = SplitSizes(
            len(splits.calibration), len(splits.search), len(splits.holdout), splits.duplicates_removed
        )
        self.labels = splits.search.labels
        data.save(splits, self.folder.splits)
        self.reading = reading(self.recipe, splits.search, self.options.trust_code)
        write_text(self.folder.recipe, recipe.dump(self.recipe.rebased(self.folder.path)))

    def _setup(self, model: Path) -> Setup:
        return Setup.of(
            self.recipe,
            model=model,
            splits=self.folder.splits,
            trust_code=self.options.trust_code,
            cache=cache_dir() / "observations",
            companions=companions(self.recipe, self.options.trust_code),
            trained=self.folder.trained,
            reading=self.reading,
        )

    def _prepare(self, runner: Runner) -> None:
        """Measure the baseline and see what may be tried."""
        self.events.stage("baseline")
        self.prepared: Prepared = runner.prepare()
        for note in self.prepared.model.notes:
            self._note(note)
        self.goal = self._goal()
        self._tell_baseline()
        self.space = Space(self._possible(), self.prepared.model)
        for note in self.space.notes:
            self._note(note)

    def _tell_baseline(self) -> None:
        score = self.prepared.baseline.score
        assert score is not None
        self._note(f"Float f32: {self.goal.metric} {score:.4g} on the search split.")
        if told := decide.doubt(self.recipe.metric.label, score, self.labels):
            self._note(told)

    def _possible(self) -> recipe.Space:
        """The recipe's space, without what its way of making candidates cannot do, or what would be too large."""
        left = halved(self.recipe.space, self.prepared.baseline.size_bytes, self.recipe.tolerance.max_size)
        notes = [left.note]
        if self.recipe.strategy.candidates != "observe-once":
            left = narrowed(left.space)
            notes.append(left.note)
        for note in filter(None, notes):
            self._note(note)
        return left.space

    def _goal(self) -> Goal:
        wanted = self.recipe.tolerance
        score = self.prepared.baseline.score
        assert score is not None
        return Goal(
            metric=self.recipe.metric.label,
            higher_is_better=self.prepared.higher_is_better,
            max_drop=str(wanted.max_drop),
            tolerance=wanted.max_drop.tolerance(score),
            max_latency_ms=wanted.max_latency_ms,
            max_size_bytes=wanted.max_size,
            max_memory_bytes=wanted.max_memory,
            min_speedup=wanted.min_speedup,
            confidence=wanted.confidence,
            assurance=wanted.assurance,
        )

    def _setting(self) -> Setting:
        timeout = self.recipe.budget.timeout_seconds
        return Setting(
            recipe=self.recipe,
            folder=self.folder,
            prepared=self.prepared,
            space=self.space,
            goal=self.goal,
            sizes=self.sizes,
            clock=self.clock,
            deadline=None if timeout is None else self.clock + timeout,
            solve=self._solve,
            fingerprint=self.fingerprint,
            started=self.started,
            command=self.options.command,
            lessons=self.lessons,
        )

    def _trained(self, configuration: Configuration) -> recipe.Trained | None:
        made = configuration.training
        if made is None:
            return None
        path = self.folder.trained.relative_to(self.folder.path) / f"{made.digest}.xml"
        return recipe.Trained(path=path.as_posix(), sha256=made.digest, steps=made.steps)

    def _solve(self, configuration: Configuration, digest: str) -> recipe.Recipe:
        """Return the solved recipe of a configuration; ``digest``: of its candidate."""
        return self.recipe.solved(
            space=self.space.fix(configuration),
            trained=self._trained(configuration),
            expect=recipe.Expect(model=self.prepared.model.digest, data=self.data_digest, candidate=digest),
            threads=self.prepared.model.threads,
            base=self.folder.path,
        )
