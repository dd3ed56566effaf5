from __future__ import annotations

import pandas as pd
import pytest

from autotune.errors import UserError
from autotune.text.table import Table

FRAME = pd.DataFrame({"body": ["a b", "c"], "label": ["x", None], "n": [1, 2], "words": [["a"], ["b", "c"]]})


def table(**columns: str) -> Table:
    return Table.of(FRAME, columns, ("text",), "data")


def test_columns_by_role() -> None:
    made = table(text="body")
    assert made.names == {"text": "body", "label": "label"}
    assert made.texts("text") == ["a b", "c"]
    assert made.lists("text") == [["a", "b"], ["c"]]
    assert table(text="words").lists("text") == [["a"], ["b", "c"]]
    assert table(text="body", label="n").numbers("label").tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": "boddy"}, "data.columns.text: there is no column 'boddy'. Did you mean 'body'?"),
        (
            {},
            "data: no column is the 'text' that the task needs; say which with 'columns: {text: NAME}'",
        ),
    ],
)
def test_columns_that_are_not_there(columns: dict[str, str], message: str) -> None:
    with pytest.raises(UserError) as raised:
        table(**columns)
    assert str(raised.value).startswith(message)


def test_cells_of_another_kind() -> None:
    with pytest.raises(UserError, match=r"data: column 'label' is empty in 1 row, first in row 1 \(0 first\)"):
        table(text="body").cells("label")
    with pytest.raises(UserError, match=r"column 'n' must hold text; row 0 \(0 first\) is '1'"):
        table(text="n").texts("text")
    with pytest.raises(UserError, match=r"column 'body' must hold a number; row 0 \(0 first\) is 'a b'"):
        table(text="n", label="body").numbers("label")
    with pytest.raises(UserError, match=r"column 'n' must hold a list"):
        table(text="n").lists("text")
    with pytest.raises(UserError, match="holds no row"):
        Table.of(FRAME[:0], {"text": "body"}, ("text",), "data")
