from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autotune import recipe as recipes
from autotune.data import Splits, digest
from autotune.errors import UserError
from autotune.sources.datasets import load_data, read_npz

HEAD = "version: 1\nname: t\nmodel: {path: m.xml}\nmetric: accuracy\n"
X = np.arange(200, dtype=np.float32).reshape(100, 2)
LABELS = np.arange(100) % 4


def load(folder: Path, data: str, trust_code: bool = True) -> tuple[Splits, list[str]]:
    (folder / "r.yaml").write_text(f"{HEAD}data: {data}\n")
    said: list[str] = []
    return load_data(recipes.load(folder / "r.yaml"), trust_code, said.append), said


def test_npz_with_groups_and_own_shares(tmp_path: Path):
    np.savez(tmp_path / "d.npz", x=X, labels=LABELS, groups=np.arange(100) // 2)
    splits, said = load(tmp_path, "{path: d.npz, split: {calibration: 0.2, search: 0.3, holdout: 0.5}}")
    assert [len(d) for _, d in splits.items()] == [20, 30, 50]
    assert not set(splits.search.groups.tolist()) & set(splits.holdout.groups.tolist())
    assert said == []


def test_copies_are_announced(tmp_path: Path):
    np.savez(tmp_path / "d.npz", x=np.concatenate([X, X[:7]]), labels=np.concatenate([LABELS, LABELS[:7]]))
    assert load(tmp_path, "{path: d.npz}")[1] == ["7 samples are copies of others, and left out."]


def test_the_function_and_the_file_give_the_same(tmp_path: Path):
    np.savez(tmp_path / "d.npz", x=X, labels=LABELS)
    code = "import numpy as np\ndef load():\n    return dict(np.load(__file__.replace('load.py', 'd.npz')))\n"
    (tmp_path / "load.py").write_text(code)
    assert digest(load(tmp_path, "{function: 'load.py:load'}")[0]) == digest(load(tmp_path, "{path: d.npz}")[0])


def test_lists_are_fine(tmp_path: Path):
    (tmp_path / "load.py").write_text(
        "def load():\n    return {'x': [[float(i)] for i in range(60)], 'labels': [i % 2 for i in range(60)]}\n"
    )
    assert load(tmp_path, "{function: 'load.py:load'}")[0].search.inputs["x"].shape[1:] == (1,)


def test_three_sources(tmp_path: Path):
    for name, part in (("a", slice(0, 20)), ("b", slice(10, 50)), ("c", slice(40, 100))):
        labels = {} if name == "a" else {"labels": LABELS[part]}
        np.savez(tmp_path / f"{name}.npz", x=X[part], **labels)
    splits, said = load(tmp_path, "{calibration: {path: a.npz}, search: {path: b.npz}, holdout: {path: c.npz}}")
    assert [len(d) for _, d in splits.items()] == [10, 30, 60]
    assert splits.calibration.labels is None
    assert said == ["20 samples are copies of others, and left out."]


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("[1, 2]", r"load\.py:load returned list; return a dict of arrays by name"),
        ("{'x': [[1], [1, 2]], 'labels': [0, 1]}", "rows of unequal length for 'x'"),
        ("{'x': 1.0}", "input 'x' is a single value"),
        ("{'x': [[1.0]] * 5, 'labels': [0] * 4}", "input 'x' has 5, labels has 4"),
        ("{}[0]", r"load\.py:load raised KeyError: 0 \(load\.py, line 2\)"),
        ("{'labels': [0, 1]}", "holds no input"),
    ],
)
def test_functions_that_return_something_else(tmp_path: Path, returned: str, message: str):
    (tmp_path / "load.py").write_text(f"def load():\n    return {returned}\n")
    with pytest.raises(UserError, match=message):
        load(tmp_path, "{function: 'load.py:load'}")


def test_code_needs_trust(tmp_path: Path):
    (tmp_path / "load.py").write_text("raise SystemExit('ran')\n")
    with pytest.raises(UserError, match=r"load\.py:load is code that would run.*--trust-code"):
        load(tmp_path, "{function: 'load.py:load'}", trust_code=False)


def test_broken_files(tmp_path: Path):
    np.savez(tmp_path / "whole.npz", x=X, labels=LABELS)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:300])
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "empty.npz").write_bytes(b"")
    np.savez(tmp_path / "objects.npz", x=np.array([[1], [1, 2]], dtype=object))
    np.save(tmp_path / "single.npy", X)
    (tmp_path / "texts.json").write_text('[{"text": "a"}]')
    (tmp_path / "scores.xlsx").write_bytes(b"PK")
    for name, message in (
        ("cut.npz", "not a readable npz"),
        ("text.npz", "not a readable npz"),
        ("empty.npz", "not a readable npz"),
        ("texts.json", r"texts\.json is not a readable npz file; a table is written as \.jsonl"),
        ("scores.xlsx", "write a table as .csv, with a line of names first"),
        ("objects.npz", "array of Python objects"),
        ("single.npy", "is a single array"),
        ("nowhere.npz", r"nowhere\.npz does not exist"),
        (".", "is a folder"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            read_npz(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{builtin: python-file}", "no dataset 'python-file'. Did you mean 'python-files'?"),
        ("{builtin: python-files, options: {per_tipe: 3}}", "no option 'per_tipe'. Did you mean 'per_type'?"),
        ("{builtin: python-files, options: {per_type: 0}}", "must be a whole number of 1 or more, not 0"),
        ("{builtin: python-files, options: {per_type: many}}", "must be a whole number of 1 or more, not 'many'"),
    ],
)
def test_builtins_check_their_options(tmp_path: Path, data: str, message: str):
    with pytest.raises(UserError, match=message):
        load(tmp_path, data)
