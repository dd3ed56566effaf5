from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from autotune.errors import UserError
from autotune.sources.tables import read_table


def test_csv_and_json_lines_give_the_same(tmp_path: Path) -> None:
    rows = [{"text": "a, b", "label": "NA"}, {"text": 'say "c"\nd', "label": "y"}]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "t.csv").write_text('text,label\n"a, b",NA\n"say ""c""\nd",y\n')
    for name in ("t.csv", "t.jsonl"):
        assert read_table(tmp_path / name).to_dict("records") == rows


def test_lists_in_json_lines(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"text": ["a", "b"], "label": [0, 1]}\n')
    assert read_table(tmp_path / "t.jsonl")["text"][0] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "text,label\na,1\nb\n", r"row 1 \(0 first\) has 1 cells and the header 2"),
        ("t.csv", "text,label\na,1\nb,2,3\n", r"cannot be read as csv: .*; it may be cut, or its rows differ"),
        ("t.csv", "", r"cannot be read as csv"),
        ("t.csv", "a\xff", r"cannot be read as csv"),
        ("t.jsonl", '{"text": "a"}\n{"te', r"cannot be read as jsonl"),
        ("t.parquet", "PAR", r"cannot be read as parquet|needs pyarrow"),
        ("t.txt", "a", r"is not a table; a task reads \.csv, \.jsonl, \.parquet"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=message):
        read_table(tmp_path / name)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist; a path is relative to the recipe's folder"):
        read_table(tmp_path / "t.csv")


def test_parquet(tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"text": ["a", "b"], "label": [0, 1]})
    if importlib.util.find_spec("pyarrow") is None:
        (tmp_path / "t.parquet").write_bytes(b"PAR1")
        with pytest.raises(UserError, match=r"needs pyarrow, .* install 'autotune\[parquet\]'"):
            read_table(tmp_path / "t.parquet")
        return
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").equals(frame)


def test_a_saved_data_set_names_its_classes(tmp_path: Path) -> None:
    """Those of single rows and those of each word."""
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"text": [["a", "b"], ["c"]], "label": [[1, 0], [1]], "kind": [0, 1]})
    with pa.OSFile(str(tmp_path / "data.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))
    words = {"_type": "Sequence", "feature": {"_type": "ClassLabel", "names": ["O", "B"]}}
    features = {"text": {}, "label": words, "kind": {"_type": "ClassLabel", "names": ["x", "y"]}}
    (tmp_path / "dataset_info.json").write_text(json.dumps({"features": features}))
    frame = read_table(tmp_path)
    assert [list(row) for row in frame["label"]] == [["B", "O"], ["B"]]
    assert frame["kind"].tolist() == ["x", "y"]
