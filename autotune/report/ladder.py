"""How the run climbed the ladder, as rows."""

from __future__ import annotations

from autotune.outcome import Ladder, Rung
from autotune.report import words
from autotune.report.page import LadderPart, RungRow


def ladder_part(ladder: Ladder | None) -> LadderPart:
    """Return one row per rung, cheapest first; none where the order was not the ladder's."""
    if ladder is None:
        return LadderPart((), "")
    return LadderPart(tuple(_row(rung) for rung in ladder.rungs), ladder.stopped)


def _row(rung: Rung) -> RungRow:
    return RungRow(
        name=rung.name,
        trials=words.count(rung.trials) if rung.trials else "",
        best="" if rung.best is None else str(rung.best),
        found=rung.found,
    )
