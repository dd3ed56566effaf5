"""The view behind the plot of importances. A pure function of a run."""

from __future__ import annotations

from autotune.findings import ChoiceImportance, Importances
from autotune.report import words
from autotune.report.lookup import Lookup
from autotune.report.pictures import Importance, ImportanceRow

# Of fewer trials a forest learns little that is not luck.
FEW_TRIALS = 30
# What explains less is not shown.
LEAST = 0.01


def importance(found: Lookup) -> Importance | None:
    """Which choices mattered, most important first; None where the run recorded nothing."""
    known = found.run.importances
    if known is None or not known.choices:
        return None
    rows = tuple(_row(choice, known) for choice in known.choices)
    rows = tuple(row for row in rows if max(row.speed, row.drop) >= LEAST) or rows[:1]
    clear = [row.choice for row in rows if row.clear]
    return Importance(
        rows=rows,
        noise_speed=known.noise_speed,
        noise_drop=known.noise_drop,
        lead=f"Of {words.count(known.trials, 'int8 trial')}: the share of their differences in speed, and in drop, "
        "that each choice explains.",
        warning=_warning(known, clear),
        summary=f"Bars of importances. Beyond noise: {', '.join(clear) or 'none'}.",
    )


def _row(choice: ChoiceImportance, known: Importances) -> ImportanceRow:
    return ImportanceRow(
        choice=choice.choice,
        speed=choice.speed,
        speed_text=words.percent(choice.speed),
        drop=choice.drop,
        drop_text=words.percent(choice.drop),
        clear=choice.speed > known.noise_speed or choice.drop > known.noise_drop,
    )


def _warning(known: Importances, clear: list[str]) -> str:
    if not clear:
        return (
            "These data cannot say which choices mattered: columns of random numbers explain as much as any of them. "
            "More trials would be needed."
        )
    if known.trials < FEW_TRIALS:
        return (
            f"{words.count(known.trials, 'trial')} are few for this, and the search did not try choices evenly: "
            f"take the order as a hint. {_shares(known)}"
        )
    return ""


def _shares(known: Importances) -> str:
    return (
        f"Columns of random numbers explain up to {words.percent(known.noise_speed)} of speed and "
        f"{words.percent(known.noise_drop)} of drop."
    )
