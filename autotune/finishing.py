"""From the trials of a search to what a run leaves: finalists, verdicts, the model, the report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from autotune import decide, recipe
from autotune.configuration import Configuration
from autotune.errors import AutotuneError, WorkerDied
from autotune.events import Events
from autotune.files import write_text
from autotune.folder import RunFolder
from autotune.protocol import Export, Judge, Prepared, Race, Raced
from autotune.record import Finalist, Fingerprint, Goal, Run, Seconds, SplitSizes, Trial, Verdict
from autotune.report.write import save_record, write_reports
from autotune.runner import Runner, TrialFailed
from autotune.space import Space

FINALISTS = 4
RACE_ROUNDS = 100
RACE_SECONDS = 30.0
# Nothing after the search may hang for ever; nothing honest takes this long.
REQUEST_SECONDS = 600.0


@dataclass(frozen=True)
class Searched:
    """What is known when the search has ended.

    Attributes:
        clock: ``time.monotonic()`` when the run began.
        observe_seconds, search_seconds: wall time of these phases.
        notes: what the user was told so far.
    """

    recipe: recipe.Recipe
    folder: RunFolder
    prepared: Prepared
    space: Space
    goal: Goal
    sizes: SplitSizes
    data_digest: str
    trials: tuple[Trial, ...]
    interrupted: bool
    observe_seconds: float
    search_seconds: float
    fingerprint: Fingerprint
    started: datetime
    clock: float
    command: str
    notes: tuple[str, ...]


def finish(searched: Searched, runner: Runner, events: Events) -> Run:
    """Judge the finalists on the holdout, write the winner and the reports.

    Raises:
        AutotuneError: float f32 itself could not be measured.
    """
    if not any(t.state == "complete" and t.configuration == Configuration() for t in searched.trials):
        reason = next((t.reason for t in searched.trials if t.configuration == Configuration()), "it was not tried")
        raise AutotuneError(f"Float f32, the reference, could not be measured: {reason}")
    events.stage("finalists")
    chosen = decide.pick_finalists(searched.trials, searched.goal.tolerance, FINALISTS)
    finalists, notes = _judge(searched, runner, chosen)
    for note in notes:
        events.note(note)
    decision = decide.choose(finalists, searched.goal, interrupted=searched.interrupted)
    winner = next(f for f in finalists if f.trial == decision.winner)
    events.stage("export")
    solved = recipe.dump(_export(searched, runner, winner.configuration, decision))
    write_text(searched.folder.solved, solved)
    score = searched.prepared.baseline.score
    assert score is not None
    run = Run(
        name=searched.recipe.name,
        outcome=decision.outcome,
        sentence=decision.sentence,
        why_float=decision.why_float,
        model=searched.prepared.model,
        data=searched.recipe.data.label,
        splits=searched.sizes,
        goal=searched.goal,
        trials=searched.trials,
        front=decide.pareto_front(searched.trials),
        finalists=tuple(finalists),
        winner=decision.winner,
        best_float=decision.best_float,
        fastest_proven=decision.fastest_proven,
        baseline_score=score,
        seconds=_total_seconds(searched),
        wall_seconds=time.monotonic() - searched.clock,
        fingerprint=replace(searched.fingerprint, threads=searched.prepared.threads),
        started=searched.started.isoformat(timespec="seconds"),
        solved=solved,
        command=searched.command,
        notes=(*searched.notes, *notes),
    )
    events.stage("report")
    return _report(run, searched)


def seconds_needed(prepared: Prepared, sizes: SplitSizes) -> float:
    """Estimate how long :func:`finish` takes, so that ``--timeout`` holds for the whole run."""
    block = max(0.004, 2 * scoring_seconds(prepared, 1))
    race = min(RACE_SECONDS, RACE_ROUNDS * FINALISTS * block)
    return 6.0 + race + FINALISTS * (0.5 + scoring_seconds(prepared, sizes.holdout))


def scoring_seconds(prepared: Prepared, samples: int) -> float:
    """How long float f32 takes for so many samples."""
    latency = prepared.baseline.latency
    return samples * (latency.median_ms if latency else 0.0) / 1000


def _judge(searched: Searched, runner: Runner, chosen: Sequence[Trial]) -> tuple[list[Finalist], list[str]]:
    """Time the finalists again in common rounds, then look at the holdout once for each."""
    asked = searched.recipe.tolerance
    race = Race(tuple(t.configuration for t in chosen), RACE_ROUNDS, RACE_SECONDS)
    raced: Raced = runner.call(race, REQUEST_SECONDS)
    columns = list(zip(*raced.milliseconds, strict=True))
    timeout = REQUEST_SECONDS + 40 * scoring_seconds(searched.prepared, searched.sizes.holdout)
    verdicts: list[Verdict | None] = []
    notes: list[str] = []
    for trial in chosen:
        drop = asked.max_drop
        request = Judge(trial.configuration, drop.value, drop.relative, asked.confidence, len(chosen) - 1)
        try:
            verdicts.append(runner.call(request, timeout))
        except (TrialFailed, WorkerDied) as error:
            verdicts.append(None)
            notes.append(f"Trial {trial.number} could not be judged on the holdout and is no finalist: {error}")
    return decide.finalists(chosen, columns, verdicts, searched.goal), notes


def _export(searched: Searched, runner: Runner, winner: Configuration, decision: decide.Decision) -> recipe.Recipe:
    """Write the winner's model folder; return the solved recipe that rebuilds it."""
    mark = "Best effort, the asked latency is not met. " if decision.outcome == "constraint-unmet" else ""
    export = Export(winner, searched.folder.model.absolute(), mark + decision.sentence)
    candidate: str = runner.call(export, REQUEST_SECONDS)
    return searched.recipe.solved(
        space=searched.space.fix(winner),
        expect=recipe.Expect(model=searched.prepared.model.digest, data=searched.data_digest, candidate=candidate),
        threads=searched.prepared.threads,
        base=searched.folder.path,
    )


def _report(run: Run, searched: Searched) -> Run:
    """Write everything, then once more with the time that the writing took."""
    started = time.monotonic()
    _write(run, searched.folder)
    run = replace(
        run,
        seconds=replace(run.seconds, report=time.monotonic() - started),
        wall_seconds=time.monotonic() - searched.clock,
    )
    _write(run, searched.folder)
    searched.folder.clean()
    return run


def _write(run: Run, folder: RunFolder) -> None:
    save_record(run, folder.record)
    write_reports(run, folder.path)


def _total_seconds(searched: Searched) -> Seconds:
    """Sum the phases over the trials; ``search`` is the wall time of the search, which holds those of this session."""
    build, compile_, score, latency = (
        sum(getattr(t.seconds, name) for t in searched.trials) for name in ("build", "compile", "score", "latency")
    )
    return Seconds(
        observe=searched.observe_seconds,
        build=build,
        compile=compile_,
        score=score,
        latency=latency,
        search=searched.search_seconds,
    )
