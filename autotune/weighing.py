"""How much memory the finalists take, written and loaded again; a limit of it is known to be kept only here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from autotune.configuration import Configuration
from autotune.errors import UserError, WorkerDied
from autotune.memory import is_large
from autotune.outcome import Finalist
from autotune.protocol import Footprint
from autotune.record import Trial
from autotune.runner import Runner
from autotune.setting import Setting
from autotune.stages import StageFailed


class Weighing:
    """Measures each finalist once.

    Args:
        note: takes a sentence for the user.

    Attributes:
        peaks: number of a trial -> bytes of peak memory; None where that could not be measured, which is told.
    """

    def __init__(self, setting: Setting, runner: Runner, note: Callable[[str], None]) -> None:
        self._setting = setting
        self._runner = runner
        self._note = note
        self.peaks: dict[int, int | None] = {}

    def finalists(self, trials: Iterable[Trial]) -> None:
        """Measure all of these where a limit is asked for, also after an interrupt: who may win depends on it."""
        if self._setting.goal.max_memory_bytes is not None:
            for trial in trials:
                self._measure(trial.number, trial.configuration)

    def compared(self, finalists: Sequence[Finalist], winner: int, interrupted: bool) -> list[Finalist]:
        """Return the finalists with the peak memory of float f32 and of the winner, which is written by now."""
        wanted = [f for f in finalists if f.trial == winner or f.configuration == Configuration()]
        missing = [f for f in wanted if f.trial not in self.peaks]
        if missing and interrupted:
            self._note("Peak memory was not measured: interrupted.")
            missing = []
        for one in missing:
            size = self._setting.prepared.baseline.size_bytes
            if one.trial != winner and is_large(size):  # its file and its packed weights, beside those of this run
                self._note(f"The peak memory of float f32 was not measured: its weights take {size / 2**30:.1f} GiB.")
            else:
                self._measure(one.trial, one.configuration, written=one.trial == winner)
        return [replace(f, peak_memory_bytes=self.peaks.get(f.trial)) for f in finalists]

    def _measure(self, number: int, configuration: Configuration, written: bool = False) -> None:
        if number in self.peaks:
            return
        folder = self._setting.folder
        directory = (folder.model if written else folder.work / "footprint").absolute()
        try:
            self.peaks[number] = self._runner.call(Footprint(configuration, directory, written))
        except (StageFailed, UserError, WorkerDied) as error:
            self.peaks[number] = None
            self._note(f"The peak memory of trial {number} could not be measured: {error}")
