"""The search phase: ask, observe when needed, look at operators, evaluate, tell, and keep the best so far on disk."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from autotune import decide, reserve
from autotune.counts import counted
from autotune.errors import WorkerDied
from autotune.evaluator import Evaluated, Evaluator
from autotune.events import Events
from autotune.files import write_text
from autotune.finishing import FINALISTS
from autotune.prior.gain import by_name
from autotune.protocol import Explore, Explored, Export, Exported, Kernels, LookAtKernels, Observe, Observed
from autotune.recipe import dump
from autotune.record import Trial
from autotune.retraining import retrain
from autotune.runner import Runner
from autotune.search.driver import Proposal, Search
from autotune.search.incumbent import to_beat
from autotune.search.written import BestWritten
from autotune.setting import Found, Setting
from autotune.stages import StageFailed
from autotune.storing import store

# What looking at the operators of one frame may take.
EXPLORING_SECONDS = 8.0
# So long a candidate may go on when the time is up.
LEAST_PATIENCE = 5.0


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
        self._climbs = strategy.order == "ladder" and setting.goal.asks_for_speed
        self._search = Search(
            setting.space,
            setting.folder.study,
            setting.recipe.seed,
            self._tolerance,
            profile=by_name(setting.prepared.baseline.operators),
            strategy=strategy,
            climbs=self._climbs,
            max_size=setting.goal.max_size_bytes,
            errors=decide.ERRORS[setting.goal.assurance],
        )
        before = max((t.ended_seconds for t in self._search.trials), default=0.0)  # of the run that is resumed
        self._evaluator = Evaluator(
            runner,
            setting.prepared,
            self._tolerance,
            reserve.scoring_seconds(setting.prepared, setting.sizes.search),
            setting.folder.scores,
            early_stopping=strategy.early_stopping,
            begun=setting.clock - before,
            max_size=setting.goal.max_size_bytes,
            weighed=setting.goal.max_memory_bytes is not None,
        )
        self._written = BestWritten(self._tolerance)
        self._observed = False
        self._observing = self._inference = 0.0

    def run(self) -> Found:
        started = time.monotonic()
        interrupted = late = False
        training = "Interrupted."
        kept_f32: dict[int, str] = {}
        ended = ""
        budget = self._setting.recipe.budget.trials
        try:
            while self._search.plain_left or (self._measured < budget and not self._search.exhausted):
                late = self._is_late()
                if late:
                    ended = f"The timeout ended the search after {self._measured} of {counted(budget, 'trial')}."
                    self._note(f"{ended}{self._over()}")
                    break
                if self._strategy.settle and self._search.settled:
                    ended = "The search ended: no improvement is expected any more."
                    self._note(ended)
                    break
                if enough := self._fast_enough():
                    ended = enough
                    self._note(ended)
                    break
                self._explore()
                self._look_at_kernels()
                self._try_one()
            else:
                used = f"its budget of {counted(budget, 'trial')} is used up"
                ended = f"The search ended: {used if self._measured >= budget else 'nothing is left to try'}."
            training = self._train()
            kept_f32 = self._store()
        except KeyboardInterrupt:
            if not any(t.state == "complete" for t in self._search.trials):
                raise
            interrupted, ended = True, "Interrupted."
            self._runner.close()
            self._note("Interrupted: finishing with what was measured; press Ctrl-C again to stop at once.")
        return Found(
            trials=self._search.trials,
            interrupted=interrupted,
            late=late,
            ended=ended,
            training=training,
            seconds=time.monotonic() - started,
            observe_seconds=self._observing,
            inference_seconds=self._inference,
            explored=self._search.explored,
            kept_f32=kept_f32,
        )

    @property
    def _measured(self) -> int:
        return sum(t.state != "duplicate" for t in self._search.trials)

    def _train(self) -> str:
        """Climb the last rung, where it is needed; return why not, or why that ended."""
        if self._setting.recipe.strategy.order != "ladder":
            return ""
        told = retrain(
            self._setting,
            self._search,
            self._evaluator,
            tell=self._learn,
            note=self._note,
            events=self._events,
            left=self._left(),
        )
        if self._setting.lessons is not None:
            self._note(told)
        return told

    def _store(self) -> dict[int, str]:
        """Try what may win with f16 weights; return why others were not."""
        return store(
            self._setting,
            self._search,
            self._evaluator,
            self._runner,
            tell=self._learn,
            left=lambda: self._left(storing=False),
        )

    def _tell(self, trial: Trial) -> None:
        """Show a trial, and keep the best model so far."""
        best = to_beat(self._search.able, self._tolerance)
        total = max(self._setting.recipe.budget.trials, self._measured + self._search.plain_left)
        self._events.trial(trial, best, self._measured, total)
        self._keep_best()

    def _fast_enough(self) -> str:
        """Say so when all rungs below static int8 are climbed and one of their models has the speed asked for."""
        trials = self._search.trials
        if not self._climbs or not self._search.at_static or any(t.configuration.quantization for t in trials):
            return ""
        found = decide.fast_enough(trials, self._setting.goal)
        return "" if found is None else f"No higher rung is needed: trial {found.number} is fast enough."

    def _try_one(self) -> None:
        left = self._left() if self._search.trials else math.inf
        none_to_spare = self._measured + self._search.plain_left >= self._setting.recipe.budget.trials
        proposal = self._search.ask(hurry=left <= 0 or none_to_spare)
        if not self._observed and proposal.configuration.quantization is not None:
            self._observe()
        found = self._evaluator.evaluate(
            proposal.number,
            proposal.configuration,
            proposal.origin,
            self._search.trials,
            patience=math.inf if proposal.origin == "plain" else self._patience(left),
        )
        self._learn(proposal, found)

    def _learn(self, proposal: Proposal, found: Evaluated) -> None:
        if found.again is not None and found.again.measurement is not None:
            self._note(f"Trial {found.again.number}: {found.again.measurement.notes[-1]}")
            self._search.revise(found.again)
        self._search.tell(proposal, found.trial)
        self._tell(found.trial)

    def _observe(self) -> None:
        """Record the statistics of the calibration samples; not before they are needed: float models come first.

        Where the child dies of it, the next one observes when it builds a candidate, which costs that trial if it dies
        again.
        """
        self._events.stage("observe")
        try:
            found: Observed = self._runner.call(Observe())
            self._observing += found.seconds
            self._inference += found.inference_seconds
        except WorkerDied as error:
            self._note(f"Calibration samples could not be observed, and will be with the next candidate: {error}.")
        self._observed = True
        self._events.stage("search")

    def _is_late(self) -> bool:
        """The plain configurations are tried whatever the timeout: without them nothing could be said.

        Another trial may take as long as the longest of the last ones.
        """
        if self._search.plain_left:
            return False
        recent = [reserve.trial_seconds(t) for t in self._search.trials[-reserve.RECENT :] if t.state != "duplicate"]
        return max(recent, default=0.0) > self._left()

    def _left(self, storing: bool = True) -> float:
        """Return the seconds that the timeout leaves to the search, were it to end now.

        Args:
            storing: trying f16 weights is still to come.
        """
        if self._setting.deadline is None:
            return math.inf
        prepared, sizes, trials = self._setting.prepared, self._setting.sizes, decide.searched(self._search.trials)
        goal, weighed = self._setting.goal, self._setting.goal.max_memory_bytes is not None
        finalists = decide.pick_finalists(trials, self._tolerance, FINALISTS, goal.max_size_bytes, smallest=weighed)
        after = reserve.finishing_seconds(prepared, sizes, finalists, trials, weighed=weighed)
        if storing and self._setting.space.may_halve:
            after += sum(map(reserve.trial_seconds, decide.worth_halving(finalists, self._tolerance)))
        return self._setting.deadline - time.monotonic() - after

    def _patience(self, left: float) -> float:
        """Return how long to wait for a candidate: as long as giving it up would end the run no sooner.

        That takes another child, whose start takes about as long as that of the ones before.
        """
        starting = self._runner.starting_seconds / (self._runner.restarts + 1)
        return max(left, 0.0) + max(starting, LEAST_PATIENCE)

    def _over(self) -> str:
        """Say so where the plain configurations and judging them take longer than the whole run was to."""
        over = -self._left()
        if over <= 0:
            return ""
        return f" It is too short for the plain configurations and the holdout: the run ends about {over:.0f} s later."

    def _explore(self) -> None:
        """Look at the operators of a frame when one is worth it."""
        frame = self._search.frame_to_explore()
        if frame is None or self._left() < EXPLORING_SECONDS:
            return
        started, inference = time.monotonic(), 0.0
        prepared = self._setting.prepared
        inferences = int(EXPLORING_SECONDS * prepared.members / max(reserve.scoring_seconds(prepared, 1), 1e-6))
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

    def _look_at_kernels(self) -> None:
        """Look for convolutions that are faster in direct kernels, of the fastest within the tolerance."""
        base = self._search.kernels_to_look_at()
        if base is None or self._left() < EXPLORING_SECONDS:
            return
        started, inference = time.monotonic(), 0.0
        try:
            found: Kernels = self._runner.call(LookAtKernels(base, self._search.convolutions))
            inference = found.inference_seconds
            self._search.learn_kernels(base, found.sets)
        except (StageFailed, WorkerDied) as error:
            self._note(f"The kernels of {base.label} could not be looked at: {error}")
            self._search.learn_kernels(base, ())
        self._observing += time.monotonic() - started - inference
        self._inference += inference

    def _keep_best(self) -> None:
        """Write the model folder when the best of all trials so far is due."""
        trial = self._written.due(self._able_to_win(), time.monotonic())
        if trial is None:
            return
        remark = "The best of the search so far; it was not judged on the holdout."
        export = Export(trial.configuration, self._setting.folder.model.absolute(), remark, final=False)
        try:
            exported: Exported = self._runner.call(export)
        except (StageFailed, WorkerDied) as error:
            self._note(f"The best so far, trial {trial.number}, could not be written: {error}")
            self._written.refuse(trial)
            return
        solved = self._setting.solve(trial.configuration, exported.digest)
        write_text(self._setting.folder.solved, dump(solved))
        self._inference += exported.inference_seconds
        self._written.wrote(trial, time.monotonic())

    def _able_to_win(self) -> list[Trial]:
        """The trials of the search that may win, and what training made."""
        size = self._setting.goal.max_size_bytes
        trained = [t for t in self._search.trials if t.configuration.training is not None and decide.fits(t, size)]
        return [*self._search.able, *trained]
