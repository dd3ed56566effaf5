"""Prints docs/tables.md."""

from __future__ import annotations

from autotune.report.tables import TABLES

HEAD = """# Tables

A run folder holds `trials.csv`, `pareto.csv`, `sensitivity.csv` and `latency.csv`; `autotune report RUN1 RUN2 ...`
writes `comparison.csv`. Columns keep their names, types and order; what changes is in CHANGELOG.md. A cell is empty
where there is no value. Measured numbers have nine significant digits.

`autotune.read_table("reports/file-type/trials.csv")` gives a pandas frame with the types below; so does
`pandas.read_csv` with them as `dtype`. (Without, pandas makes integers with empty cells floats, and booleans with
empty cells objects.)

<!-- Made by: python -m autotune.report.tables > docs/tables.md -->
"""


def documentation() -> str:
    """Return docs/tables.md."""
    return "\n".join([HEAD, *(table.documentation() for table in TABLES)])


if __name__ == "__main__":
    print(documentation(), end="")
