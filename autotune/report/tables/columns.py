"""What every table shares: columns with their types and meaning, and frames that survive a CSV file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["Int64", "Float64", "string", "boolean"]


@dataclass(frozen=True)
class Column:
    """One column of a CSV file.

    Attributes:
        kind: pandas' name of a type that knows empty cells.
        unit: empty where there is none; ``metric``: the metric's own.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """A CSV file.

    Attributes:
        rows: one row for what, and in which order.
    """

    file: str
    rows: str
    columns: tuple[Column, ...]

    @property
    def types(self) -> dict[str, Kind]:
        """What ``pandas.read_csv`` takes as ``dtype``, in the order of the columns."""
        return {column.name: column.kind for column in self.columns}

    def frame(self, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
        """Return typed rows; a column that a row lacks is empty there."""
        import pandas as pd

        listed = list(rows)
        columns = {name: pd.Series([row.get(name) for row in listed], dtype=kind) for name, kind in self.types.items()}
        return pd.DataFrame(columns)

    def documentation(self) -> str:
        """Return a section of Markdown that describes every column."""
        head = f"## {self.file}\n\n{self.rows}\n\n| column | type | unit | meaning |\n|---|---|---|---|\n"
        lines = (
            f"| `{c.name}` | {c.kind} | {c.unit} | {c.meaning.replace('|', chr(92) + '|')} |" for c in self.columns
        )
        return head + "\n".join(lines) + "\n"


def as_csv(frame: pd.DataFrame) -> str:
    """Return the text of a CSV file."""
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text


def nine(value: float | None) -> float | None:
    """Nine significant digits, which every CSV reader reads back exactly; None where not finite."""
    return float(f"{value:.9g}") if value is not None and math.isfinite(value) else None
