"""A table whose columns are named by their role, and the checks that its cells need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autotune.counts import counted
from autotune.data import Array
from autotune.errors import UserError, suggest
from autotune.recipe import ROLES

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Table:
    """Rows of samples.

    Attributes:
        frame: its columns are named by their role.
        names: role -> the column's name in the user's table.
        where: what error messages begin with.
    """

    frame: pd.DataFrame
    names: Mapping[str, str]
    where: str

    @classmethod
    def of(cls, frame: pd.DataFrame, columns: Mapping[str, str], needs: Sequence[str], where: str) -> Table:
        """Pick the columns: those that the recipe names, else those that are called as their role.

        Raises:
            UserError: a column that is named or needed is not there, or there is no row.
        """
        given = [str(column) for column in frame.columns]
        for role, column in columns.items():
            if column not in given:
                raise UserError(f"{where}.columns.{role}: there is no column '{column}'. {suggest(column, given)}")
        names = {role: columns.get(role, role) for role in ROLES if columns.get(role, role) in given}
        for role in needs:
            if role not in names:
                raise UserError(
                    f"{where}: no column is the '{role}' that the task needs; say which with 'columns: {{{role}: "
                    f"NAME}}', there are {', '.join(given)}."
                )
        if frame.empty:
            raise UserError(f"{where}: the table holds no row.")
        picked = frame.rename(columns=str)[list(names.values())]
        picked.columns = list(names)
        return cls(picked, names, where)

    def __len__(self) -> int:
        return len(self.frame)

    def has(self, role: str) -> bool:
        """Whether there is a column of this role."""
        return role in self.names

    def cells(self, role: str) -> list[Any]:
        """Return a column's cells.

        Raises:
            UserError: one is missing.
        """
        column = self.frame[role]
        missing = np.flatnonzero(column.isna().to_numpy())
        if len(missing):
            raise UserError(
                f"{self.where}: column '{self.names[role]}' is empty in {counted(len(missing), 'row')}, first in row "
                f"{int(missing[0])} (0 first); fill or drop them."
            )
        return column.tolist()

    def texts(self, role: str) -> list[str]:
        """Return a column's cells, all of them text.

        Raises:
            UserError: one is missing or no text.
        """
        cells = self.cells(role)
        for row, cell in enumerate(cells):
            if not isinstance(cell, str):
                raise self.odd(role, row, "text", cell)
        return cells

    def lists(self, role: str) -> list[list[Any]]:
        """Return a column's cells, each a list; text is split at spaces.

        Raises:
            UserError: one is missing or neither.
        """
        cells = [cell.split() if isinstance(cell, str) else cell for cell in self.cells(role)]
        for row, cell in enumerate(cells):
            if not isinstance(cell, list | tuple | np.ndarray):
                raise self.odd(role, row, "a list (or words between spaces)", cell)
        return [list(cell) for cell in cells]

    def numbers(self, role: str) -> Array:
        """Return a column of numbers, shape (rows,).

        Raises:
            UserError: a cell is missing or no number.
        """
        for row, cell in enumerate(self.cells(role)):
            if isinstance(cell, str) or not isinstance(cell, int | float | np.number):
                raise self.odd(role, row, "a number", cell)
        return np.asarray(self.frame[role].to_numpy(), dtype=np.float64)

    def odd(self, role: str, row: int, wanted: str, cell: object) -> UserError:
        """Return the error to raise for a cell."""
        return UserError(
            f"{self.where}: column '{self.names[role]}' must hold {wanted}; row {row} (0 first) is {str(cell)[:60]!r}."
        )
