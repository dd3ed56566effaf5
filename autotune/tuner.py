"""Orchestration of one run: recipe in, proven winner out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from autotune import data, decide, hardware, recipe
from autotune.configuration import Configuration
from autotune.errors import WorkerDied
from autotune.evaluator import Evaluator
from autotune.files import write_text
from autotune.folder import RunFolder
from autotune.protocol import Export, Judge, Observe, Observed, Prepared, Race, Raced, Setup
from autotune.record import Finalist, Goal, Run, Seconds, SplitSizes, Trial, Verdict
from autotune.report.write import save_record, write_reports
from autotune.runner import Runner, TrialFailed
from autotune.search.driver import Search
from autotune.search.incumbent import incumbent
from autotune.sources.cache import cache_dir
from autotune.sources.datasets import load_data
from autotune.sources.model import locate
from autotune.space import Space

FINALISTS = 4
RACE_ROUNDS = 100
RACE_SECONDS = 30.0
EXPORT_SECONDS = 600.0


class Events(Protocol):
    """What a run tells while it goes on."""

    def stage(self, text: str) -> None:
        """A new phase begins."""

    def note(self, text: str) -> None:
        """A sentence that the user must see: something was fixed, dropped or ran differently."""

    def trial(self, trial: Trial, best: Trial | None, done: int, total: int) -> None:
        """A trial ended."""


@dataclass(frozen=True)
class Options:
    """How a run is carried out, apart from what the recipe says."""

    output: Path
    resume: bool = False
    trust_code: bool = False
    command: str = ""


def tune(asked: recipe.Recipe, options: Options, events: Events) -> Run:
    """Carry out one run and leave its results in the output folder.

    An interrupt (Ctrl-C) during the search ends the search: the run finishes with what was measured until then
    and its outcome is ``interrupted``. A second one ends the run at once; ``--resume`` continues it.

    Raises:
        UserError: a mistake of the user's; nothing was written over.
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
        self.clock = time.monotonic()
        self.interrupted = False
        self.notes: list[str] = []

    def run(self) -> Run:
        self.events.stage("data")
        for code in self.recipe.functions:
            self.note(f"Runs code of yours: {code}")
        splits = load_data(self.recipe, self.options.trust_code, self.note)
        model = locate(self.recipe)
        self.folder.claim(self.recipe.digest, self.fingerprint, self.options.resume)
        data.save(splits, self.folder.splits)
        self.sizes = SplitSizes(
            len(splits.calibration), len(splits.search), len(splits.holdout), splits.duplicates_removed
        )
        self.note("Samples: " + ", ".join(f"{name} {len(part)}" for name, part in splits.items()) + ".")
        self.data_digest = data.digest(splits)
        write_text(self.folder.recipe, recipe.dump(self.recipe.rebased(self.folder.path)))
        with Runner(self._setup(model), self.folder.log) as runner:
            self.events.stage("baseline")
            self.prepared: Prepared = runner.prepare()
            for note in self.prepared.model.notes:
                self.note(note)
            self.goal = self._goal()
            self.space = Space(self.recipe.space, self.prepared.model)
            for note in self.space.notes:
                self.note(note)
            observed = self._observe(runner)
            searched = time.monotonic()
            trials = self._search(runner)
            search_seconds = time.monotonic() - searched
            return self._finish(runner, trials, observed, search_seconds)

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.events.note(text)

    def _setup(self, model: Path) -> Setup:
        return Setup.of(
            self.recipe,
            model=model,
            splits=self.folder.splits,
            trust_code=self.options.trust_code,
            cache=cache_dir() / "observations",
        )

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
            confidence=wanted.confidence,
            assurance=wanted.assurance,
        )

    def _observe(self, runner: Runner) -> float:
        if not self.prepared.model.operators:
            return 0.0
        self.events.stage("observe")
        observed: Observed = runner.call(Observe(), EXPORT_SECONDS)
        return observed.seconds

    def _search(self, runner: Runner) -> tuple[Trial, ...]:
        budget = self.recipe.budget
        search = Search(self.space, self.folder.study, self.recipe.seed, self.goal.tolerance)
        seconds = self._scoring_seconds(self.sizes.search)
        evaluator = Evaluator(runner, self.goal.tolerance, seconds, self.folder.scores)
        deadline = self.clock + (budget.timeout_seconds or float("inf")) - self._finishing_seconds()
        self.events.stage("search")
        try:
            while self._measured(search.trials) < budget.trials and not search.exhausted:
                if time.monotonic() > deadline and not search.plain_left:
                    break
                proposal = search.ask()
                trial = evaluator.evaluate(proposal.number, proposal.configuration, proposal.origin, search.trials)
                search.tell(proposal, trial)
                best = incumbent(search.trials, self.goal.tolerance)
                self.events.trial(trial, _trial_of(search.trials, best), self._measured(search.trials), budget.trials)
        except KeyboardInterrupt:
            self.interrupted = True
            runner.close()
            self.note("Interrupted: finishing with what was measured; press Ctrl-C again to stop at once.")
        if not any(t.state == "complete" for t in search.trials):
            raise KeyboardInterrupt
        return search.trials

    def _finish(self, runner: Runner, trials: tuple[Trial, ...], observed: float, search_seconds: float) -> Run:
        self.events.stage("finalists")
        chosen = decide.pick_finalists(trials, self.goal.tolerance, FINALISTS)
        finalists = self._judge(runner, chosen)
        decision = decide.choose(finalists, self.goal, interrupted=self.interrupted)
        winner = next(f for f in finalists if f.trial == decision.winner)
        self.events.stage("export")
        mark = "Best effort, the asked latency is not met. " if decision.outcome == "constraint-unmet" else ""
        export = Export(winner.configuration, self.folder.model.absolute(), mark + decision.sentence)
        candidate = runner.call(export, EXPORT_SECONDS)
        solved = self._solved(winner.configuration, candidate)
        write_text(self.folder.solved, recipe.dump(solved))
        score = self.prepared.baseline.score
        assert score is not None
        run = Run(
            name=self.recipe.name,
            outcome=decision.outcome,
            sentence=decision.sentence,
            why_float=decision.why_float,
            model=self.prepared.model,
            data=self.recipe.data.label,
            splits=self.sizes,
            goal=self.goal,
            trials=trials,
            front=decide.pareto_front(trials),
            finalists=tuple(finalists),
            winner=decision.winner,
            best_float=decision.best_float,
            fastest_proven=decision.fastest_proven,
            baseline_score=score,
            seconds=_total_seconds(trials, observed, search_seconds),
            wall_seconds=time.monotonic() - self.clock,
            fingerprint=replace(self.fingerprint, threads=self.prepared.threads),
            started=self.started.isoformat(timespec="seconds"),
            solved=recipe.dump(solved),
            command=self.options.command,
            notes=tuple(self.notes),
        )
        return self._report(run)

    def _judge(self, runner: Runner, chosen: Sequence[Trial]) -> list[Finalist]:
        """Re-time the finalists in common rounds, then look at the holdout once for each."""
        asked = self.recipe.tolerance
        race = Race(tuple(t.configuration for t in chosen), RACE_ROUNDS, RACE_SECONDS)
        raced: Raced = runner.call(race, EXPORT_SECONDS)
        columns = list(zip(*raced.milliseconds, strict=True))
        verdicts: list[Verdict | None] = []
        for trial in chosen:
            request = Judge(
                trial.configuration, asked.max_drop.value, asked.max_drop.relative, asked.confidence, len(chosen) - 1
            )
            try:
                verdicts.append(runner.call(request, EXPORT_SECONDS + 40 * self._scoring_seconds(self.sizes.holdout)))
            except (TrialFailed, WorkerDied) as error:
                verdicts.append(None)
                self.note(f"Trial {trial.number} could not be judged on the holdout and left the finalists: {error}")
        return decide.finalists(chosen, columns, verdicts, self.goal)

    def _solved(self, winner: Configuration, candidate: str) -> recipe.Recipe:
        return self.recipe.solved(
            space=self.space.fix(winner),
            expect=recipe.Expect(model=self.prepared.model.digest, data=self.data_digest, candidate=candidate),
            threads=self.prepared.threads,
            base=self.folder.path,
        )

    def _report(self, run: Run) -> Run:
        self.events.stage("report")
        started = time.monotonic()
        save_record(run, self.folder.record)
        write_reports(run, self.folder.path)
        spent = time.monotonic() - started
        run = replace(run, seconds=replace(run.seconds, report=spent), wall_seconds=time.monotonic() - self.clock)
        save_record(run, self.folder.record)
        write_reports(run, self.folder.path)
        self.folder.clean()
        return run

    def _scoring_seconds(self, samples: int) -> float:
        latency = self.prepared.baseline.latency
        return samples * (latency.median_ms if latency else 0.0) / 1000

    def _finishing_seconds(self) -> float:
        """What the phases after the search need, so that ``--timeout`` holds for the whole run."""
        return 12.0 + FINALISTS * (1.0 + self._scoring_seconds(self.sizes.holdout)) + RACE_SECONDS / 3

    @staticmethod
    def _measured(trials: Sequence[Trial]) -> int:
        return sum(t.state != "duplicate" for t in trials)


def _trial_of(trials: Sequence[Trial], configuration: Configuration | None) -> Trial | None:
    return next((t for t in trials if t.configuration == configuration), None)


def _total_seconds(trials: Sequence[Trial], observe: float, search: float) -> Seconds:
    """Sum the phases over the trials; ``search`` is what the search spent on itself (Optuna, proposals)."""
    build, compile_, score, latency = (
        sum(getattr(t.seconds, name) for t in trials) for name in ("build", "compile", "score", "latency")
    )
    own = max(0.0, search - build - compile_ - score - latency)
    return Seconds(observe=observe, build=build, compile=compile_, score=score, latency=latency, search=own)
