"""From the trials of a search to what a run leaves: finalists, verdicts, the model."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from autotune import decide, reserve
from autotune.assembly import Judged, leave
from autotune.configuration import Configuration
from autotune.errors import AutotuneError, WorkerDied
from autotune.events import Events
from autotune.findings import QuantizerRecord
from autotune.outcome import Finalist, RunRecord, Saturation, Storage, Verdict
from autotune.protocol import Emulate, Emulated, Export, Exported, Judge, Race, Raced, Recall
from autotune.record import Trial
from autotune.runner import Runner
from autotune.setting import Found, Setting
from autotune.stages import StageFailed
from autotune.weighing import Weighing

FINALISTS = 5

T = TypeVar("T")


def finish(setting: Setting, found: Found, notes: Sequence[str], runner: Runner, events: Events) -> RunRecord:
    """Judge the finalists on the holdout, write the winner and the reports.

    A finalist that fails on the way is left out and the user is told; float f32 is the last one standing. The first
    interrupt of a run makes the rest short, the second ends it.

    Args:
        notes: what the user was told so far.

    Raises:
        AutotuneError: float f32 itself could not be judged or written.
        KeyboardInterrupt: interrupted a second time.
    """
    return _Finishing(setting, found, notes, runner, events).run()


class _Finishing:
    """The state of the phases after the search: who is still a finalist, and what is known of each."""

    def __init__(self, setting: Setting, found: Found, notes: Sequence[str], runner: Runner, events: Events) -> None:
        self._setting = setting
        self._found = found
        self._runner = runner
        self._events = events
        self._interrupted = found.interrupted
        self._notes = list(notes)
        self._chosen = self._finalists()
        self._columns: dict[int, Sequence[float]] = {}
        self._places: dict[int, Sequence[int]] = {}
        self._verdicts: dict[int, Verdict] = {}
        self._weighing = Weighing(setting, runner, self._note)

    def run(self) -> RunRecord:
        self._events.stage("finalists")
        self._phase(self._race)
        self._phase(self._judge)
        self._phase(lambda: self._weighing.finalists(self._chosen))
        finalists, decision, exported = self._phase(self._write_winner)
        finalists = self._phase(lambda: self._weighing.compared(finalists, decision.winner, self._interrupted))
        storage = self._storage(decision)
        saturation = self._phase(lambda: self._saturation(decision))
        calibrated = decide.calibrated(decision.winner, self._chosen, self._found.trials)
        quantizers = self._phase(lambda: self._quantizers(calibrated))
        self._events.stage("report")
        run = self._phase(
            lambda: leave(
                self._setting,
                self._found,
                Judged(
                    tuple(finalists),
                    decision,
                    exported,
                    storage,
                    saturation,
                    quantizers,
                    calibrated.number if calibrated is not None and quantizers else None,
                    self._interrupted,
                    tuple(self._notes),
                ),
            )
        )
        made = next(f.configuration.training for f in finalists if f.trial == decision.winner)
        self._setting.folder.keep_trained(None if made is None else made.digest)
        self._setting.folder.clean()
        return run

    def _finalists(self) -> list[Trial]:
        """Choose the finalists; fewer where the timeout leaves no time to judge them all."""
        setting, trials = self._setting, decide.searched(self._found.trials)
        goal = setting.goal
        every = chosen = decide.pick_finalists(
            trials, goal.tolerance, FINALISTS, goal.max_size_bytes, smallest=goal.max_memory_bytes is not None
        )
        if not self._found.late or setting.deadline is None:
            return self._stored(every)
        left = setting.deadline - time.monotonic()
        while len(chosen) > 2 and left < reserve.finishing_seconds(  # float f32 and the likeliest winner
            setting.prepared, setting.sizes, chosen, trials, slack=0.0, weighed=goal.max_memory_bytes is not None
        ):
            chosen = decide.without_one(chosen)
        if len(chosen) < len(every):
            self._note(f"The timeout leaves time for {len(chosen)} of {len(every)} finalists.")
        return self._stored(chosen)

    def _stored(self, chosen: Sequence[Trial]) -> list[Trial]:
        """Let f16 weights take the place of f32 where they cost nothing: what is judged is what may be written."""
        return decide.with_halved(chosen, self._found.trials, self._setting.goal.tolerance)

    def _phase(self, phase: Callable[[], T]) -> T:
        """Carry out one phase; after the run's first interrupt begin it again, cut short."""
        try:
            return phase()
        except KeyboardInterrupt:
            if self._interrupted:
                raise
            self._interrupted = True
            self._runner.close()
            self._note("Interrupted: finishing with what is known; press Ctrl-C again to stop at once.")
            return phase()

    def _note(self, text: str) -> None:
        self._notes.append(text)
        self._events.note(text)

    def _drop(self, trial: Trial, what: str, error: Exception | str) -> None:
        """Leave a finalist out.

        Raises:
            AutotuneError: it is float f32.
        """
        if trial.configuration == Configuration():
            kept = "the search is kept, --resume with the same --output continues"
            raise AutotuneError(f"Float f32, the reference, {what}: {error}; {kept}.")
        self._chosen = [t for t in self._chosen if t is not trial]
        self._note(f"Trial {trial.number} {what} and is no finalist: {error}")

    def _race(self) -> None:
        """Time the finalists again in common rounds."""
        try:
            raced = self._timed(self._chosen)
        except (StageFailed, WorkerDied):
            for trial in [t for t in self._chosen if t.configuration != Configuration()]:
                self._try_alone(trial)
            raced = self._together()
        if raced.disturbance:
            self._note(raced.disturbance)
        columns = zip(tuple(self._chosen), raced.milliseconds, raced.places, raced.failures, strict=True)
        for trial, milliseconds, places, failure in columns:
            if failure is not None:
                self._drop(trial, "could not be timed again", failure.message)
            self._columns[trial.number], self._places[trial.number] = milliseconds, places

    def _together(self) -> Raced:
        """Time them in common rounds; where all at once end the child, none alone, one after another is left out."""
        while True:
            try:
                return self._timed(self._chosen)
            except (StageFailed, WorkerDied) as error:
                if len(self._chosen) == 1:
                    raise
                fewer = decide.without_one(self._chosen)
                self._drop(
                    next(t for t in self._chosen if t not in fewer), "could not be timed beside the others", error
                )

    def _try_alone(self, trial: Trial) -> None:
        """Find out whether it was this one that ended the child."""
        try:
            self._timed([trial])
        except (StageFailed, WorkerDied) as error:
            self._drop(trial, "could not be timed again", error)

    def _timed(self, trials: Sequence[Trial]) -> Raced:
        rounds, seconds = self._race_limits()
        raced: Raced = self._runner.call(Race(tuple(t.configuration for t in trials), rounds, seconds))
        return raced

    def _race_limits(self) -> tuple[int, float]:
        """Return rounds and seconds: with a timeout, what judging leaves of it; all that where it ended the search."""
        if self._interrupted:
            return reserve.SHORT_RACE_ROUNDS, reserve.SHORT_RACE_SECONDS
        deadline = self._setting.deadline
        if deadline is None:
            return reserve.RACE_ROUNDS, reserve.RACE_SECONDS
        weighed = self._setting.goal.max_memory_bytes is not None
        after = reserve.after_timing_seconds(
            self._setting.prepared, self._setting.sizes, self._chosen, self._found.trials, weighed=weighed
        )
        left = max(deadline - time.monotonic() - after, reserve.SHORT_RACE_SECONDS)
        return (sys.maxsize, left) if self._found.late else (reserve.RACE_ROUNDS, min(left, reserve.RACE_SECONDS))

    def _judge(self) -> None:
        """Look at the holdout once for each finalist; after an interrupt only until one int8 model is judged.

        Float f32 comes first: where a metric never ends on the holdout, the run ends with it.
        """
        asked = self._setting.recipe.tolerance
        count = len(self._chosen) - 1
        for trial in sorted(self._chosen, key=lambda t: t.configuration != Configuration()):
            if trial.number in self._verdicts:
                continue
            if self._interrupted and any(not t.configuration.is_float for t in self._chosen if self._judged(t)):
                self._drop(trial, "was not judged", "interrupted")
                continue
            drop = asked.max_drop
            request = Judge(trial.configuration, drop.value, drop.relative, asked.confidence, count)
            try:
                self._verdicts[trial.number] = self._verdict(request)
            except (StageFailed, WorkerDied) as error:
                self._drop(trial, "could not be judged on the holdout", error)

    def _verdict(self, request: Judge) -> Verdict:
        """Ask once more where the child died: it may not have been this finalist that ended it; but where it spun."""
        try:
            found: Verdict = self._runner.call(request)
        except WorkerDied as error:
            if error.kind == "timeout":
                raise
            found = self._runner.call(request)
        return found

    def _judged(self, trial: Trial) -> bool:
        return trial.number in self._verdicts

    def _write_winner(self) -> tuple[list[Finalist], decide.Decision, Exported]:
        """Choose the winner and write its model folder; one that cannot be written is left out."""
        while True:
            finalists = decide.finalists(
                self._chosen,
                [self._columns[t.number] for t in self._chosen],
                [self._verdicts[t.number] for t in self._chosen],
                self._setting.goal,
                places=[self._places[t.number] for t in self._chosen],
                peaks=[self._weighing.peaks.get(t.number) for t in self._chosen],
            )
            judged = {decide.halved(f.configuration) for f in finalists}
            unjudged = [t for t in self._found.trials if decide.halved(t.configuration) not in judged]
            decision = decide.choose(finalists, self._setting.goal, interrupted=self._interrupted, unjudged=unjudged)
            self._events.stage("export")
            winner = next(t for t in self._chosen if t.number == decision.winner)
            mark = "Best effort, what was asked is not met. " if decision.outcome == "constraint-unmet" else ""
            export = Export(
                winner.configuration,
                self._setting.folder.model.absolute(),
                mark + decision.sentence,
                onnx=self._setting.recipe.export.onnx,
            )
            try:
                exported: Exported = self._runner.call(export)
            except (StageFailed, WorkerDied) as error:
                self._drop(winner, "could not be written", error)
                continue
            if exported.note:
                self._note(exported.note)
            if exported.onnx is not None:
                self._note(exported.onnx.sentence)
            return finalists, decision, exported

    def _storage(self, decision: decide.Decision) -> Storage:
        """Tell how the winner's float weights are stored; where only one way was tried, the record alone says why."""
        winner = next(t for t in self._chosen if t.number == decision.winner)
        found = decide.storage(
            winner,
            self._found.trials,
            self._setting.goal.tolerance,
            kept=self._found.kept_f32,
            judged={number: verdict.status for number, verdict in self._verdicts.items()},
        )
        if found.f32_bytes is not None and found.f16_bytes is not None:
            self._note(found.sentence)
        return found

    def _saturation(self, decision: decide.Decision) -> Saturation | None:
        """Tell what saturation costs the winner, if its sums can: it is scored again, emulated in floats."""
        winner = next(t for t in self._chosen if t.number == decision.winner)
        if not self._setting.prepared.model.can_saturate or winner.configuration.quantization is None:
            return None
        if self._interrupted:
            self._note("What saturation costs was not measured: interrupted.")
            return None
        try:
            emulated: Emulated = self._runner.call(Emulate(winner.configuration))
        except (StageFailed, WorkerDied) as error:
            self._note(f"What saturation costs could not be measured: {error}")
            return None
        assert winner.measurement is not None and winner.measurement.score is not None
        goal = self._setting.goal
        found = decide.saturation(winner.measurement.score, emulated.score, emulated.samples, goal)
        self._events.note(decide.saturation_sentence(found, goal))
        return found

    def _quantizers(self, calibrated: Trial | None) -> tuple[QuantizerRecord, ...]:
        """Recall what a trial's quantisers saw; it takes a few milliseconds each."""
        if calibrated is None:
            return ()
        try:
            found: tuple[QuantizerRecord, ...] = self._runner.call(Recall(calibrated.configuration))
        except (StageFailed, WorkerDied) as error:
            self._note(f"What the quantisers of trial {calibrated.number} saw could not be recalled: {error}")
            return ()
        return found
