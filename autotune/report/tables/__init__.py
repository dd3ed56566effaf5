"""The CSV files as pandas frames: stable columns, types that survive ``pandas.read_csv``.

``python -m autotune.report.tables`` prints what docs/tables.md says of them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from autotune.errors import UserError
from autotune.outcome import RunRecord
from autotune.report.tables.columns import Table, as_csv
from autotune.report.tables.comparison import COMPARISON, comparison_frame
from autotune.report.tables.latency import LATENCY, latency_frame
from autotune.report.tables.pareto import PARETO, pareto_frame
from autotune.report.tables.sensitivity import SENSITIVITY, sensitivity_frame
from autotune.report.tables.trials import TRIALS, trials_frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "COMPARISON",
    "FRAMES",
    "LATENCY",
    "PARETO",
    "SENSITIVITY",
    "TABLES",
    "TRIALS",
    "as_csv",
    "comparison_frame",
    "latency_frame",
    "pareto_frame",
    "read_table",
    "sensitivity_frame",
    "trials_frame",
]

# What every run folder has.
FRAMES: Mapping[str, Callable[[RunRecord], pd.DataFrame]] = {
    TRIALS.file: trials_frame,
    PARETO.file: pareto_frame,
    SENSITIVITY.file: sensitivity_frame,
    LATENCY.file: latency_frame,
}
TABLES: tuple[Table, ...] = (TRIALS, PARETO, SENSITIVITY, LATENCY, COMPARISON)


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV file that autotune wrote, types included; it may have been renamed.

    Raises:
        UserError: it is not there, or has not the columns of one of the tables.
    """
    import pandas as pd

    try:
        with path.open(encoding="utf-8", newline="") as file:
            head = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        raise UserError(f"{path}: cannot be read ({reason}); name a table in the folder of a run.") from error
    table = next((t for t in TABLES if list(t.types) == head), None)
    if table is None:
        names = ", ".join(t.file for t in TABLES)
        raise UserError(
            f"{path}: has not the columns of a table of this version of autotune ({names}); see docs/tables.md."
        )
    return pd.read_csv(path, dtype=dict(table.types))
