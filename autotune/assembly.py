"""Everything that is known of a run, as one value, written with its reports."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from autotune import decide
from autotune.configuration import Configuration
from autotune.files import write_text
from autotune.findings import FrameFindings, OperatorFinding, QuantizerRecord
from autotune.folder import RunFolder
from autotune.outcome import Finalist, Ladder, RungName, RunRecord, Saturation, Storage
from autotune.prior.gain import attribute
from autotune.protocol import Explored, Exported
from autotune.recipe import dump
from autotune.record import OperatorRun, Seconds, Trial
from autotune.report.write import save_record, write_reports
from autotune.search.importance import importances
from autotune.setting import Found, Setting


@dataclass(frozen=True)
class Judged:
    """What the phases after the search came to.

    Attributes:
        notes: everything that the user was told.
    """

    finalists: tuple[Finalist, ...]
    decision: decide.Decision
    exported: Exported
    storage: Storage
    saturation: Saturation | None
    quantizers: tuple[QuantizerRecord, ...]
    quantizers_of: int | None
    interrupted: bool
    notes: tuple[str, ...]


def leave(setting: Setting, found: Found, judged: Judged) -> RunRecord:
    """Write the solved recipe, the record and the reports; then once more with the time that the writing took."""
    started = time.monotonic()
    decision = judged.decision
    winner = next(f for f in judged.finalists if f.trial == decision.winner)
    solved = dump(setting.solve(winner.configuration, judged.exported.digest))
    write_text(setting.folder.solved, solved)
    score = setting.prepared.baseline.score
    assert score is not None
    run = RunRecord(
        name=setting.recipe.name,
        outcome="interrupted" if judged.interrupted else decision.outcome,
        sentence=decision.sentence,
        why_float=decision.why_float,
        model=setting.prepared.model,
        data=setting.recipe.data.label,
        splits=setting.sizes,
        goal=setting.goal,
        trials=_with_times(found.trials, decision.winner, judged.exported.operators),
        front=decide.pareto_front(found.trials),
        finalists=judged.finalists,
        winner=decision.winner,
        best_float=decision.best_float,
        fastest_proven=decision.fastest_proven,
        baseline_score=score,
        seconds=_total_seconds(found),
        wall_seconds=time.monotonic() - setting.clock,
        fingerprint=replace(setting.fingerprint, threads=setting.prepared.model.threads),
        started=setting.started.isoformat(timespec="seconds"),
        solved=solved,
        command=setting.command,
        notes=judged.notes,
        saturation=judged.saturation,
        ladder=_ladder(setting, found),
        frames=tuple(_findings(frame, explored) for frame, explored in found.explored),
        quantizers=judged.quantizers,
        quantizers_of=judged.quantizers_of,
        importances=importances(_chosen(found.trials), setting.goal.tolerance),
        export_check=judged.exported.check,
        onnx=judged.exported.onnx,
        storage=judged.storage,
    )
    _write(run, setting.folder)
    run = replace(
        run,
        seconds=replace(run.seconds, report=time.monotonic() - started),
        wall_seconds=time.monotonic() - setting.clock,
    )
    _write(run, setting.folder)
    return run


def _ladder(setting: Setting, found: Found) -> Ladder | None:
    """What each rung gave; None where the order was not the ladder's."""
    if setting.recipe.strategy.order != "ladder":
        return None
    compressible = setting.prepared.model.compressible
    unclimbed: dict[RungName, str] = {
        "int8 weights": "Not climbed: most operators with weights are not linear, or the recipe leaves them float."
        if compressible
        else "Not climbed: OpenVINO runs no layer of this model with int8 weights.",
        "static int8": f"Not climbed. {found.ended}",
        "training": found.training,
    }
    profile = decide.dominant(setting.prepared.baseline.operators, compressible)
    return decide.ladder(found.trials, setting.goal, profile, unclimbed, _stopped(found))


def _stopped(found: Found) -> str:
    trained = any(t.configuration.training is not None for t in found.trials)
    return f"{found.ended} {found.training}" if trained else found.ended


def _findings(frame: Configuration, explored: Explored) -> FrameFindings:
    profiles = (
        attribute(runs, explored.operators, explored.near) for runs in (explored.float_runs, explored.int8_runs)
    )
    floats, int8 = (profile.operators for profile in profiles)
    return FrameFindings(
        frame,
        explored.operators,
        tuple(
            OperatorFinding(
                members,
                explored.costs.get(label),
                sum(floats[name] - int8[name] for name in members),
                explored.taken_back.get(label),
            )
            for label, members in explored.groups.items()
        ),
    )


def _chosen(trials: Sequence[Trial]) -> list[Trial]:
    """Leave out what was trained, which owes its drop to that, not to its choices, and what repeats others with f16."""
    return [t for t in decide.searched(trials) if t.configuration.training is None]


def _with_times(trials: Sequence[Trial], winner: int, operators: tuple[OperatorRun, ...]) -> tuple[Trial, ...]:
    """The winner's operators were timed when it was written; those of other candidates never are."""
    return tuple(
        replace(t, measurement=replace(t.measurement, operators=operators))
        if t.number == winner and t.measurement is not None
        else t
        for t in trials
    )


def _write(run: RunRecord, folder: RunFolder) -> None:
    save_record(run, folder.record)
    write_reports(run, folder.path)


def _total_seconds(found: Found) -> Seconds:
    """Sum the phases over the trials; ``search`` is the wall time of the search, which holds those of this session."""
    phases = ("observe", "inference", "build", "compile", "score", "latency")
    observe, inference, build, compile_, score, latency = (
        sum(getattr(t.seconds, name) for t in found.trials) for name in phases
    )
    return Seconds(
        observe=found.observe_seconds + observe,
        inference=found.inference_seconds + inference,
        build=build,
        compile=compile_,
        score=score,
        latency=latency,
        search=found.seconds,
    )
