"""Samples that differ in length: what is fed, kept, named and chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autotune.data import Dataset, Lengths, Splits, digest, load_saved, save


def pairs() -> Dataset:
    """Five samples of two members each."""
    runs = np.array([[1, 2], [3, 4], [2, 2], [4, 1], [3, 3]])
    inputs = {"ids": np.arange(40).reshape(5, 2, 4)}
    return Dataset(inputs, members=2, lengths=Lengths(runs, most=8, buckets=(2, 4), padding={"ids": 7}))


def test_a_row_is_as_long_as_its_run() -> None:
    runs = pairs().take([1, 0]).runs()
    assert [runs.row(i)["ids"].tolist() for i in range(4)] == [[[8, 9, 10]], [[12, 13, 14, 15]], [[0]], [[4, 5]]]


def test_they_are_kept_and_part_of_the_content(tmp_path: Path) -> None:
    data = pairs()
    splits = Splits(data, data, data)
    save(splits, tmp_path / "splits")
    back = load_saved(tmp_path / "splits.npz").search.lengths
    assert back is not None and data.lengths is not None
    assert back.runs.tolist() == data.lengths.runs.tolist()
    assert (back.most, back.buckets, dict(back.padding)) == (8, (2, 4), {"ids": 7})
    plain = Dataset(data.inputs, members=2)
    assert plain.content != data.content
    assert digest(Splits(plain, plain, plain)) != digest(splits)


def test_some_stand_for_all() -> None:
    lengths = Lengths(np.array([9, 1, 8, 2, 7, 3, 6, 4]))
    assert [int(lengths.runs[i]) for i in lengths.spread(2)] == [8, 3]  # the third of 1 2 3 4 and of 6 7 8 9
    assert lengths.spread(100) == list(range(8))
