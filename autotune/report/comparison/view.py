"""From several runs to their comparison: a pure function that formats everything and decides nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from autotune.configuration import Configuration
from autotune.outcome import Finalist, RunRecord
from autotune.record import Interval
from autotune.report import words
from autotune.report.comparison.cautions import cautions
from autotune.report.comparison.configurations import choice_rows
from autotune.report.comparison.page import Cell, Comparison, Line, Row, Section, Speed
from autotune.report.evidence import status_badge
from autotune.report.lookup import Lookup, median
from autotune.report.named import Named
from autotune.report.page import Badge
from autotune.report.words import MetricWords

T = TypeVar("T")

_NOTHING = Cell(words.MISSING)
_NO_WINNER = Badge("no verdict", "?", "plain", "No candidate was judged on the holdout.")
_OUTCOMES = {"constraint-unmet": "a constraint is not met", "interrupted": "interrupted"}


@dataclass(frozen=True)
class _Side:
    """One run, with what its rows are written from."""

    named: Named
    found: Lookup
    metric: MetricWords

    @property
    def run(self) -> RunRecord:
        return self.named.run

    @property
    def winner(self) -> Finalist | None:
        return self.found.winner


_Rows = Sequence[tuple[str, Callable[[_Side], Cell]]]


def compare(runs: Sequence[Named]) -> Comparison:
    """Return everything that the comparison shows, as text ready to print.

    Args:
        runs: at least one, in the order to be shown.
    """
    sides = [_Side(n, Lookup(n.run), MetricWords.of(n.run.goal, n.run.baseline_score)) for n in runs]
    speeds = tuple(speed for side in sides if (speed := _speed_mark(side)) is not None)
    return Comparison(
        names=tuple(n.name for n in runs),
        folders=tuple(str(n.folder) for n in runs),
        title=f"{words.count(len(runs), 'run')} side by side",
        cautions=cautions([n.run for n in runs]),
        speeds=speeds,
        summary="Speed of each run's winner against its float f32: "
        + "; ".join(f"{s.name} {words.ratio(s.estimate)}" for s in speeds)
        + ".",
        sections=(
            _section(
                "verdict",
                "What they came to",
                "Judged on each run's holdout, timed in its common rounds.",
                _VERDICT,
                sides,
            ),
            _section("asked", "What was asked for", "", _ASKED, sides),
            Section(
                "configuration",
                "The winners' configurations",
                "Every choice, operator by operator where it was made so; lists open.",
                tuple(_row(name, cells) for name, cells in choice_rows([_configuration(side) for side in sides])),
            ),
            _section("model", "Model and data", "", _MODEL, sides),
            _section("machine", "Machine", "", _MACHINE, sides),
            _section("versions", "Versions", "", _versions(sides), sides),
        ),
        lines=tuple(_line(side) for side in sides),
    )


def _section(anchor: str, title: str, lead: str, rows: _Rows, sides: Sequence[_Side]) -> Section:
    return Section(anchor, title, lead, tuple(_row(label, [cell(side) for side in sides]) for label, cell in rows))


def _row(label: str, cells: Sequence[Cell]) -> Row:
    return Row(label, tuple(cells), differs=len(set(cells)) > 1)


def _configuration(side: _Side) -> Configuration | None:
    return None if side.winner is None else side.winner.configuration


def _speed_mark(side: _Side) -> Speed | None:
    winner = side.winner
    if winner is None or not math.isfinite(winner.speedup.estimate):
        return None
    speed = winner.speedup
    known = math.isfinite(speed.low) and math.isfinite(speed.high)
    return Speed(
        name=side.named.name,
        estimate=speed.estimate,
        low=speed.low if known else speed.estimate,
        high=speed.high if known else speed.estimate,
        details=(
            f"{side.named.name}: {winner.configuration.label}",
            f"{_ratio(speed)} against float f32",
            f"{side.metric.name} drop {_drop(side, winner)}: {winner.verdict.status}",
        ),
    )


def _line(side: _Side) -> Line:
    winner, run = side.winner, side.run
    odd = [_OUTCOMES[run.outcome]] if run.outcome in _OUTCOMES else []
    return Line(
        name=side.named.name,
        winner=words.MISSING if winner is None else winner.configuration.label.partition(",")[0],
        verdict=", ".join(["no verdict" if winner is None else winner.verdict.status, *odd]),
        speed=words.MISSING if winner is None else words.ratio(winner.speedup.estimate),
        interval="" if winner is None else words.between(winner.speedup),
        drop=words.MISSING if winner is None else side.metric.drop(winner.verdict.drop),
        allowed=run.goal.max_drop,
        latency=words.MISSING if winner is None else words.milliseconds(_milliseconds(winner)),
        size=words.MISSING if winner is None else words.size(_size(side)),
        wall=words.duration(run.wall_seconds),
    )


def _ratio(speed: Interval) -> str:
    ends = words.between(speed)
    return f"{words.ratio(speed.estimate)} ({ends})" if ends else words.ratio(speed.estimate)


def _drop(side: _Side, winner: Finalist) -> str:
    return f"{side.metric.drop(winner.verdict.drop)}, at most {side.metric.drop(winner.verdict.drop_upper)}"


def _milliseconds(winner: Finalist) -> float | None:
    return median(winner.milliseconds) if winner.milliseconds else None


def _size(side: _Side) -> int | None:
    measured = side.found.measurement(side.run.winner)
    return None if measured is None else measured.size_bytes


def _of_winner(cell: Callable[[_Side, Finalist], Cell]) -> Callable[[_Side], Cell]:
    return lambda side: _NOTHING if side.winner is None else cell(side, side.winner)


def _verdict(side: _Side) -> Cell:
    badge = _NO_WINNER if side.winner is None else status_badge(side.winner.verdict.status)
    return Cell("", _OUTCOMES.get(side.run.outcome, ""), badge)


def _interval(speed: Interval) -> Cell:
    return Cell(words.ratio(speed.estimate), words.between(speed))


def _best_float(side: _Side) -> Cell:
    best = side.found.best_float
    return _NOTHING if best is None else Cell(best.configuration.label)


def _latency(side: _Side, winner: Finalist) -> Cell:
    return Cell(words.milliseconds(_milliseconds(winner)), f"float f32 {words.milliseconds(side.found.baseline_ms())}")


def _memories(side: _Side, winner: Finalist) -> Cell:
    baseline = side.found.baseline_finalist
    before = None if baseline is None else baseline.peak_memory_bytes
    return Cell(words.size(winner.peak_memory_bytes), f"float f32 {words.size(before)}")


def _sizes(side: _Side, _: Finalist) -> Cell:
    baseline = side.found.baseline.measurement if side.found.baseline is not None else None
    return Cell(words.size(_size(side)), f"float f32 {words.size(None if baseline is None else baseline.size_bytes)}")


def _score(side: _Side, winner: Finalist) -> Cell:
    verdict = winner.verdict
    return Cell(side.metric.score(verdict.score), f"float f32 {side.metric.score(verdict.float_score)}")


def _drop_cell(side: _Side, winner: Finalist) -> Cell:
    verdict = winner.verdict
    upper = f"at most {side.metric.drop(verdict.drop_upper)} at {words.confidence(verdict.confidence)}"
    return Cell(side.metric.drop(verdict.drop), upper)


_VERDICT: _Rows = (
    ("verdict", _verdict),
    ("speed against float f32", _of_winner(lambda _, winner: _interval(winner.speedup))),
    ("speed against the best float", _of_winner(lambda _, winner: _interval(winner.speedup_best_float))),
    ("best float", _best_float),
    ("drop", _of_winner(_drop_cell)),
    ("score", _of_winner(_score)),
    ("latency", _of_winner(_latency)),
    ("size of constants", _of_winner(_sizes)),
    ("peak memory", _of_winner(_memories)),
    ("trials", lambda side: Cell(words.count(len(side.run.trials)))),
    ("wall time", lambda side: Cell(words.duration(side.run.wall_seconds))),
    ("started", lambda side: Cell(side.run.started.replace("T", " ", 1))),
    ("in a sentence", lambda side: Cell(side.run.sentence)),
)
_ASKED: _Rows = (
    ("metric", lambda s: Cell(s.run.goal.metric, f"{'higher' if s.run.goal.higher_is_better else 'lower'} is better")),
    ("largest drop", lambda s: Cell(s.run.goal.max_drop, f"{s.metric.tolerance(s.run.goal.tolerance)} in its units")),
    ("largest latency", lambda s: Cell(_limit(s.run.goal.max_latency_ms, words.milliseconds))),
    ("least speedup", lambda s: Cell(_limit(s.run.goal.min_speedup, words.ratio))),
    ("largest size", lambda s: Cell(_limit(s.run.goal.max_size_bytes, words.size))),
    ("largest peak memory", lambda s: Cell(_limit(s.run.goal.max_memory_bytes, words.size))),
    ("assurance", lambda s: Cell(s.run.goal.assurance)),
    ("confidence", lambda s: Cell(words.confidence(s.run.goal.confidence))),
)
_MODEL: _Rows = (
    ("model", lambda s: Cell(s.run.model.name, f"SHA-256 {s.run.model.digest[:12]}")),
    ("size of the source", lambda s: Cell(words.size(s.run.model.size_bytes))),
    ("operators that can be quantised", lambda s: Cell(words.count(len(s.run.model.operators)))),
    ("data", lambda s: Cell(s.run.data)),
    ("samples for ranges", lambda s: Cell(words.count(s.run.splits.calibration))),
    ("samples of the search", lambda s: Cell(words.count(s.run.splits.search))),
    ("samples of the holdout", lambda s: Cell(words.count(s.run.splits.holdout))),
)
_MACHINE: _Rows = (
    ("CPU", lambda s: Cell(s.run.fingerprint.cpu)),
    ("instruction set", lambda s: Cell(s.run.fingerprint.instruction_set)),
    ("features", lambda s: Cell(", ".join(s.run.fingerprint.isa) or words.MISSING)),
    ("8-bit sums", lambda s: Cell("saturate" if s.run.model.can_saturate else "do not saturate")),
    ("precisions executed", lambda s: Cell(", ".join(s.run.model.precisions) or words.MISSING)),
    (
        "threads at most",
        lambda s: Cell(words.count(s.run.fingerprint.threads), f"of {words.count(s.run.fingerprint.cores, 'core')}"),
    ),
    ("memory", lambda s: Cell(f"{s.run.fingerprint.memory_gib:.1f} GiB")),
    ("system", lambda s: Cell(s.run.fingerprint.system)),
)


def _limit(value: T | None, told: Callable[[T], str]) -> str:
    return "none" if value is None else told(value)


def _versions(sides: Sequence[_Side]) -> _Rows:
    names = sorted({name for side in sides for name in side.run.fingerprint.versions})

    def of(name: str) -> Callable[[_Side], Cell]:
        return lambda side: Cell(side.run.fingerprint.versions.get(name, words.MISSING))

    return [(name, of(name)) for name in names]
