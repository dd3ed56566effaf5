"""The search phase: ask, observe when needed, look at operators, evaluate, tell, and keep the best so far on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from autotune.errors import WorkerDied
from autotune.evaluator import Evaluator
from autotune.events import Events
from autotune.files import write_text
from autotune.finishing import FINALISTS, SHORT_RACE_SECONDS, WRITING_SECONDS
from autotune.protocol import Explore, Explored, Export, Exported, Observe, Observed, Prepared
from autotune.recipe import dump
from autotune.record import SplitSizes, Trial
from autotune.runner import Runner
from autotune.search.driver import Search
from autotune.search.incumbent import incumbent
from autotune.setting import Found, Setting
from autotune.stages import StageFailed

# What looking at the operators of one frame may take.
EXPLORING_SECONDS = 8.0
# An emulated inference takes at most so many times as long as one of float f32 (1.1 to 1.2 on magika and PP-LCNet).
EMULATED = 1.5
# The best so far is written again when it is faster by this factor, and so many seconds after the last time.
BETTER = 1.03
WRITE_EVERY_SECONDS = 5.0


def search(setting: Setting, note: Callable[[str], None], runner: Runner, events: Events) -> Found:
    """Try configurations until trials, time or ideas run out, or the user interrupts.

    Args:
        note: tells the user something.

    Raises:
        KeyboardInterrupt: interrupted before anything was measured.
    """
    return _Searching(setting, note, runner, events).run()


class _Searching:
    def __init__(self, setting: Setting, note: Callable[[str], None], runner: Runner, events: Events) -> None:
        self._setting = setting
        self._note = note
        self._runner = runner
        self._events = events
        self._tolerance = setting.goal.tolerance
        self._strategy = strategy = setting.recipe.strategy
        self._search = Search(
            setting.space,
            setting.folder.study,
            setting.recipe.seed,
            self._tolerance,
            profile={run.name: run.microseconds for run in setting.prepared.baseline.operators},
            strategy=strategy,
        )
        before = max((t.ended_seconds for t in self._search.trials), default=0.0)  # of the run that is resumed
        self._evaluator = Evaluator(
            runner,
            setting.prepared,
            self._tolerance,
            _scoring_seconds(setting.prepared, setting.sizes.search),
            setting.folder.scores,
            early_stopping=strategy.early_stopping,
            begun=setting.clock - before,
        )
        self._written: tuple[float, float] = (0.0, 0.0)
        self._observed = False
        self._observing = self._inference = 0.0

    def run(self) -> Found:
        started = time.monotonic()
        interrupted = False
        budget = self._setting.recipe.budget.trials
        try:
            while self._search.plain_left or (self._measured < budget and not self._search.exhausted):
                if self._is_late():
                    self._note(f"The timeout ended the search after {self._measured} of {budget} trials.")
                    break
                if self._strategy.settle and self._search.settled:
                    self._note("The search ended: no improvement is expected any more.")
                    break
                self._explore()
                self._try_one()
        except KeyboardInterrupt:
            if not any(t.state == "complete" for t in self._search.trials):
                raise
            interrupted = True
            self._runner.close()
            self._note("Interrupted: finishing with what was measured; press Ctrl-C again to stop at once.")
        return Found(self._search.trials, interrupted, time.monotonic() - started, self._observing, self._inference)

    @property
    def _measured(self) -> int:
        return sum(t.state != "duplicate" for t in self._search.trials)

    def _try_one(self) -> None:
        proposal = self._search.ask()
        if not self._observed and proposal.configuration.quantization is not None:
            self._observe()
        trial = self._evaluator.evaluate(proposal.number, proposal.configuration, proposal.origin, self._search.trials)
        self._search.tell(proposal, trial)
        held = incumbent(self._search.trials, self._tolerance)
        best = next((t for t in self._search.trials if t.configuration == held), None)
        self._events.trial(trial, best, self._measured, self._setting.recipe.budget.trials)
        self._keep(trial)

    def _observe(self) -> None:
        """Record the statistics of the calibration samples; not before they are needed: float models come first."""
        self._events.stage("observe")
        found: Observed = self._runner.call(Observe())
        self._observing += found.seconds
        self._inference += found.inference_seconds
        self._observed = True
        self._events.stage("search")

    def _is_late(self) -> bool:
        """The plain configurations are tried whatever the timeout: without them nothing could be said."""
        if self._setting.deadline is None or self._search.plain_left:
            return False
        recent = [_seconds(t) for t in self._search.trials[-8:] if t.state != "duplicate"]
        one_more = sum(recent) / max(1, len(recent))
        needed = _seconds_needed(self._setting.prepared, self._setting.sizes, self._search.trials)
        return time.monotonic() + one_more + needed > self._setting.deadline

    def _explore(self) -> None:
        """Look at the operators of a frame when one is worth it."""
        frame = self._search.frame_to_explore()
        if frame is None:
            return
        started, inference = time.monotonic(), 0.0
        inferences = int(EXPLORING_SECONDS / max(_scoring_seconds(self._setting.prepared, 1), 1e-6))
        request = Explore(frame, accuracy=not self._search.is_within(frame), inferences=inferences)
        try:
            explored: Explored = self._runner.call(request)
            inference = explored.inference_seconds
            self._search.learn(frame, explored)
        except (StageFailed, WorkerDied) as error:
            self._note(f"The operators of {frame.label} could not be looked at: {error}")
            self._search.learn(frame, None)
        self._observing += time.monotonic() - started - inference
        self._inference += inference

    def _keep(self, trial: Trial) -> None:
        """Write the model folder when this trial is the fastest within the tolerance so far."""
        measured = trial.measurement
        if trial.state != "complete" or measured is None or measured.latency is None or measured.drop is None:
            return
        speed, (best, at) = measured.latency.speedup.low, self._written
        if measured.drop > self._tolerance or speed < BETTER * best or time.monotonic() < at + WRITE_EVERY_SECONDS:
            return
        remark = "The best of the search so far; it was not judged on the holdout."
        try:
            exported: Exported = self._runner.call(
                Export(trial.configuration, self._setting.folder.model.absolute(), remark)
            )
        except (StageFailed, WorkerDied) as error:
            self._note(f"The best so far, trial {trial.number}, could not be written: {error}")
            return
        solved = self._setting.solve(trial.configuration, exported.digest)
        write_text(self._setting.folder.solved, dump(solved))
        self._written = speed, time.monotonic()


def _seconds(trial: Trial) -> float:
    spent = trial.seconds
    return spent.observe + spent.inference + spent.build + spent.compile + spent.score + spent.latency


def _seconds_needed(prepared: Prepared, sizes: SplitSizes, trials: Sequence[Trial]) -> float:
    """Estimate how long ``finishing.finish`` takes at least, so that ``--timeout`` holds for the whole run.

    Each finalist is compiled twice (to be timed, and to be judged) and the winner once more; what is left of the time
    goes into timing. Where 8-bit sums can saturate, the winner is compiled and scored again, emulated.
    """
    compiling = [t.seconds.compile + t.seconds.build for t in trials if t.seconds.compile > 0]
    one = sum(compiling) / max(1, len(compiling))
    judging = _scoring_seconds(prepared, sizes.holdout)
    emulating = one + EMULATED * _scoring_seconds(prepared, sizes.search) if prepared.model.can_saturate else 0.0
    return WRITING_SECONDS + SHORT_RACE_SECONDS + (2 * FINALISTS + 1) * one + FINALISTS * judging + emulating


def _scoring_seconds(prepared: Prepared, samples: int) -> float:
    """How long float f32 takes for so many samples."""
    latency = prepared.baseline.latency
    return samples * (latency.median_ms if latency else 0.0) / 1000
