"""Looking again: a run's deployed model and the floats, measured on this machine, on the run's holdout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from autotune import decide, deploy, hardware, recipe
from autotune.configuration import Configuration
from autotune.errors import AutotuneError, UserError, WorkerDied
from autotune.folder import RunFolder
from autotune.outcome import RunRecord, Verification
from autotune.protocol import Prepared, Recheck, Rechecked
from autotune.report.write import load_record
from autotune.restoring import restored
from autotune.runner import Runner
from autotune.stages import StageFailed

ROUNDS = 100
SECONDS = 20.0


@dataclass(frozen=True)
class Asked:
    """What is looked at again.

    Attributes:
        run: folder of a finished run.
        model: the deployed folder; None for the run's own.
        slower: share of the promised speed over float f32 that may be missing.
    """

    run: Path
    model: Path | None = None
    slower: float = 0.1
    trust_code: bool = False


def share(text: str, option: str) -> float:
    """Parse ``10%`` or ``0.1``.

    Raises:
        UserError: it is neither, or not between 0 and 100 %.
    """
    number, percent, rest = text.partition("%")
    try:
        value = float(number) / (100 if percent else 1)
    except ValueError:
        value = -1.0
    if rest.strip() or not 0 <= value < 1:
        raise UserError(f"{option}: '{text}' is not a share; write one such as '10%' or 0.1.")
    return value


def verify(asked: Asked, note: Callable[[str], None]) -> Verification:
    """Measure a run's winner and the floats here, and say whether verdict and speed still hold.

    Raises:
        UserError: no finished run there, or its model or data are not those that it was judged with.
        AutotuneError: something could not be measured.
    """
    folder = RunFolder(asked.run)
    run = load_record(folder.record)
    solved = recipe.load(folder.solved)
    directory = deploy.checked(asked.model or folder.model)
    assert solved.expect is not None
    with restored(solved, asked.trust_code, note) as again:
        if solved.expect.data != again.data:
            raise UserError(
                f"{folder.solved}: the data are not those that the run was judged with; verify needs these."
            )
        try:
            prepared, checked = _measure(run, directory, again.source, solved, again.runner)
        except (StageFailed, WorkerDied) as error:
            said = "\n".join(again.log.read_text(errors="replace").splitlines()[-5:])
            raise AutotuneError(f"{error}; the measuring process last said:\n{said}") from error
    for text in checked.notes:
        note(text)
    if run.goal.max_memory_bytes is not None:
        note("Peak memory is not measured again: tolerance.max_memory was judged where the run was made.")
    here = replace(hardware.fingerprint(), threads=prepared.model.threads)
    return decide.still_holds(
        run, _floats(run, prepared), checked.milliseconds, checked.verdicts, here=here, slower=asked.slower
    )


def _measure(
    run: RunRecord, directory: Path, source: Path, solved: recipe.Recipe, runner: Runner
) -> tuple[Prepared, Rechecked]:
    prepared: Prepared = runner.prepare()
    if prepared.model.digest != run.model.digest:
        raise UserError(f"model: {source.name} is not the one that the run tuned; verify needs that one.")
    drop = solved.tolerance.max_drop
    request = Recheck(
        directory=directory.absolute(),
        floats=_floats(run, prepared),
        rounds=ROUNDS,
        max_seconds=SECONDS,
        max_drop=drop.value,
        relative=drop.relative,
        confidence=solved.tolerance.confidence,
    )
    checked: Rechecked = runner.call(request)
    return prepared, checked


def _floats(run: RunRecord, prepared: Prepared) -> tuple[Configuration, ...]:
    """Float f32 first; then the other precisions, and what was the best float if it can be run here."""
    model = prepared.model
    best = next(f.configuration for f in run.finalists if f.trial == run.best_float)
    can_run = best.precision in model.precisions and (best.threads or 1) <= model.threads
    plain = [Configuration(precision=precision) for precision in model.precisions]
    return tuple(dict.fromkeys([*plain, *([best] if can_run else [])]))
