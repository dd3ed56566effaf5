"""The finalists-to-be with their float weights as f16, each a trial: what costs nothing takes its place."""

from __future__ import annotations

from collections.abc import Callable

from autotune import decide, reserve
from autotune.errors import WorkerDied
from autotune.evaluator import Evaluated, Evaluator
from autotune.finishing import FINALISTS
from autotune.memory import LARGE, is_large
from autotune.protocol import Build, Built
from autotune.record import Trial
from autotune.runner import Runner
from autotune.search.driver import Proposal, Search
from autotune.setting import Setting
from autotune.stages import StageFailed


def store(
    setting: Setting,
    search: Search,
    evaluator: Evaluator,
    runner: Runner,
    *,
    tell: Callable[[Proposal, Evaluated], None],
    left: Callable[[], float],
) -> dict[int, str]:
    """Measure them; return why others were not, by trial number, as the end of a sentence.

    Args:
        tell: takes each proposal and what came of it.
        left: seconds that the timeout leaves.

    Raises:
        KeyboardInterrupt: what was measured until then is told.
    """
    goal = setting.goal
    trials = decide.searched(search.trials)
    finalists = decide.pick_finalists(
        trials, goal.tolerance, FINALISTS, goal.max_size_bytes, smallest=goal.max_memory_bytes is not None
    )
    if not setting.space.may_halve:
        no_choice = setting.space.float_weights == "f32"
        return {t.number: "float_weights in the recipe leaves no choice" for t in finalists if no_choice}
    worth = decide.worth_halving(finalists, goal.tolerance)
    kept = {t.number: "f16 could save too little" for t in finalists if not decide.large_enough(t)}
    for trial in worth:
        if all(t.configuration != decide.halved(trial.configuration) for t in search.trials):
            why = _try(trial, search, evaluator, runner, tell=tell, left=left())
            kept |= {trial.number: why} if why else {}
    return kept


def _try(
    trial: Trial,
    search: Search,
    evaluator: Evaluator,
    runner: Runner,
    *,
    tell: Callable[[Proposal, Evaluated], None],
    left: float,
) -> str:
    """Measure one with f16; return why that was not done, or failed."""
    before = trial.measurement.size_bytes if trial.measurement else 0
    made = decide.halved(trial.configuration)
    if is_large(before):
        return f"f16 takes a copy, and they have over {LARGE / 2**30:.0f} GiB; 'float_weights: f16' in a recipe does it"
    if left < reserve.trial_seconds(trial):
        return "the timeout left no time to try f16"
    try:
        built: Built = runner.call(Build(made))
    except (StageFailed, WorkerDied) as error:
        return f"with f16 it cannot be built ({error})"
    if not decide.saves(before, built.size_bytes):
        return f"f16 would save {max(before - built.size_bytes, 0) / max(before, 1):.1%}"
    proposal = search.adopt(trial.configuration, made, "storage")
    found = evaluator.evaluate(proposal.number, made, "storage", search.trials)
    tell(proposal, found)
    return "" if found.trial.state == "complete" else f"with f16, {found.trial.reason}"
