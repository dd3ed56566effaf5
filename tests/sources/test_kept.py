"""Data sets that are made once: kept under what they are made from."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from autotune.sources import builtin
from autotune.sources.builtin import document_pages, python_files
from autotune.sources.builtin.kept import MOST, code, kept


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUTOTUNE_CACHE", str(tmp_path))
    return tmp_path / "datasets"


def numbers(count: int, calls: list[int]) -> Callable[[], dict[str, np.ndarray]]:
    def make() -> dict[str, np.ndarray]:
        calls.append(count)
        return {"x": np.arange(count, dtype=np.uint8), "labels": np.arange(count)}

    return make


def test_made_once_from_the_same_and_anew_from_anything_else(folder: Path) -> None:
    calls: list[int] = []
    for count in (3, 3, 4, 3):
        found = kept("numbers", (count, "1.0"), numbers(count, calls))
        assert (found["x"].tolist(), found["x"].dtype) == (list(range(count)), np.uint8)
    assert calls == [3, 4]
    kept("numbers", (3, "1.1"), numbers(3, calls))
    kept("others", (3, "1.0"), numbers(3, calls))
    assert calls == [3, 4, 3, 3], "another version and another name"


def test_a_damaged_file_is_made_again(folder: Path) -> None:
    calls: list[int] = []
    kept("numbers", (3,), numbers(3, calls))
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    assert kept("numbers", (3,), numbers(3, calls))["x"].tolist() == [0, 1, 2]
    assert calls == [3, 3]


def test_old_ones_go(folder: Path) -> None:
    for count in range(1, MOST + 3):
        kept("numbers", (count,), numbers(count, []))
        for file in folder.iterdir():
            os.utime(file, ns=(0, file.stat().st_mtime_ns - 10**9))
    calls: list[int] = []
    kept("numbers", (MOST + 2,), numbers(MOST + 2, calls))
    assert not calls
    assert len(list(folder.iterdir())) == MOST


def test_changed_code_has_another_name() -> None:
    assert code(python_files) == code(python_files) != code(document_pages)


@pytest.mark.network
def test_pages_of_an_earlier_run_are_the_same_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    first = builtin.load("document-pages", {"pages": 1}, lambda _: None)

    def typeset(*_: object) -> None:
        raise AssertionError("it is kept")

    with monkeypatch.context() as patched:
        patched.setattr(document_pages.typesetting, "draw_page", typeset)
        again = builtin.load("document-pages", {"pages": 1}, lambda _: None)
        np.testing.assert_array_equal(first.inputs["x"], again.inputs["x"])
        with pytest.raises(AssertionError, match="it is kept"):
            builtin.load("document-pages", {"pages": 3}, lambda _: None)
