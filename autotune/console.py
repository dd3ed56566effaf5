"""What a person sees in the terminal while a run goes on."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType

from rich import box
from rich.console import Console as RichConsole
from rich.markup import escape
from rich.padding import Padding
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from autotune.decide import digits, drop_words
from autotune.outcome import RunRecord, Verification
from autotune.progress import search_progress
from autotune.recipe import Recipe
from autotune.record import Trial
from autotune.report import words

_STAGES = {
    "data": "Loading data",
    "baseline": "Measuring float f32",
    "observe": "Observing calibration samples",
    "search": "Searching",
    "training": "Training with quantisers",
    "finalists": "Timing finalists, then judging them on the holdout",
    "export": "Writing the model",
    "report": "Writing the report",
}


_WIDTH = 80
# What the search does between trials: its bar stays.
_WITHIN_SEARCH = ("observe", "search")


class Console:
    """Implements ``events.Events`` with rich; plain lines where the output is not a terminal.

    Used as a context manager, it leaves the terminal in order however the run ends.

    Args:
        quiet: print the verdict only.
        to_stderr: stdout is somebody else's.
        verbose: each trial is a line on a terminal too.
    """

    def __init__(self, quiet: bool, to_stderr: bool, verbose: bool = False) -> None:
        self._out = RichConsole(stderr=to_stderr, highlight=False)
        if self._out.is_jupyter:  # each line would be an output of its own there; lines of plain text are one
            self._out = RichConsole(stderr=to_stderr, highlight=False, force_jupyter=False, force_terminal=False)
        self._quiet = quiet
        self._lines = verbose or not self._out.is_terminal
        self._progress: Progress | None = None
        self._best = "best is float f32"
        self._trials: int | None = None
        self._begun = time.monotonic()
        self._deadline: float | None = None

    def __enter__(self) -> Console:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._end_progress()

    def header(self, recipe: Recipe, folder: Path) -> None:
        """Say what is tuned and where the results go."""
        name, place = escape(recipe.name), escape(str(folder))
        self._trials = recipe.budget.trials
        timeout = recipe.budget.timeout_seconds
        self._deadline = None if timeout is None else self._begun + timeout
        self._print(f"[bold]autotune[/bold] {name}: at most {recipe.tolerance.max_drop} worse, into {place}")

    def stage(self, text: str) -> None:
        """A new phase begins."""
        if self._progress is not None and text in _WITHIN_SEARCH:
            self._show(self._best if text == "search" else _STAGES[text].lower())
            return
        self._end_progress()
        self._print(f"[cyan]{_STAGES.get(text, text)}[/cyan]")
        if text == "search" and self._out.is_terminal and not self._quiet:
            self._progress = search_progress(self._out, self._deadline)
            self._progress.start()
            self._progress.add_task(self._best, total=self._trials)

    def note(self, text: str) -> None:
        """A sentence the user must see."""
        if not self._quiet:
            self._indented(text, "yellow")

    def trial(self, trial: Trial, best: Trial | None, done: int, total: int) -> None:
        """A trial ended."""
        if self._quiet:
            return
        if self._lines and trial.state != "duplicate":
            self._indented(f"[{done}/{total}] trial {trial.number}: {describe(trial)}", "")
        if best is not None:
            self._best = f"best {'float' if best.configuration.is_float else 'int8'} {_gain(best)}"
        self._show(self._best, completed=done, total=total)

    def result(self, run: RunRecord, folder: Path) -> None:
        """The verdict, the finalists and where to look."""
        self._end_progress()
        if not self._quiet:
            self._out.print(_finalists(run, min(_WIDTH, self._out.width), framed=self._out.is_terminal))
        self._out.print(run.sentence, style="bold", markup=False, soft_wrap=not self._out.is_terminal)
        if not self._quiet:
            self._out.print(f"Model {folder / 'model'}, report {folder / 'report.html'}", markup=False, soft_wrap=True)

    def _indented(self, text: str, style: str) -> None:
        """Print a sentence below its stage: wrapped on a terminal, one line elsewhere."""
        if self._out.is_terminal:
            self._out.print(Padding(Text(text, style), (0, 0, 0, 2)))
        else:
            self._out.print(f"  {text}", style=style, markup=False, soft_wrap=True)

    def _print(self, text: str) -> None:
        if not self._quiet:
            self._out.print(text, soft_wrap=True)

    def _show(self, description: str, completed: int | None = None, total: int | None = None) -> None:
        if self._progress is not None:
            task = self._progress.task_ids[0]
            self._progress.update(task, description=description, completed=completed, total=total)

    def _end_progress(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def describe(trial: Trial) -> str:
    """One line: speed, drop and configuration, or why there is none."""
    measured = trial.measurement
    if trial.state in ("failed", "stopped"):
        return f"{trial.state}: {trial.configuration.label}: {trial.reason}"
    if measured is None or measured.latency is None or measured.drop is None:
        return f"{trial.state}: {trial.configuration.label}"
    notes = "".join(f" ({note})" for note in measured.notes)
    return f"{_gain(trial)}: {trial.configuration.label}{notes}"


def verification_lines(found: Verification, short: bool) -> list[str]:
    """What was found, line by line; ``short``: the outcome only."""
    verdict, speed, promised = found.verdict, found.speedup, found.promised
    outcome = "It still holds." if found.holds else f"It does NOT hold: {'; '.join(found.reasons)}."
    if short:
        return [outcome]
    return [
        f"Drop    {_signed(verdict.drop)}, at most {_signed(verdict.drop_upper)} of {digits(verdict.tolerance)}: "
        f"{verdict.status} (the run: {_signed(promised.verdict.drop)}, {promised.verdict.status})",
        f"Speed   {speed.estimate:.2f}x float f32 ({speed.low:.2f} to {speed.high:.2f}; the run: "
        f"{promised.speedup.estimate:.2f}x), {found.speedup_best_float.estimate:.2f}x the best float here, "
        f"{found.best_float}",
        f"Latency {digits(found.latency_ms)} ms",
        *(f"Differs {text}" for text in found.differences),
        outcome,
    ]


def _gain(trial: Trial) -> str:
    """Speed and drop; short enough to stand beside a progress bar."""
    measured = trial.measurement
    assert measured is not None and measured.latency is not None and measured.drop is not None
    return f"{measured.latency.speedup.estimate:.2f}x, {drop_words(measured.drop)}"


def _signed(drop: float) -> str:
    return drop_words(drop).removeprefix("drop ").replace("no drop", "0")


def _finalists(run: RunRecord, width: int, framed: bool) -> Table:
    """The closing table: figures whole, configurations wrapped, however long their words are."""
    title, frame = "Finalists, on data the search never saw", box.HEAVY_HEAD if framed else None
    table = Table(title=title, title_justify="left", width=width, box=frame)
    limited = run.goal.max_memory_bytes is not None
    for name in ("trial", "configuration", "speed", "drop", "at most", *(["memory"] if limited else []), "verdict"):
        wraps = name == "configuration"
        table.add_column(
            name,
            justify="left" if name in ("configuration", "verdict") else "right",
            no_wrap=not wraps,
            overflow="fold" if wraps else "ellipsis",
        )
    for finalist in sorted(run.finalists, key=lambda f: -f.speedup.estimate):
        verdict = finalist.verdict
        mark = " *" if finalist.trial == run.winner else ""
        cells = (
            f"{finalist.trial}{mark}",
            finalist.configuration.label,
            f"{finalist.speedup.estimate:.2f}x",
            _signed(verdict.drop),
            _signed(verdict.drop_upper),
            *([words.size(finalist.peak_memory_bytes)] if limited else []),
            verdict.status,
        )
        table.add_row(*map(Text, cells))  # as they are: brackets are no markup
    return table
